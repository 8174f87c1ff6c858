//! Whether people get their answers, in one sentence, and what stands in the way of it.

use super::{Overview, Queue, WorkerSeen};
use crate::components::{count, seconds};
use crate::gateway_client::Refused;

/// A wait that a person notices, and gives up after.
const LONG_WAIT_S: f64 = 10.0;

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// As it should be.
    Good,
    /// Somebody waits, or will.
    Warning,
    /// Somebody gets no answer.
    Bad,
}

impl Level {
    /// For the style sheet and the script.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Bad => "bad",
        }
    }

    /// For people who see no colours.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Good => "All well",
            Self::Warning => "Look at this",
            Self::Bad => "Trouble",
        }
    }
}

/// One thing that is not as it should be, in one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) level: Level,
    pub(crate) sentence: String,
}

/// The state in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) level: Level,
    pub(crate) headline: String,
    /// The rest, the worst first.
    pub(crate) more: Vec<Finding>,
}

impl Verdict {
    /// From what the gateway tells.
    pub(crate) fn of(overview: &Overview) -> Self {
        let mut found = Vec::new();
        served(overview, &mut found);
        waiting(overview, &mut found);
        failing(overview, &mut found);
        buried(overview, &mut found);
        differing(overview, &mut found);
        for sentence in &overview.incomplete {
            add(&mut found, Level::Warning, sentence.clone());
        }
        // The worst first; else in the order of what hurts people.
        found.sort_by_key(|finding| std::cmp::Reverse(finding.level));
        if found.is_empty() {
            let (headline, more) = well(overview);
            return Self { level: Level::Good, headline, more };
        }
        let worst = found.remove(0);
        Self { level: worst.level, headline: worst.sentence, more: found }
    }

    /// When the gateway tells nothing.
    pub(crate) fn of_silence(refused: &Refused) -> Self {
        let (headline, more) = match refused {
            Refused::Unreachable => (
                "The gateway does not answer.",
                "Nobody gets an answer by way of this page. See whether it runs, and what its log says last.",
            ),
            Refused::Silent => (
                "The gateway does not answer in time.",
                "Something answers at its address, and takes too long to. See whether it has processor time, and whether NATS answers.",
            ),
            Refused::Answered { status: 404, .. } => (
                "The gateway tells operators nothing: it is older than this page.",
                "Start a gateway of the same version as this page.",
            ),
            Refused::Unreadable => (
                "What answers at the gateway's address is no gateway that this page knows.",
                "WEB_GATEWAY_URL has to name a gateway of the same version as this page.",
            ),
            Refused::Answered { code: Some(code), .. } if code == "foreign_host" => (
                "The gateway does not answer under the name that this page calls it by.",
                "Set WEB_GATEWAY_URL, or GATEWAY_ALLOWED_HOSTS at the gateway.",
            ),
            _ => {
                ("The gateway answers with an error.", "What its log says about it has the reason.")
            }
        };
        let more = vec![Finding { level: Level::Good, sentence: more.to_owned() }];
        Self { level: Level::Bad, headline: headline.to_owned(), more }
    }
}

/// Who serves each queue, and whether somebody does.
fn served(overview: &Overview, found: &mut Vec<Finding>) {
    let Some(workers) = &overview.workers else { return };
    let mut queues: Vec<&str> = Vec::new();
    let of_models = overview.models.iter().flatten().map(|model| model.queue.as_str());
    let of_queues = overview.queues.iter().flatten().map(|queue| queue.queue.as_str());
    for name in of_models.chain(of_queues).filter(|name| !name.is_empty()) {
        if !queues.contains(&name) {
            queues.push(name);
        }
    }
    let nats_is_silent = overview.queues.iter().flatten().all(|queue| queue.waiting.is_none());
    if workers.is_empty() && nats_is_silent && overview.queues.iter().flatten().next().is_some() {
        // The gateway hears nobody, which says nothing of workers.
        add(
            found,
            Level::Bad,
            "The gateway does not hear from NATS: nobody gets an answer.".to_owned(),
        );
        return;
    }
    if workers.is_empty() {
        let waiting: f64 = overview.queues.iter().flatten().filter_map(|one| one.waiting).sum();
        let waits =
            if waiting > 0.0 { format!(", and {} waiting", are(waiting)) } else { String::new() };
        add(found, Level::Bad, format!("No worker is heard: nobody gets an answer{waits}."));
        return;
    }
    for queue in queues {
        let serving: Vec<_> = workers.iter().filter(|one| serves(one, queue)).collect();
        if serving.is_empty() {
            add(found, Level::Bad, format!("No worker is heard for queue `{queue}`."));
        } else if serving.iter().all(|one| one.draining) {
            let sentence = format!("Every worker of queue `{queue}` is being stopped.");
            add(found, Level::Warning, sentence);
        }
    }
}

/// Who waits for long, and why.
fn waiting(overview: &Overview, found: &mut Vec<Finding>) {
    for lane in overview.queues.iter().flatten() {
        let (waiting, oldest) =
            (lane.waiting.unwrap_or_default(), lane.oldest_wait_seconds.unwrap_or_default());
        if waiting < 1.0 || oldest < LONG_WAIT_S {
            continue;
        }
        let who = who_waits(lane, waiting);
        let place = format!("{}/{}", lane.queue, lane.lane);
        let why = why_they_wait(overview, lane);
        let sentence = format!("{who} in {place}, the longest for {}: {why}.", seconds(oldest));
        // Nobody sits before work in the background.
        let level = if is_interactive(lane) { Level::Bad } else { Level::Warning };
        add(found, level, sentence);
    }
}

fn who_waits(lane: &Queue, waiting: f64) -> String {
    match (is_interactive(lane), waiting < 2.0) {
        (true, true) => "One person waits".to_owned(),
        (true, false) => format!("{} people wait", count(waiting)),
        (false, true) => "One job waits".to_owned(),
        (false, false) => format!("{} jobs wait", count(waiting)),
    }
}

fn is_interactive(lane: &Queue) -> bool {
    matches!(lane.lane.as_str(), "chat" | "live")
}

fn why_they_wait(overview: &Overview, lane: &Queue) -> String {
    let Some(workers) = &overview.workers else { return "it is not known who works".to_owned() };
    let serving = workers.iter().filter(|one| serves(one, &lane.queue) && !one.draining);
    let (slots, busy, count) = serving.fold((0.0, 0.0, 0), |(slots, busy, count), one| {
        (slots + one.slots, busy + one.busy.min(one.slots), count + 1)
    });
    match count {
        0 => "no worker takes new work".to_owned(),
        _ if busy >= slots && slots < 2.0 => "the only slot is taken".to_owned(),
        _ if busy >= slots => format!("all {slots:.0} slots are taken"),
        _ if lane.redelivered.is_some_and(|redelivered| redelivered > 0.0) => {
            "its work is being tried again".to_owned()
        }
        _ => format!(
            "{:.0} of {slots:.0} slots are free, so the workers' log knows why",
            slots - busy
        ),
    }
}

/// Whose answers fail.
fn failing(overview: &Overview, found: &mut Vec<Finding>) {
    let lately = lately(overview);
    for model in overview.models.iter().flatten().filter(|model| model.failed >= 1.0) {
        let (failed, all, name) = (model.failed, model.requests, &model.model);
        let sentence = if failed >= all {
            format!("No answer of `{name}` arrived {lately}: {}.", all_failed(all))
        } else {
            format!("{} of {} answers of `{name}` failed {lately}.", count(failed), count(all))
        };
        // One in a hundred is somebody's bad luck; more is a model, or a network.
        let level = if failed * 100.0 > all { Level::Bad } else { Level::Warning };
        add(found, level, sentence);
    }
}

fn all_failed(all: f64) -> String {
    if all < 2.0 { "the only one failed".to_owned() } else { format!("all {} failed", count(all)) }
}

/// What was given up.
fn buried(overview: &Overview, found: &mut Vec<Finding>) {
    let Some(letters) = &overview.dead_letters else { return };
    let since = overview.at - overview.window_seconds;
    let lately_buried = letters.recent.iter().filter(|one| one.created_at >= Some(since)).count();
    let sentence = match lately_buried {
        0 => return,
        1 => format!("One job was given up {}.", lately(overview)),
        // No more than that are told.
        more if more >= 10 => format!("At least {more} jobs were given up {}.", lately(overview)),
        more => format!("{more} jobs were given up {}.", lately(overview)),
    };
    add(found, Level::Warning, sentence);
}

/// What should be the same everywhere.
fn differing(overview: &Overview, found: &mut Vec<Finding>) {
    let mut catalogues: Vec<&str> = Vec::new();
    for worker in overview.workers.iter().flatten().filter(|one| !one.catalogue.is_empty()) {
        if !catalogues.contains(&worker.catalogue.as_str()) {
            catalogues.push(&worker.catalogue);
        }
    }
    if catalogues.len() > 1 {
        let sentence = "The workers have different catalogues of models.".to_owned();
        add(found, Level::Warning, sentence);
    }
}

/// That all is well, and what that means.
fn well(overview: &Overview) -> (String, Vec<Finding>) {
    let asked: f64 = overview.models.iter().flatten().map(|model| model.requests).sum();
    let open = overview.answers.as_ref().map_or(0.0, |answers| answers.open);
    let workers = || overview.workers.iter().flatten().filter(|one| !one.draining);
    let slots: f64 = workers().map(|one| one.slots).sum();
    let free: f64 = workers().map(|one| (one.slots - one.busy).max(0.0)).sum();
    let mut more = Vec::new();
    if slots > 0.0 {
        let sentence = format!("{} of {} slots are free.", count(free), count(slots));
        add(&mut more, Level::Good, sentence);
    }
    let lately = lately(overview);
    if asked < 1.0 && open < 1.0 {
        return (format!("All is ready, and nothing was asked {lately}."), more);
    }
    let sentence = format!("{} were asked {lately}, none has failed.", count(asked));
    more.insert(0, Finding { level: Level::Good, sentence });
    ("All answers arrive.".to_owned(), more)
}

/// "in the last 5 minutes"
pub(super) fn lately(overview: &Overview) -> String {
    match (overview.window_seconds / 60.0).round() {
        minutes if minutes < 1.0 => "lately".to_owned(),
        minutes if minutes < 2.0 => "in the last minute".to_owned(),
        minutes => format!("in the last {minutes:.0} minutes"),
    }
}

fn serves(worker: &WorkerSeen, queue: &str) -> bool {
    worker.queues.iter().any(|served| served == queue)
}

fn are(how_many: f64) -> String {
    if how_many < 2.0 { "one is".to_owned() } else { format!("{} are", count(how_many)) }
}

fn add(found: &mut Vec<Finding>, level: Level, sentence: String) {
    found.push(Finding { level, sentence });
}

#[cfg(test)]
mod tests;
