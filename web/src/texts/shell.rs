//! What stands around every page.

/// Behind the title of each page, and alone where there is none.
pub(crate) const NAME: &str = "Chappe";
pub(crate) const SKIP_TO_BOX: &str = "Skip to the message box";
pub(crate) const SKIP_TO_ANSWER: &str = "Skip to the latest answer";
pub(crate) const SKIP_TO_CONTENT: &str = "Skip to the content";
pub(crate) const SKIP_TO_STATE: &str = "Skip to the state";
/// What the links at the top are.
pub(crate) const PAGES: &str = "Pages";
pub(crate) const SHORTCUTS: &str = "Shortcuts";
pub(crate) const SETTINGS: &str = "Settings";
pub(crate) const CHATS: &str = "Chats";
pub(crate) const NEW_CHAT: &str = "New chat";
pub(crate) const OPERATE: &str = "Operate";
pub(crate) const CHAT: &str = "Chat";
pub(crate) const SIGN_OUT: &str = "Sign out";
pub(crate) const RELOADS: &str = "Reloads every 5 s";
/// The heading of a page that only says what is wrong.
pub(crate) const NOT_POSSIBLE: &str = "This is not possible";
pub(crate) const TO_THE_CHAT: &str = "To the chat";

/// The title of a window.
pub(crate) fn title(of: &str) -> String {
    if of.is_empty() { NAME.to_owned() } else { format!("{of} · {NAME}") }
}
