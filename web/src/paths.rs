//! Every path of this service. Links and routes are built from these.

/// The page with an empty conversation.
pub(crate) const HOME: &str = "/";
/// Takes a question.
pub(crate) const CHAT: &str = "/chat";
/// The same, and the browser goes to the question that was just asked.
pub(crate) const CHAT_LATEST: &str = "/chat#latest";
/// Ends an answer.
pub(crate) const STOP: &str = "/stop";
/// Below here are files.
pub(crate) const STATIC: &str = "/static";
/// The same, and the browser goes to what was said.
pub(crate) const STOP_LATEST: &str = "/stop#latest";
