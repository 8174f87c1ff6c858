//! Every path of this service. Links and routes are built from these.

use crate::operate::LetterId;

/// The page with an empty conversation.
pub(crate) const HOME: &str = "/";
/// Takes a question.
pub(crate) const CHAT: &str = "/chat";
/// The same, and the browser goes to the question that was just asked.
pub(crate) const CHAT_LATEST: &str = "/chat#latest";
/// Ends an answer.
pub(crate) const STOP: &str = "/stop";
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
/// Below here are files.
pub(crate) const STATIC: &str = "/static";
/// The same, and the browser goes to what was said.
pub(crate) const STOP_LATEST: &str = "/stop#latest";

/// [`DEAD_LETTER`] of one letter and act.
pub(crate) fn dead_letter(id: &LetterId, act: &str) -> String {
    DEAD_LETTER.replace("{id}", &id.to_string()).replace("{act}", act)
}
