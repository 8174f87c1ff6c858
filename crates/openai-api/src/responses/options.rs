//! All that a caller asks beside the input: each member read once and checked.

use super::after::After;
use super::format::TextOptions;
use super::reading::Object;
use super::tools::Tools;
use crate::InvalidRequest;

/// Most members of a request, those that are of no API included: each one is looked for.
const MOST_MEMBERS: usize = 128;
/// Most alternatives that can be asked for each token.
const MOST_ALTERNATIVES: u64 = 20;
/// Most pairs of `metadata`, and the most characters of a key and of a value.
const MOST_PAIRS: usize = 16;
const LONGEST_KEY: usize = 64;
const LONGEST_VALUE: usize = 512;

/// What `include` may name. Only the probabilities are ours to give; the others are about tools
/// and secrets that no answer here has.
const INCLUDABLE: &[&str] = &[
    PROBABILITIES,
    "code_interpreter_call.outputs",
    "computer_call_output.output.image_url",
    "file_search_call.results",
    "message.input_image.image_url",
    "reasoning.encrypted_content",
    "web_search_call.action.sources",
    "web_search_call.results",
];
const PROBABILITIES: &str = "message.output_text.logprobs";

/// Members of the Responses API that change the answer in a way that is not built: to pass over
/// them would be to lie.
const NOT_BUILT: &[&str] = &["context_management", "moderation", "prompt"];

/// Members of chat completions that are called otherwise here.
const MOVED: &[(&str, &str)] = &[
    ("messages", "input"),
    ("max_tokens", "max_output_tokens"),
    ("max_completion_tokens", "max_output_tokens"),
    ("response_format", "text.format"),
    ("reasoning_effort", "reasoning.effort"),
    ("verbosity", "text.verbosity"),
    ("functions", "tools"),
    ("function_call", "tool_choice"),
    ("logprobs", "include"),
];
/// Members of chat completions that a response has no place for.
const NO_PLACE: &[&str] = &["audio", "modalities", "n", "web_search_options"];

/// What a caller asks beside the input. Texts and numbers are the JSON they came as.
#[derive(Debug)]
pub(super) struct Options<'a> {
    pub(super) model: String,
    pub(super) stream: bool,
    pub(super) background: bool,
    pub(super) store: bool,
    pub(super) previous_response_id: Option<String>,
    /// The id of the conversation that the request is a turn of.
    pub(super) conversation: Option<String>,
    /// Where in it.
    pub(super) after: After,
    pub(super) instructions: Option<&'a str>,
    pub(super) max_output_tokens: Option<u64>,
    pub(super) max_tool_calls: Option<u64>,
    pub(super) temperature: Option<&'a str>,
    pub(super) top_p: Option<&'a str>,
    pub(super) presence_penalty: Option<&'a str>,
    pub(super) frequency_penalty: Option<&'a str>,
    pub(super) top_logprobs: Option<u64>,
    /// Whether the probabilities of the tokens are wanted.
    pub(super) logprobs: bool,
    pub(super) metadata: Option<&'a str>,
    pub(super) text: TextOptions<'a>,
    pub(super) effort: Option<&'a str>,
    pub(super) summary: Option<&'a str>,
    pub(super) tools: Tools<'a>,
    pub(super) truncation: &'static str,
    pub(super) user: Option<&'a str>,
    pub(super) safety_identifier: Option<&'a str>,
    pub(super) prompt_cache_key: Option<&'a str>,
    pub(super) service_tier: Option<&'static str>,
}

impl<'a> Options<'a> {
    pub(super) fn read(request: &Object<'a>) -> Result<Self, InvalidRequest> {
        refuse_others(request)?;
        let top_logprobs = request.whole("top_logprobs", 0..=MOST_ALTERNATIVES)?;
        let reasoning = request.object("reasoning")?;
        let of_reasoning =
            |key: &str| reasoning.as_ref().map_or(Ok(None), |object| object.text(key));
        let this = Self {
            model: request.required_string("model")?,
            stream: request.boolean("stream")?.unwrap_or(false),
            background: request.boolean("background")?.unwrap_or(false),
            store: request.boolean("store")?.unwrap_or(true),
            previous_response_id: request.string("previous_response_id")?,
            conversation: conversation(request)?,
            after: After::read(request)?,
            instructions: request.text("instructions")?,
            max_output_tokens: request.whole("max_output_tokens", 1..=u64::MAX)?,
            max_tool_calls: request.whole("max_tool_calls", 1..=u64::MAX)?,
            temperature: request.number("temperature")?,
            top_p: request.number("top_p")?,
            presence_penalty: request.number("presence_penalty")?,
            frequency_penalty: request.number("frequency_penalty")?,
            top_logprobs,
            logprobs: includes_probabilities(request)? || top_logprobs.is_some_and(|n| n > 0),
            metadata: metadata(request)?,
            text: TextOptions::read(request)?,
            effort: of_reasoning("effort")?,
            summary: of_reasoning("summary")?.or(of_reasoning("generate_summary")?),
            tools: Tools::read(request)?,
            truncation: request.word("truncation", &["auto", "disabled"])?.unwrap_or("disabled"),
            user: request.text("user")?,
            safety_identifier: request.text("safety_identifier")?,
            prompt_cache_key: request.text("prompt_cache_key")?,
            service_tier: request.word("service_tier", &["auto", "default", "flex", "priority"])?,
        };
        if let Some(options) = request.object("stream_options")? {
            options.boolean("include_obfuscation")?;
        }
        this.agree()
    }

    /// Checks members that forbid each other.
    fn agree(self) -> Result<Self, InvalidRequest> {
        if self.background && !self.store {
            let message = "Background responses are stored: 'background' needs 'store' to be true.";
            return Err(InvalidRequest::at("background", "invalid_value", message));
        }
        if self.conversation.is_some() {
            if self.previous_response_id.is_some() {
                let message = "Mutually exclusive parameters: 'previous_response_id' and \
                               'conversation'. Only one of them can be provided.";
                let code = "mutually_exclusive_parameters";
                return Err(InvalidRequest::at("previous_response_id", code, message));
            }
            if !self.store {
                let message = "The turns of a conversation are stored responses: 'conversation' \
                               needs 'store' to be true.";
                return Err(InvalidRequest::at("store", "invalid_value", message));
            }
        } else if self.after != After::Newest {
            let message = "Only a turn of a conversation is behind another: 'chappe.after' needs \
                           'conversation'.";
            return Err(InvalidRequest::at("chappe.after", "invalid_value", message));
        }
        Ok(self)
    }
}

fn refuse_others(request: &Object<'_>) -> Result<(), InvalidRequest> {
    if request.members().iter().nth(MOST_MEMBERS).is_some() {
        let message = format!("The request has more than {MOST_MEMBERS} members.");
        return Err(InvalidRequest { param: None, code: "object_above_max_properties", message });
    }
    for (key, here) in MOVED {
        if request.raw(key).is_some() {
            let message = format!(
                "Unsupported parameter: '{key}'. In the Responses API, this parameter has moved \
                 to '{here}'."
            );
            return Err(InvalidRequest::unsupported(*key, message));
        }
    }
    for key in NO_PLACE {
        if request.raw(key).is_some() {
            let message =
                format!("Unsupported parameter: '{key}' is not one of the Responses API.");
            return Err(InvalidRequest::unsupported(*key, message));
        }
    }
    for key in NOT_BUILT {
        if request.raw(key).is_some_and(|json| json != "[]") {
            let message = format!("Unsupported parameter: '{key}' is not supported here.");
            return Err(InvalidRequest::unsupported(*key, message));
        }
    }
    Ok(())
}

fn includes_probabilities(request: &Object<'_>) -> Result<bool, InvalidRequest> {
    let mut wanted = false;
    for (at, raw) in request.array("include")?.unwrap_or_default().into_iter().enumerate() {
        let param = format!("include[{at}]");
        let name: String = serde_json::from_str(raw.get())
            .map_err(|_| InvalidRequest::wrong_type(param.as_str(), "a string", raw.get()))?;
        if !INCLUDABLE.contains(&name.as_str()) {
            return Err(InvalidRequest::no_such_word(param, &name, INCLUDABLE));
        }
        wanted |= name == PROBABILITIES;
    }
    Ok(wanted)
}

/// The id in `conversation`, which is a string or an object around one.
fn conversation(request: &Object<'_>) -> Result<Option<String>, InvalidRequest> {
    const PARAM: &str = "conversation";
    match request.raw(PARAM) {
        Some(text) if text.starts_with('"') => request.string(PARAM),
        Some(object) if object.starts_with('{') => {
            request.object(PARAM)?.map(|object| object.required_string("id")).transpose()
        }
        Some(json) => Err(InvalidRequest::wrong_type(PARAM, "a string or an object", json)),
        None => Ok(None),
    }
}

/// The member `metadata`, checked.
pub(super) fn metadata<'a>(request: &Object<'a>) -> Result<Option<&'a str>, InvalidRequest> {
    const PARAM: &str = "metadata";
    let Some(pairs) = request.object(PARAM)? else { return Ok(None) };
    let count = pairs.members().iter().count();
    if count > MOST_PAIRS {
        let message = format!("Invalid '{PARAM}': {count} pairs. At most {MOST_PAIRS} are kept.");
        return Err(InvalidRequest::at(PARAM, "object_above_max_properties", message));
    }
    for (at, (key, _)) in pairs.members().iter().enumerate() {
        // They are kept as they came, and only the last of two would be checked.
        if pairs.members().iter().take(at).any(|(before, _)| before == key) {
            let message = format!("Invalid '{PARAM}': a key is there twice.");
            return Err(InvalidRequest::at(PARAM, "invalid_value", message));
        }
        if key.chars().count() > LONGEST_KEY {
            let message = format!("Invalid '{PARAM}': a key is longer than {LONGEST_KEY}.");
            return Err(InvalidRequest::at(PARAM, "string_above_max_length", message));
        }
        let value = pairs
            .string(key)?
            .ok_or_else(|| InvalidRequest::wrong_type(pairs.path_of(key), "a string", "null"))?;
        if value.chars().count() > LONGEST_VALUE {
            let param = pairs.path_of(key);
            let message = format!("Invalid '{param}': longer than {LONGEST_VALUE} characters.");
            return Err(InvalidRequest::at(param, "string_above_max_length", message));
        }
    }
    Ok(request.raw(PARAM))
}
