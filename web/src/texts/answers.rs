//! An answer, what is remarked below it, and what can be done with it.

pub(crate) const WAITING: &str = "Waiting for a free worker.";
pub(crate) const NO_WORKER: &str =
    "Waiting: no worker serves this model at the moment. Your question is kept.";
pub(crate) const READING: &str = "The model was asked and is reading.";
pub(crate) const THINKING: &str = "The model is thinking.";
pub(crate) const RETRYING: &str = "A worker was lost; another one takes over.";
pub(crate) const THOUGHTS: &str = "Thoughts";
pub(crate) const UNFINISHED: &str = "This answer is still being written.";
pub(crate) const NOT_KEPT: &str = "This answer is not kept any longer.";
pub(crate) const BEGUN_ANEW: &str = "Another worker has begun anew:";
/// A link, which [`FOR_MORE`] follows.
pub(crate) const LOAD_AGAIN: &str = "Load this page again";
pub(crate) const FOR_MORE: &str = "for more.";

pub(crate) const STOPPED: &str = "Stopped.";
pub(crate) const LONGER_THAN_SHOWN: &str =
    "The answer is cut here: it is longer than this page shows.";
pub(crate) const DECLINED: &str = "The model declined to answer.";
pub(crate) const TOO_LONG: &str = "The answer is cut: it reached the longest length allowed.";
pub(crate) const FILTERED: &str = "A filter ended this answer. Ask in other words.";
pub(crate) const SILENT: &str = "The model ended without a word. Ask again, or in other words.";

pub(crate) const COPY: &str = "Copy";
pub(crate) const TRY_AGAIN: &str = "Try again";
pub(crate) const GO_ON: &str = "Go on";
/// What the model is asked by [`GO_ON`]; it stands in the conversation as a question.
pub(crate) const PLEASE_GO_ON: &str = "Please go on exactly where you stopped.";

/// The names of thumbs.
pub(crate) const GOOD: &str = "Good answer";
pub(crate) const BAD: &str = "Bad answer";

/// The arguments of a tool's call.
pub(crate) const ARGUMENTS: &str = "Arguments";
/// What moves in itself, for those who go through it with keys.
pub(crate) const CODE: &str = "Code";
pub(crate) const TABLE: &str = "Table";
pub(crate) const FORMULA: &str = "Formula";
/// The signs of a list of tasks.
pub(crate) const DONE: &str = "Done";
pub(crate) const TO_DO: &str = "To do";

/// What follows it stands after this, as the tool's name.
pub(crate) const ASKS_FOR_TOOL: &str = "The model asks for the tool";

/// Whose answer it is, as a heading for those who hear the page.
pub(crate) fn said_by(model: &str) -> String {
    match model {
        "" => "The assistant said".to_owned(),
        model => format!("The assistant said, {model}"),
    }
}

/// How many questions are before one's own, at most; at least one is.
pub(crate) fn waiting_behind(ahead: u64) -> String {
    let questions = if ahead == 1 { "question" } else { "questions" };
    format!("Waiting: {ahead} {questions} before yours.")
}

/// What a chat is called in the title of its window while its answer is waited for.
pub(crate) fn waiting_title(name: &str) -> String {
    format!("(waiting) {name}")
}

/// That an answer broke off; the reason is one of `errors::within`.
pub(crate) fn interrupted(reason: &str) -> String {
    format!("Interrupted: {reason}")
}
