//! What the tests start with: a stage, on which they play callers and workers.

mod answer;
mod caller;
mod gateway;
mod held;
mod keyring;
mod scribe;
mod stage;
mod talk;
mod worker;

use std::future::Future;
use std::time::Duration;

pub(crate) use answer::{Answer, code_of};
pub(crate) use caller::{Call, Caller};
pub(crate) use gateway::Gateway;
pub(crate) use held::{Held, packed};
pub(crate) use keyring::{Keyring, LookUps, is_known};
pub(crate) use scribe::{Scribe, Written};
pub(crate) use stage::{Stage, chat, chunk, embeddings, response, settings};
pub(crate) use talk::{Talk, ids, read};
pub(crate) use worker::Worker;

/// The end of every stream that is complete.
pub(crate) const DONE: &str = "data: [DONE]";

/// Far longer than anything here takes.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// What is awaited comes, or the test fails with `what`.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(LIMIT, future).await {
        Ok(value) => value,
        Err(_elapsed) => panic!("{what} did not happen within {LIMIT:?}"),
    }
}

/// Asks again and again until the answer is yes.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut yes: impl FnMut() -> F) {
    within(what, async {
        while !yes().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}
