//! One client, one thing at a time: creating, fetching, reading on in the middle.

use std::future::Future;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout};

use super::footprint::id_of_queued;
use super::{Extent, SHORT};
use crate::load::{Api, Caller, words_of_response};
use crate::run::chappe::Chappe;
use crate::run::rest;
use crate::tokens::Plan;

/// Longest wait for one of them beyond what its plan takes.
const WITHIN: Duration = Duration::from_secs(60);

/// Milliseconds, each sample by itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Moments {
    /// From asking for a response in the background until it was there, queued.
    pub(super) create: Vec<f64>,
    /// A response that has ended.
    pub(super) fetch: Vec<f64>,
    /// A long one.
    pub(super) fetch_long: Vec<f64>,
    /// Behind the middle of the long one: until the first event.
    pub(super) first_behind: Vec<f64>,
    /// Until the last one.
    pub(super) all_behind: Vec<f64>,
    /// How many events the long one has.
    pub(super) events: u64,
}

impl Moments {
    /// For whoever waits.
    pub(super) fn sentence(&self) -> String {
        format!("a response of {} events was fetched and read on, whole each time", self.events)
    }
}

/// Measures all of them.
pub(super) async fn measure(chappe: &Chappe, extent: &Extent) -> anyhow::Result<Moments> {
    let mut caller = Caller::connect(&chappe.address).await?;
    let mut moments = Moments::default();
    for _sample in 0..extent.samples {
        let began = Instant::now();
        let id = create(&mut caller, &SHORT).await?;
        moments.create.push(millis(began.elapsed()));
        read_from_the_start(&mut caller, &id, &SHORT).await?;
        moments.fetch.push(fetch(&mut caller, &id, &SHORT).await?);
    }

    let (long, text) = (extent.long, extent.long.text());
    let id = create(&mut caller, &long).await?;
    moments.events = read_from_the_start(&mut caller, &id, &long).await?;
    // It is sealed meanwhile.
    rest::wait(&chappe.pids()).await?;
    let middle = moments.events / 2;
    for _sample in 0..extent.samples {
        moments.fetch_long.push(fetch(&mut caller, &id, &long).await?);
        let rest = in_time(Duration::ZERO, caller.read_on(&id, Some(middle))).await?;
        let whole = text.ends_with(&rest.words) && rest.events == moments.events;
        anyhow::ensure!(whole, "what stands behind event {middle} is not the rest");
        moments.first_behind.push(millis(rest.first));
        moments.all_behind.push(millis(rest.all));
    }
    Ok(moments)
}

async fn create(caller: &mut Caller, plan: &Plan) -> anyhow::Result<String> {
    let mut request = Api::Responses.request(&plan.model(), false);
    request["background"] = true.into();
    let posting = caller.post(Api::Responses.path(), &request);
    id_of_queued(&in_time(Duration::ZERO, posting).await?)
}

/// How many events it has, once it has ended.
async fn read_from_the_start(caller: &mut Caller, id: &str, plan: &Plan) -> anyhow::Result<u64> {
    let all = in_time(plan.due(plan.tokens), caller.read_on(id, None)).await?;
    anyhow::ensure!(all.words == plan.text(), "the words of `{id}` are not those that were sent");
    Ok(all.events)
}

/// How long it took to fetch it.
async fn fetch(caller: &mut Caller, id: &str, plan: &Plan) -> anyhow::Result<f64> {
    let path = format!("/v1/responses/{id}");
    let began = Instant::now();
    let response = in_time(Duration::ZERO, caller.get(&path)).await?;
    let took = millis(began.elapsed());
    let words = words_of_response(&response).map_err(anyhow::Error::msg)?;
    anyhow::ensure!(words == plan.text(), "the words of `{id}` are not those that were sent");
    Ok(took)
}

async fn in_time<T>(
    more: Duration,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    timeout(WITHIN + more, work).await?
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
