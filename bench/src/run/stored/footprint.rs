//! Many responses in the background: how fast they are accepted, and what they take in memory and
//! on the disk once they have ended.

use std::cell::RefCell;
use std::rc::Rc;

use anyhow::Context as _;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{Extent, SHORT};
use crate::figures::Percentiles;
use crate::load::{Api, Caller, words_of_response};
use crate::machine::Cpu;
use crate::run::chappe::{Chappe, Memory};
use crate::run::disk::Disk;
use crate::run::rest;

/// Who creates them, and who looks at them afterwards.
const CLIENTS: u32 = 16;

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Footprint {
    pub(super) responses: u32,
    /// Of each.
    pub(super) tokens: u32,
    /// Accepted per second.
    pub(super) accepted_per_s: f64,
    /// From asking until the queued response was there, in microseconds.
    pub(super) create: Option<Percentiles>,
    /// Processor time of all processes from the first request until they rest.
    pub(super) cpu_s: f64,
    /// What was added to the memory of each process.
    pub(super) first: Memory,
    /// What as many again have added. What the first ones needed only while they were worked on,
    /// and was not given back, is not needed again.
    pub(super) next: Option<Memory>,
    /// What was added on the disk.
    pub(super) disk: Disk,
    /// Refused, or without their words when everything rests.
    pub(super) bad: u32,
    /// What was wrong with the first of them.
    pub(super) first_problem: Option<String>,
}

impl Footprint {
    /// For whoever waits.
    pub(super) fn sentence(&self) -> String {
        let Self { responses, accepted_per_s, bad, .. } = self;
        format!(
            "{responses} responses in the background: {accepted_per_s:.0}/s accepted, {bad} bad"
        )
    }

    /// What is a failure of the run.
    pub(super) fn failure(&self) -> Option<String> {
        let problem = self.first_problem.as_ref()?;
        Some(format!("{} of {} responses are bad: {problem}", self.bad, self.responses))
    }
}

/// Creates them, waits until everything rests, and looks at each.
pub(super) async fn measure(chappe: &Chappe, extent: &Extent) -> anyhow::Result<Footprint> {
    let warm_up = Asked::all(chappe, extent.warm_up).await;
    anyhow::ensure!(warm_up.bad == 0, "{}", warm_up.problem.unwrap_or_default());
    let pids = chappe.pids();
    settled(&pids, extent).await?;
    let (memory, disk, cpu) = (chappe.memory(), Disk::of(chappe.data())?, Cpu::of(&pids));

    let began = Instant::now();
    let mut asked = Asked::all(chappe, extent.responses).await;
    let accepted_per_s = asked.ids.len() as f64 / began.elapsed().as_secs_f64();
    rest::wait(&pids).await?;
    let cpu_s = Cpu::of(&pids).since(&cpu);
    tokio::time::sleep(extent.settles_in).await;
    let memory_after = chappe.memory();
    let disk = Disk::of(chappe.data())?.since(disk);

    let create = Percentiles::of(&mut asked.micros);
    // Not before: looking at them takes memory too.
    let mut asked = asked.looked_at(chappe).await;
    let mut next = None;
    if extent.again {
        settled(&pids, extent).await?;
        let before = chappe.memory();
        let again = Asked::all(chappe, extent.responses).await;
        settled(&pids, extent).await?;
        next = Some(chappe.memory().since(before));
        let again = again.looked_at(chappe).await;
        asked.bad += again.bad;
        asked.problem = asked.problem.or(again.problem);
    }
    Ok(Footprint {
        responses: extent.responses,
        tokens: SHORT.tokens,
        accepted_per_s,
        create,
        cpu_s,
        first: memory_after.since(memory),
        next,
        disk,
        bad: asked.bad,
        first_problem: asked.problem,
    })
}

async fn settled(pids: &[u32], extent: &Extent) -> anyhow::Result<()> {
    rest::wait(pids).await?;
    tokio::time::sleep(extent.settles_in).await;
    Ok(())
}

/// What has been asked for.
#[derive(Debug, Default)]
struct Asked {
    /// How many more are to be asked for.
    left: u32,
    ids: Vec<String>,
    micros: Vec<u32>,
    bad: u32,
    problem: Option<String>,
}

impl Asked {
    /// That many responses, by several clients.
    async fn all(chappe: &Chappe, count: u32) -> Self {
        let asked = Rc::new(RefCell::new(Self { left: count, ..Self::default() }));
        let mut request = Api::Responses.request(&SHORT.model(), false);
        request["background"] = true.into();
        let request = Rc::new(request);
        let mut clients = JoinSet::new();
        for _client in 0..CLIENTS {
            let (asked, request) = (Rc::clone(&asked), Rc::clone(&request));
            let address = chappe.address.clone();
            clients.spawn_local(async move {
                if let Err(error) = ask(&address, &request, &asked).await {
                    asked.borrow_mut().stumbled(&error);
                }
            });
        }
        while clients.join_next().await.is_some() {}
        let mut asked = asked.take();
        // All clients have given up.
        asked.bad += asked.left;
        asked
    }

    /// Looks at each of them.
    async fn looked_at(self, chappe: &Chappe) -> Self {
        let ids = Rc::new(RefCell::new(self.ids.clone()));
        let asked = Rc::new(RefCell::new(self));
        let mut clients = JoinSet::new();
        for _client in 0..CLIENTS {
            let (asked, ids) = (Rc::clone(&asked), Rc::clone(&ids));
            let address = chappe.address.clone();
            clients.spawn_local(async move {
                loop {
                    let Some(id) = ids.borrow_mut().pop() else { break };
                    if let Err(error) = look_at(&address, &id).await {
                        asked.borrow_mut().stumbled(&error);
                    }
                }
            });
        }
        while clients.join_next().await.is_some() {}
        asked.take()
    }

    fn stumbled(&mut self, error: &anyhow::Error) {
        self.bad += 1;
        self.problem.get_or_insert_with(|| format!("{error:#}"));
    }
}

async fn ask(address: &str, request: &Value, asked: &RefCell<Asked>) -> anyhow::Result<()> {
    let mut caller = Caller::connect(address).await?;
    loop {
        let left = asked.borrow().left;
        let Some(left) = left.checked_sub(1) else { return Ok(()) };
        asked.borrow_mut().left = left;
        let began = Instant::now();
        let queued = caller.post(Api::Responses.path(), request).await?;
        let took = u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX);
        let mut asked = asked.borrow_mut();
        asked.ids.push(id_of_queued(&queued)?);
        asked.micros.push(took);
    }
}

/// The id of a response that was accepted and has not begun.
pub(super) fn id_of_queued(response: &Bytes) -> anyhow::Result<String> {
    let response: Value = serde_json::from_slice(response)?;
    anyhow::ensure!(response["status"] == "queued", "a response is {}", response["status"]);
    Ok(response["id"].as_str().context("a response has no id")?.to_owned())
}

async fn look_at(address: &str, id: &str) -> anyhow::Result<()> {
    let mut caller = Caller::connect(address).await?;
    let response = caller.get(&format!("/v1/responses/{id}")).await?;
    let words = words_of_response(&response).map_err(anyhow::Error::msg)?;
    anyhow::ensure!(words == SHORT.text(), "`{id}` says `{words}`");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_queued_was_accepted_in_the_background() {
        let queued = Bytes::from_static(br#"{"id":"resp_1","status":"queued"}"#);
        let failed = Bytes::from_static(br#"{"id":"resp_1","status":"failed"}"#);

        assert_eq!(id_of_queued(&queued).unwrap(), "resp_1");
        assert!(id_of_queued(&failed).unwrap_err().to_string().contains("failed"));
        assert!(id_of_queued(&Bytes::from_static(br#"{"status":"queued"}"#)).is_err());
    }
}
