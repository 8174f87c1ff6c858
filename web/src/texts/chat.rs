//! A conversation, and what stands in it before the first question.

pub(crate) const NEW: &str = "New chat";
/// A conversation that has no title.
pub(crate) const UNTITLED: &str = "Untitled";
pub(crate) const CONVERSATION: &str = "Conversation";
/// Where a screen reader hears a whole answer.
pub(crate) const ALOUD: &str = "Answers, read aloud";
pub(crate) const EARLIER: &str = "Earlier messages";
/// What the links beside a chat's title are.
pub(crate) const THIS_CHAT: &str = "This chat";
pub(crate) const RENAME: &str = "Rename";
pub(crate) const DELETE: &str = "Delete";
pub(crate) const AS_MARKDOWN: &str = "Markdown";
pub(crate) const AS_JSON: &str = "JSON";

pub(crate) const WELCOME: &str = "What would you like to know?";
pub(crate) const WELCOME_MORE: &str = "Answers come word by word and can be stopped at any time.";
pub(crate) const ABOUT_THE_MODEL: &str = "About the model";
pub(crate) const SIMULATED: &str = "A simulator answers here, not a model.";
/// Follows [`SIMULATED`], and is followed by [`CONNECTS`].
pub(crate) const HOW_TO_CONNECT: &str =
    "Its texts are made up. To talk to a real one, start Chappe with its address:";
pub(crate) const COMMAND: &str = "Command";
pub(crate) const CONNECTS: &str = "cargo run -- --model-url http://127.0.0.1:11434/v1";
/// The same below the box, for a chat that has begun.
pub(crate) const SIMULATOR_ANSWERS: &str = "A simulator answers, not a model.";

/// What a person says, as a heading for those who hear the page.
pub(crate) const YOU_SAID: &str = "You said";
pub(crate) const EDIT: &str = "Edit";
pub(crate) const VERSIONS: &str = "Versions";
pub(crate) const VERSION_BEFORE: &str = "Version before";
pub(crate) const NEXT_VERSION: &str = "Next version";

/// The headings of a conversation that is saved as Markdown.
pub(crate) const YOU: &str = "You";
pub(crate) const NO_ANSWER: &str = "(no answer)";

/// Which of how many versions is shown.
pub(crate) fn version(number: usize, of: usize) -> String {
    format!("{number} / {of}")
}
