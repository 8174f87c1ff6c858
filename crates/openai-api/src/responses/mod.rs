//! `/v1/responses` made of chat completions. Pure: no clock, no chance, no I/O.
//!
//! ```text
//! POST body → CreateResponse → chat completions body → a model
//!               chunks of the model → Projection → events and the response object
//! ```
//!
//! * [`CreateResponse`]: what a caller asks, checked; as a chat request, and as a list of items.
//! * [`Projection`]: folds what became of it into events and the response. The same calls give the
//!   same bytes, so any replica can go on where another stopped.
//! * [`NewConversation`], [`NewItems`], [`new_metadata`]: what changes a conversation, whose turns
//!   are responses. [`After`]: behind which of them a request goes. [`Feedback`]: what somebody thought
//!   of one. [`said_in`]: who said what in a list of items.
//!
//! On the path of a token nothing is unescaped: the text of a chunk stays the JSON it came as.

mod after;
mod answer;
mod chat;
mod chunk;
mod conversation;
mod event;
mod feedback;
mod file;
mod format;
mod input;
mod item;
mod json;
mod listing;
mod messages;
mod options;
mod parts;
mod projection;
mod reading;
mod resource;
mod said;
mod tools;

#[cfg(test)]
mod tests;

pub use after::After;
pub use conversation::{MOST_ITEMS_AT_ONCE, NewConversation, NewItems, new_metadata};
pub use event::ResponseEvent;
pub use feedback::Feedback;
pub use file::text_of as text_of_file;
pub use input::CreateResponse;
pub use json::one_line;
pub use projection::{About, End, Projection, Status};
pub use said::{Speaker, first_user_text, first_user_words, said_in};
