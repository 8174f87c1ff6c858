//! Who calls: API keys as this gateway knows them.
//!
//! * [`audit`]: who did what to which key.
//! * [`book`]: every key, in memory. Finding one asks nobody.
//! * [`caller`]: who calls, for whom, and what they may.
//! * [`follower`]: hears of changes. [`known`]: what they make of what is known.
//! * [`meter`]: how much a key may still be used, on this gateway.
//! * [`store`]: keys as operators make and change them.

mod audit;
mod book;
mod caller;
mod follower;
mod known;
mod meter;
mod store;

pub(crate) use audit::Actor;
pub(crate) use book::{Denied, KeyBook};
pub(crate) use caller::{Caller, Forbidden};
pub(crate) use meter::{Allowance, Spent, Ticket};

pub(crate) use store::{KeyStore, KeyStoreError};
