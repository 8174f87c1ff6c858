//! What a caller asks beside the input, as members of a chat completion.

use super::json::{Writer, inner, quoted};
use super::options::Options;
use super::reading::Object;

/// Members of the Responses API, and ours. Any other is an extension of some model server, such as a way of
/// sampling, and is handed on as it came.
const RESPONSES: &[&str] = &[
    "background",
    "chappe",
    "context_management",
    "conversation",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "moderation",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];

/// The members of the chat completion beside `messages`.
pub(super) fn members(options: &Options<'_>, request: &Object<'_>) -> String {
    let mut out = Writer::default();
    out.member("model", &quoted(&options.model));
    // Stored answers are always written down piece by piece, with what they cost.
    out.member("stream", "true");
    out.member("stream_options", "{\"include_usage\":true}");
    let number = |number: Option<u64>| number.map(|number| number.to_string());
    out.maybe("max_completion_tokens", number(options.max_output_tokens).as_deref());
    out.maybe("temperature", options.temperature);
    out.maybe("top_p", options.top_p);
    if options.logprobs {
        out.member("logprobs", "true");
        out.maybe("top_logprobs", number(options.top_logprobs).as_deref());
    }
    options.text.write_chat(&mut out);
    out.maybe("reasoning_effort", options.effort);
    options.tools.write_chat(&mut out);
    out.maybe("user", options.user);
    out.maybe("safety_identifier", options.safety_identifier);
    out.maybe("prompt_cache_key", options.prompt_cache_key);
    // In the background it says which queue is meant, and a hosted model's owner would pay for it.
    let is_lane = |tier: &&str| options.background && *tier == "priority";
    let tier = options.service_tier.filter(|tier| !is_lane(tier));
    out.maybe("service_tier", tier.map(quoted).as_deref());
    for (key, json) in extensions(request) {
        // A key of the caller's may need escapes.
        let key = quoted(key);
        out.maybe(inner(&key).unwrap_or_default(), Some(json));
    }
    out.members()
}

/// The members that are of no API, each once: of those with the same key the last one counts.
fn extensions<'r>(request: &'r Object<'_>) -> Vec<(&'r str, &'r str)> {
    let mut kept: Vec<(&str, &str)> = Vec::new();
    for (key, json) in request.members().iter() {
        if RESPONSES.contains(&key) || json == "null" {
            continue;
        }
        match kept.iter().position(|(name, _)| *name == key) {
            Some(at) => kept[at].1 = json,
            None => kept.push((key, json)),
        }
    }
    kept
}
