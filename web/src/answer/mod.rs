//! One answer, from the question to its last word, whoever reads it and however it is shown.
//!
//! * [`Flow`]: when something is shown: the first word at once, later ones a few at a time.
//! * [`Narrator`]: what is shown: text as HTML, thoughts, tools, and how it ended in words.
//! * [`Events`]: the same for the script of the page, as events.
//! * [`Running`]: which answers can be stopped by their id.

mod events;
mod flow;
mod narrator;
mod running;

pub(crate) use events::{Events, HEARTBEAT, refusal};
pub(crate) use flow::{Ending, Flow, Step};
pub(crate) use narrator::Narrator;
pub(crate) use running::{AnswerId, Running, Stoppable};
