//! Who calls: API keys as this gateway knows them.
//!
//! * [`audit`]: who did what to which key.
//! * [`book`]: every key, in memory, followed as they change. Finding one asks nobody.
//! * [`caller`]: who calls, for whom, and what they may.
//! * [`meter`]: how much a key may still be used, on this gateway.
//! * [`store`]: keys as operators make and change them.

pub(crate) mod audit;
mod book;
mod caller;
mod meter;
mod store;

pub(crate) use book::{Denied, KeyBook};
pub(crate) use caller::{Caller, Forbidden};
pub(crate) use meter::{Allowance, Spent, Ticket};

pub(crate) use store::{KeyStore, KeyStoreError};
