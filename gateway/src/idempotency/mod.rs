//! The domain of idempotency keys: what is asked twice under one key is done once.
//!
//! * [`repeatable`]: what a caller asks under a key, without its words. Pure.
//! * [`ledger`]: which key was used for what: claimed by compare-and-set, forgotten after a day.
//! * [`error`]: why not.
//!
//! A record names what was made under a key before it is made. What became of it is nowhere but in
//! the log, or the record, of what was made.

mod error;
mod ledger;
mod repeatable;

pub(crate) use error::KeyError;
pub(crate) use ledger::{Before, Claim, Entered, Ledger};
pub(crate) use repeatable::Repeatable;

/// Whether a caller is told what was made for it, or for an earlier request of the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    Anew,
    Again,
}
