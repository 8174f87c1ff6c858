//! The load generator: a number of clients, each with one connection, each asking again as soon
//! as it was answered. Every answer is checked to the last token.
//!
//! One thread: what a second would measure better, the programs under test would lack.

mod api;
mod client;
mod connection;
mod numbered;
mod reading;
mod report;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

pub use api::{Api, words_of_response};
pub use client::Target;
pub use connection::{Caller, Rest, get};
pub use report::Report;

use crate::machine;
use crate::tokens::Plan;
use client::Client;
use report::Tally;

/// A client that fails this often in a row gives up: the target does not answer.
const FAILURES: u32 = 20;
/// Pause after a failure.
const AGAIN: Duration = Duration::from_millis(20);

/// How to ask.
#[derive(Debug, Clone)]
pub struct Load {
    /// Who is asked.
    pub target: Target,
    /// In which API.
    pub api: Api,
    /// What is asked for.
    pub plan: Plan,
    /// The target's own name for the plan's model.
    pub model: String,
    /// As a stream, or whole.
    pub streaming: bool,
    /// Clients, and so requests at once.
    pub clients: u32,
    /// The clients begin spread over this time.
    pub ramp: Duration,
    /// What happens before this is not counted in rates and times.
    pub warm_up: Duration,
    /// How long is measured after that; what is open then is read to its end.
    pub measured: Duration,
    /// Longest answer.
    pub patience: Duration,
}

/// The time that counts.
#[derive(Debug, Clone, Copy)]
struct Window {
    from: Instant,
    to: Instant,
}

impl Window {
    fn holds(&self, when: Instant) -> bool {
        (self.from..self.to).contains(&when)
    }
}

/// Asks, checks, counts. Must run inside a [`tokio::task::LocalSet`].
pub async fn generate(load: Load) -> Report {
    let load = Rc::new(load);
    let from = Instant::now() + load.warm_up;
    let window = Window { from, to: from + load.measured };
    let tally = Rc::new(RefCell::new(Tally::default()));
    let mut clients = JoinSet::new();
    for number in 0..load.clients {
        let begin = Instant::now() + load.ramp * number / load.clients.max(1);
        let (load, tally) = (Rc::clone(&load), Rc::clone(&tally));
        clients.spawn_local(async move {
            tokio::time::sleep_until(begin).await;
            ask_again_and_again(&load, number, window, &tally).await;
        });
    }
    while clients.join_next().await.is_some() {}
    let mut report = tally.take().report(&load);
    report.cpu_s = machine::cpu_seconds(std::process::id()).unwrap_or_default();
    report
}

async fn ask_again_and_again(load: &Load, number: u32, window: Window, tally: &RefCell<Tally>) {
    let mut client = Client::new(load, number);
    let mut failures = 0;
    while Instant::now() < window.to && failures < FAILURES {
        let began = Instant::now();
        let answer = tokio::time::timeout(load.patience, client.ask(window)).await;
        let ended = Instant::now();
        let answer = answer.unwrap_or_else(|_elapsed| Err(client::Failure::slow(load.patience)));
        match answer {
            Ok(answer) => {
                tally.borrow_mut().answered(&answer, began, ended, window);
                failures = 0;
            }
            Err(failure) => {
                tally.borrow_mut().failed(failure);
                client.disconnect();
                failures += 1;
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}
