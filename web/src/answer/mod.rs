//! One answer while it comes, whoever reads it and however it is shown.
//!
//! * [`Answers`]: which answers are followed at the moment; each is followed and rendered once.
//! * [`asked_here`]: which of them are followed to their ends though nobody reads them.
//! * [`teller`]: the task that follows one, and tells its readers.
//! * [`counts`]: those for which there was no place.
//! * [`followed`]: each under its name, and no more than so many.
//! * [`follow`]: what is said, over whatever breaks on the way to the gateway.
//! * [`asking`]: why nothing is said yet, asked once for all who read it.
//! * [`Told`]: what is shown of it so far. Pure.
//! * [`Narrator`]: text as HTML, thoughts, tools, and how it ended in words.
//! * [`Cursor`]: how far somebody is in it.
//! * [`events`]: updates for the script of the page.

mod asked_here;
mod asking;
mod counts;
mod cursor;
pub(crate) mod events;
mod follow;
mod followed;
mod narrator;
mod shared;
mod teller;
mod told;

pub(crate) use cursor::Cursor;
pub(crate) use followed::{NotRead, TooMany};
pub(crate) use narrator::Narrator;
pub(crate) use shared::{Answers, Ends, Reader, Step, Viewer};
pub(crate) use told::{Told, Update};
