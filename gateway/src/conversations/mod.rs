//! The domain of conversations: a list of what was added and of turns, claimed by compare-and-set.
//!
//! * [`service`]: what can be asked of conversations: create, show, change, delete, list.
//! * [`record`]: what is kept of one, and what its items are. Pure.
//! * [`turns`]: its turns are a tree. Pure.
//! * [`claim`]: a response takes its turn. One at a time does.
//! * [`items`]: the items of a conversation are folds of the logs of its turns.
//! * [`history`]: the turns along one branch, page by page.
//! * [`feedback`]: what somebody thought of an answer.
//! * [`forgetting`]: one is deleted with its responses, whom this room does not know.
//! * [`search`]: which conversations hold a text.
//! * [`error`]: why not.
//!
//! Nothing is appended to a conversation when a turn ends: the log of the turn knows that it has.

mod claim;
mod error;
mod feedback;
mod forgetting;
mod history;
mod items;
mod record;
mod search;
mod service;
mod turns;

pub(crate) use claim::Claim;
pub(crate) use error::ConversationError;
pub(crate) use history::{History, Wanted};
pub(crate) use service::{Conversation, Conversations, Listed};
