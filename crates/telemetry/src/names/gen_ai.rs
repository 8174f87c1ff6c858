//! Model calls.
//!
//! The worker is the client of a model and reports `gen_ai.client.*`; the gateway is a model to
//! its callers and reports `gen_ai.server.*`, queue included. The difference is the queue.
//!
//! A span is named `{operation name} {request model}`: `chat llama3.2`. It wraps the HTTP client
//! span. The conventions' opt-in names for prompts and answers are absent on purpose.

use super::{Instrument, buckets};

/// Value of [`PROVIDER_NAME`] for any endpoint that speaks OpenAI's API, whoever owns it.
pub const PROVIDER_OPENAI: &str = "openai";
/// Value of [`TOKEN_TYPE`].
pub const INPUT: &str = "input";
/// Value of [`TOKEN_TYPE`].
pub const OUTPUT: &str = "output";

/// What is asked for.
pub const OPERATION_NAME: &str = "gen_ai.operation.name";
/// Whose API is spoken.
pub const PROVIDER_NAME: &str = "gen_ai.provider.name";
/// The model asked for. As a metric label: a name of the catalogue, or `other`.
pub const REQUEST_MODEL: &str = "gen_ai.request.model";
/// Whether a stream is asked for.
pub const REQUEST_STREAM: &str = "gen_ai.request.stream";
/// Limit of output tokens.
pub const REQUEST_MAX_TOKENS: &str = "gen_ai.request.max_tokens";
/// Temperature.
pub const REQUEST_TEMPERATURE: &str = "gen_ai.request.temperature";
/// Nucleus sampling.
pub const REQUEST_TOP_P: &str = "gen_ai.request.top_p";
/// Seed.
pub const REQUEST_SEED: &str = "gen_ai.request.seed";
/// How many answers.
pub const REQUEST_CHOICE_COUNT: &str = "gen_ai.request.choice.count";
/// Why it stopped.
pub const RESPONSE_FINISH_REASONS: &str = "gen_ai.response.finish_reasons";
/// Seconds to the first chunk.
pub const RESPONSE_TIME_TO_FIRST_CHUNK: &str = "gen_ai.response.time_to_first_chunk";
/// Tokens read.
pub const USAGE_INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
/// Tokens written.
pub const USAGE_OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
/// [`INPUT`] or [`OUTPUT`].
pub const TOKEN_TYPE: &str = "gen_ai.token.type";

/// One model call. Reported by the worker.
pub const CLIENT_OPERATION_DURATION: Instrument = Instrument::histogram_of(
    "gen_ai.client.operation.duration",
    "s",
    buckets::GEN_AI_SECONDS,
    "Duration of calls to a model.",
);
/// To the first chunk of a stream. Reported by the worker.
pub const CLIENT_TIME_TO_FIRST_CHUNK: Instrument = Instrument::histogram_of(
    "gen_ai.client.operation.time_to_first_chunk",
    "s",
    buckets::GEN_AI_SECONDS,
    "Time from a call to the first chunk of its stream.",
);
/// Each chunk after the first: text, reasoning and tool parts. Reported by the worker.
pub const CLIENT_TIME_PER_OUTPUT_CHUNK: Instrument = Instrument::histogram_of(
    "gen_ai.client.operation.time_per_output_chunk",
    "s",
    buckets::GEN_AI_SECONDS,
    "Time between the chunks of a stream.",
);
/// Billable tokens of one call, where the model says so. Reported by the worker.
pub const CLIENT_TOKEN_USAGE: Instrument = Instrument::histogram_of(
    "gen_ai.client.token.usage",
    "{token}",
    buckets::TOKENS,
    "Tokens read and written by calls to a model.",
);
/// Request to the end of the answer. Reported by the gateway.
pub const SERVER_REQUEST_DURATION: Instrument = Instrument::histogram_of(
    "gen_ai.server.request.duration",
    "s",
    buckets::GEN_AI_SECONDS,
    "Duration of generative requests, to the end of the answer.",
);
/// Request to first token. Reported by the gateway.
pub const SERVER_TIME_TO_FIRST_TOKEN: Instrument = Instrument::histogram_of(
    "gen_ai.server.time_to_first_token",
    "s",
    buckets::TIME_TO_FIRST_TOKEN_SECONDS,
    "Time from a request to the first token of its answer.",
);
/// Each token after the first, on average over an answer. Reported by the gateway.
pub const SERVER_TIME_PER_OUTPUT_TOKEN: Instrument = Instrument::histogram_of(
    "gen_ai.server.time_per_output_token",
    "s",
    buckets::TIME_PER_OUTPUT_TOKEN_SECONDS,
    "Time per output token after the first.",
);
