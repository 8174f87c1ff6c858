//! What the tests start with: a stage, on which they play gateway and model.

mod gateway;
mod log;
mod model;
mod stage;

use std::future::Future;
use std::time::Duration;

pub(crate) use gateway::Gateway;
pub(crate) use log::Log;
pub(crate) use model::{Model, Reply, Tokens};
pub(crate) use stage::{Request, Stage, Worker, chat, chunk, upstream};

/// Far longer than anything here takes.
const LIMIT: Duration = Duration::from_secs(30);

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

/// Runs a task of the test's own until its runtime ends.
pub(crate) fn background(task: impl Future<Output = ()> + Send + 'static) {
    #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
    tokio::spawn(task);
}
