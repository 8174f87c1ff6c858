//! The picture that operators look at, and what they do with dead letters.
//!
//! * [`windows`], [`ring`], [`step`]: what this gateway has counted lately.
//! * [`telling`], [`asking`]: gateways tell each other when somebody looks.
//! * [`gateways`]: which of them are alive.
//! * [`picture`]: what all of them have counted, as one. [`overview`]: how it is shown.
//! * [`dead_letters`]: where they came from, and what becomes of them. [`audit`]: who did it.
//!
//! Any gateway gives the whole picture; what is missing in it is named in it. No prompt, no answer,
//! and nobody's name is in it.

mod asking;
mod audit;
mod dead_letters;
mod gateways;
mod overview;
mod picture;
mod ring;
mod service;
mod step;
mod telling;
mod windows;

pub(crate) use dead_letters::{DeadLetterError, DeadLetters, Letters};
pub(crate) use gateways::Gateways;
pub(crate) use overview::Overview;
pub(crate) use service::{Operator, Parts, watch_queues};
pub(crate) use telling::Teller;
pub(crate) use windows::Windows;
