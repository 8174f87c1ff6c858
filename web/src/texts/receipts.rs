//! What an answer took.

/// Before the line that says it, for those who hear the page.
pub(crate) const TOOK: &str = "What this answer took:";
pub(crate) const WHERE_TIME_WENT: &str = "Where the time went";
pub(crate) const STAGE: &str = "Stage";
pub(crate) const TIME: &str = "Time";
pub(crate) const MODEL: &str = "Model";
pub(crate) const UPSTREAM: &str = "Upstream";
pub(crate) const ATTEMPT: &str = "Attempt";
pub(crate) const TOKENS_IN: &str = "Tokens in";
pub(crate) const TOKENS_OUT: &str = "Tokens out";
pub(crate) const TRACE: &str = "Trace";

/// The stages of an answer.
pub(crate) const QUEUE: &str = "In the queue";
pub(crate) const TO_FIRST_TOKEN: &str = "Model, to its first token";
pub(crate) const ON_THE_WAY: &str = "On the way";
pub(crate) const FIRST_TO_LAST: &str = "First token to last";

/// How fast a model spoke; the number is one of `components::rate`.
pub(crate) fn speed(tokens: &str) -> String {
    format!("{tokens} tokens/s")
}
