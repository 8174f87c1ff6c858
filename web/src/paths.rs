//! Every path of this service. Links and routes are built from these.

use crate::ids::{ConversationId, ResponseId};
use crate::operate::LetterId;

/// A new chat.
pub(crate) const HOME: &str = "/";
/// Takes a question.
pub(crate) const CHAT: &str = "/chat";
/// Every conversation.
pub(crate) const CHATS: &str = "/chats";
/// Asks whether all of them are to be deleted, and does it.
pub(crate) const DELETE_ALL: &str = "/chats/delete";
/// One conversation.
pub(crate) const CONVERSATION: &str = "/c/{conversation}";
/// Stops an answer in it.
pub(crate) const STOP: &str = "/c/{conversation}/stop";
/// Says what a reader thinks of an answer in it.
pub(crate) const RATE: &str = "/c/{conversation}/rate";
/// Gives it a name.
pub(crate) const RENAME: &str = "/c/{conversation}/rename";
/// Asks whether it is to be deleted, and does it.
pub(crate) const DELETE: &str = "/c/{conversation}/delete";
/// All of it as a file.
pub(crate) const EXPORT: &str = "/c/{conversation}/export/{form}";
/// An answer in it, while it comes.
pub(crate) const LIVE: &str = "/c/{conversation}/live/{response}";
/// A file of a question in it.
pub(crate) const FILE: &str = "/c/{conversation}/file/{response}/{number}";
/// What a reader can set.
pub(crate) const SETTINGS: &str = "/settings";
/// Takes what was picked there.
pub(crate) const LOOK: &str = "/look";
/// How everything is, for whoever runs it.
pub(crate) const OPERATE: &str = "/operate";
/// The same, as it was at one moment.
pub(crate) const OPERATE_STILL: &str = "/operate?still";
/// Takes an operator's key.
pub(crate) const SIGN_IN: &str = "/operate/sign-in";
/// Forgets it.
pub(crate) const SIGN_OUT: &str = "/operate/sign-out";
/// What nobody could do.
pub(crate) const DEAD_LETTERS: &str = "/operate/dead-letters";
/// Asks whether one of them is to be sent again or deleted, and does it.
pub(crate) const DEAD_LETTER: &str = "/operate/dead-letters/{id}/{act}";
/// Every piece of the pages in every state, for whoever works on them.
pub(crate) const GALLERY: &str = "/gallery";
/// A page of it.
pub(crate) const SCENE: &str = "/gallery/{scene}";
/// Below here are files.
pub(crate) const STATIC: &str = "/static";

/// [`DEAD_LETTER`] of one letter and act.
pub(crate) fn dead_letter(id: &LetterId, act: &str) -> String {
    DEAD_LETTER.replace("{id}", &id.to_string()).replace("{act}", act)
}

/// A path of one conversation.
pub(crate) fn of(path: &str, conversation: &ConversationId) -> String {
    path.replace("{conversation}", conversation.as_str())
}

/// A conversation as far as this turn and what follows it; the browser goes to that turn.
pub(crate) fn turn(conversation: &ConversationId, at: &ResponseId) -> String {
    format!("{}?at={at}#latest", of(CONVERSATION, conversation))
}

/// The same, and the browser goes to the turn itself, wherever it stands.
pub(crate) fn version(conversation: &ConversationId, of: &ResponseId) -> String {
    format!("{}?at={of}#{of}", self::of(CONVERSATION, conversation))
}

/// The same, with the question of `turn` to be written anew.
pub(crate) fn edit(
    conversation: &ConversationId,
    at: &ResponseId,
    before: Option<&ResponseId>,
    turn: &ResponseId,
) -> String {
    let before = before.map(|before| format!("&before={before}")).unwrap_or_default();
    format!("{}?at={at}{before}&edit={turn}#edit", of(CONVERSATION, conversation))
}

/// The turns before this one on the way to `at`.
pub(crate) fn earlier(
    conversation: &ConversationId,
    at: &ResponseId,
    before: &ResponseId,
) -> String {
    format!("{}?at={at}&before={before}", of(CONVERSATION, conversation))
}

/// [`LIVE`] of one answer.
pub(crate) fn live(conversation: &ConversationId, response: &ResponseId) -> String {
    of(LIVE, conversation).replace("{response}", response.as_str())
}

/// [`FILE`] of this number.
pub(crate) fn file(conversation: &ConversationId, response: &ResponseId, number: usize) -> String {
    let path = of(FILE, conversation).replace("{response}", response.as_str());
    path.replace("{number}", &number.to_string())
}

/// [`EXPORT`] in one form, on the way to `at`.
pub(crate) fn export(conversation: &ConversationId, form: &str, at: &ResponseId) -> String {
    format!("{}?at={at}", of(EXPORT, conversation).replace("{form}", form))
}
