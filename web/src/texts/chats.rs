//! The lists of chats, beside a chat and on a page of their own, and what is done with one.

pub(crate) const TITLE: &str = "Chats";
pub(crate) const RECENT: &str = "Recent chats";
pub(crate) const ALL: &str = "All chats";
pub(crate) const NOT_READABLE: &str = "The list of chats cannot be read at the moment.";
pub(crate) const LISTED_HERE: &str = "Chats will be listed here.";
pub(crate) const FIND_IN: &str = "Find in chats";
pub(crate) const FIND: &str = "Find";
pub(crate) const OLDER: &str = "Older chats";
/// Followed by [`BEGIN_ONE`], which is a link.
pub(crate) const NONE_YET: &str = "There is no chat yet.";
pub(crate) const BEGIN_ONE: &str = "Begin one";
pub(crate) const NOT_ALL_SOUGHT: &str = "Only the newest 1,000 chats were looked through.";

pub(crate) const RENAME: &str = "Rename";
pub(crate) const RENAME_ONE: &str = "Rename a chat";
pub(crate) const ITS_NAME: &str = "Its name";
pub(crate) const DELETE: &str = "Delete";
pub(crate) const DELETE_ONE: &str = "Delete a chat?";
pub(crate) const DELETE_IT: &str = "Delete it";
pub(crate) const CANCEL: &str = "Cancel";
/// The link to what [`DELETE_ALL_ASKED`] asks.
pub(crate) const DELETE_ALL_CHATS: &str = "Delete all chats";
pub(crate) const DELETE_ALL_ASKED: &str = "Delete all chats?";
pub(crate) const ALL_WILL_BE_GONE: &str =
    "Every chat of this browser and everything that was said in it will be gone.";
pub(crate) const KEEP_THEM: &str = "Keep them";
pub(crate) const DELETE_ALL: &str = "Delete all";

/// What stands before somebody's own words and behind them: those have a direction of their own.
pub(crate) type Around = (&'static str, &'static str);

/// Around the words that were sought in vain.
pub(crate) const NOTHING_FOUND: Around = ("Nothing was found for “", "”.");
/// Around the name of a chat.
pub(crate) const WILL_BE_GONE: Around = ("“", "” and everything that was said in it will be gone.");

/// Around the words that were found so often.
pub(crate) fn found(count: usize) -> (String, &'static str) {
    (format!("{count} found for “"), "”.")
}

/// What a link does, for those who hear it without the line it stands in.
pub(crate) fn rename(name: &str) -> String {
    format!("{RENAME} {name}")
}

/// The same of the other one.
pub(crate) fn delete(name: &str) -> String {
    format!("{DELETE} {name}")
}
