//! The response object: what was asked stays, what became of it changes.

use super::json::{Writer, one_line, quoted};
use super::options::Options;
use super::projection::About;

/// The members that never change, written once.
#[derive(Debug)]
pub(super) struct Resource {
    head: String,
    tail: String,
}

/// Those that do, as JSON.
pub(super) struct Now<'a> {
    pub(super) status: &'a str,
    pub(super) completed_at: &'a str,
    pub(super) error: &'a str,
    pub(super) incomplete_details: &'a str,
    pub(super) output: &'a str,
    pub(super) usage: &'a str,
    pub(super) more: &'a str,
}

impl Resource {
    pub(super) fn new(about: &About<'_>, options: &Options<'_>) -> Self {
        let mut head = Writer::default();
        head.member("id", &quoted(about.id));
        head.member("object", "\"response\"");
        head.member("created_at", &about.created_at.to_string());
        Self { head: head.members(), tail: echo(about, options) }
    }

    /// The object.
    pub(super) fn json(&self, now: &Now<'_>) -> String {
        let Self { head, tail } = self;
        let Now { status, completed_at, error, incomplete_details, output, usage, more } = now;
        format!(
            "{{{head},\"status\":\"{status}\",\"completed_at\":{completed_at},\"error\":{error},\
             \"incomplete_details\":{incomplete_details},\"output\":{output},\"usage\":{usage},\
             {tail}{more}}}"
        )
    }
}

/// What was asked, with the API's defaults where nothing was.
fn echo(about: &About<'_>, options: &Options<'_>) -> String {
    let number = |number: Option<u64>| number.map_or("null".to_owned(), |n| n.to_string());
    let or_null = |json: Option<&str>| one_line(json.unwrap_or("null")).into_owned();
    let mut out = Writer::default();
    out.member("background", bool_json(options.background));
    let conversation = options.conversation.as_deref();
    let conversation = conversation.map(|id| format!("{{\"id\":{}}}", quoted(id)));
    out.member("conversation", conversation.as_deref().unwrap_or("null"));
    out.member("frequency_penalty", options.frequency_penalty.unwrap_or("0.0"));
    out.member("instructions", &or_null(options.instructions));
    out.member("max_output_tokens", &number(options.max_output_tokens));
    out.member("max_tool_calls", &number(options.max_tool_calls));
    out.member("metadata", &one_line(options.metadata.unwrap_or("{}")));
    out.member("model", &quoted(about.model));
    out.member("presence_penalty", options.presence_penalty.unwrap_or("0.0"));
    let previous = options.previous_response_id.as_deref().map(quoted);
    out.member("previous_response_id", &or_null(previous.as_deref()));
    out.member("prompt_cache_key", &or_null(options.prompt_cache_key));
    let (effort, summary) = (or_null(options.effort), or_null(options.summary));
    out.member("reasoning", &format!("{{\"effort\":{effort},\"summary\":{summary}}}"));
    out.member("safety_identifier", &or_null(options.safety_identifier));
    let tier = options.service_tier.filter(|tier| *tier != "auto").unwrap_or("default");
    out.member("service_tier", &quoted(tier));
    out.member("store", bool_json(options.store));
    out.member("temperature", options.temperature.unwrap_or("1.0"));
    out.member("text", &options.text.echo());
    options.tools.write_echo(&mut out);
    out.member("top_logprobs", &options.top_logprobs.unwrap_or(0).to_string());
    out.member("top_p", options.top_p.unwrap_or("1.0"));
    out.member("truncation", &quoted(options.truncation));
    out.member("user", &or_null(options.user));
    out.members()
}

fn bool_json(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}
