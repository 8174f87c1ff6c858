//! The domain of stored work: a response is a fold of its log, and this process only reads it.
//!
//! * [`service`]: what can be asked of responses: create, read, cancel, delete.
//! * [`request`], [`accept`]: a request becomes a log and a job.
//! * [`repeats`]: one that comes again is told what was made for it.
//! * [`fold`]: records become events of a response. The only place where they do.
//! * [`completion`], [`stored_answer`]: the same, of a chat completion with an idempotency key.
//! * [`counting`]: which records count, for both. [`times`]: the receipt, of both.
//! * [`following`]: one reader of a log: its past, then live.
//! * [`hold`]: what is left to do when this gateway lets go of a response that it accepted.
//! * [`logs`]: a log as a whole, and its end. [`readers`]: everybody who reads here.
//! * [`again`]: what ended without an answer may be asked once more.
//! * [`reconcile`], [`open_logs`]: open logs whose jobs were lost get them back.
//! * [`forgetting`]: a conversation goes with its responses.
//! * [`seal`], [`sealed`]: what has ended is kept for longer.
//! * [`waiting`]: why nothing was said yet.
//! * [`error`]: why not. [`failures`]: why a reader was broken off.
//!
//! Nothing is kept between requests: another gateway would say the same, byte for byte.

mod accept;
mod again;
mod completion;
mod counting;
mod error;
mod failures;
mod fold;
mod following;
mod forgetting;
mod hold;
mod logs;
mod open_logs;
mod readers;
mod reconcile;
mod repeats;
mod request;
mod seal;
mod sealed;
mod service;
mod stored_answer;
#[cfg(test)]
mod tests;
mod times;
mod waiting;

pub(crate) use again::NotAgain;
pub(crate) use error::ResponseError;
pub(crate) use fold::Fold;
pub(crate) use following::{Following, Step};
pub(crate) use hold::{CANCELLED, HANDED_OVER};
pub(crate) use logs::{Doubt, stored};
pub(crate) use readers::Readers;
pub(crate) use request::{Asked, Request, lane_of};
pub(crate) use service::{Created, Inner as Parts, Responses};
pub(crate) use stored_answer::StoredAnswer;
pub(crate) use waiting::{Waiting, Waits};
