//! What keys do.

pub(crate) const TITLE: &str = "Keyboard shortcuts";
pub(crate) const ON_A_MAC: &str = "On a Mac, the command key does as well as Ctrl.";
pub(crate) const CLOSE: &str = "Close";

/// Every key that does something, and what.
pub(crate) const ALL: [(&str, &str); 11] = [
    ("Enter", "Send, unless it is set to begin a line"),
    ("Shift + Enter", "A new line"),
    ("Ctrl + Enter", "Send, whatever Enter alone is set to"),
    ("Esc", "Stop the answer"),
    ("↑ in an empty box", "Write the last question anew"),
    ("Ctrl + Shift + O", "New chat"),
    ("Ctrl + Shift + S", "All chats"),
    ("Ctrl + K", "Find in chats"),
    ("Ctrl + Shift + C", "Copy the last answer"),
    ("Ctrl + Shift + ;", "Copy the last code"),
    ("Ctrl + /", "This list"),
];
