//! What is said of which state.

use super::super::{DeadLetter, Model};
use super::*;

fn worker(slots: f64, busy: f64) -> WorkerSeen {
    WorkerSeen { queues: vec!["default".into()], slots, busy, ..WorkerSeen::default() }
}

fn lane(lane: &str, waiting: f64, oldest: f64) -> Queue {
    Queue {
        queue: "default".into(),
        lane: lane.into(),
        waiting: Some(waiting),
        oldest_wait_seconds: Some(oldest),
        ..Queue::default()
    }
}

fn model(requests: f64, failed: f64) -> Model {
    let (model, queue) = ("m".into(), "default".into());
    Model { model, queue, requests, failed, ..Model::default() }
}

fn overview() -> Overview {
    Overview {
        at: 1000.0,
        window_seconds: 300.0,
        workers: Some(vec![worker(8.0, 3.0)]),
        queues: Some(vec![lane("chat", 0.0, 0.0)]),
        models: Some(vec![model(300.0, 0.0)]),
        ..Overview::default()
    }
}

fn headline(overview: &Overview) -> (Level, String) {
    let verdict = Verdict::of(overview);
    (verdict.level, verdict.headline)
}

#[test]
fn when_all_is_well_it_says_so() {
    let mut all = overview();
    assert_eq!(headline(&all), (Level::Good, "All answers arrive.".into()));
    all.models = Some(vec![model(0.0, 0.0)]);
    let idle = "All is ready, and nothing was asked in the last 5 minutes.";
    assert_eq!(headline(&all), (Level::Good, idle.into()));
}

#[test]
fn it_says_who_waits_and_why() {
    for (workers, queue, expected) in [
        (
            vec![worker(8.0, 8.0)],
            lane("chat", 3.0, 12.4),
            "3 people wait in default/chat, the longest for 12 s: all 8 slots are taken.",
        ),
        (
            vec![worker(1.0, 1.0)],
            lane("live", 1.0, 30.0),
            "One person waits in default/live, the longest for 30 s: the only slot is taken.",
        ),
        (
            vec![worker(8.0, 3.0)],
            lane("chat", 2.0, 11.0),
            "2 people wait in default/chat, the longest for 11 s: 5 of 8 slots are free, so the workers' log knows why.",
        ),
    ] {
        let all = Overview { workers: Some(workers), queues: Some(vec![queue]), ..overview() };
        assert_eq!(headline(&all), (Level::Bad, expected.into()));
    }
    let soon = Overview { queues: Some(vec![lane("chat", 9.0, 9.9)]), ..overview() };
    assert_eq!(headline(&soon).0, Level::Good, "ten seconds are a wait");
    let batch = Overview { queues: Some(vec![lane("batch", 40.0, 60.0)]), ..overview() };
    assert_eq!(headline(&batch).0, Level::Warning, "nobody sits before a batch");
}

#[test]
fn what_is_not_known_is_not_well() {
    let mut all = overview();
    all.incomplete = vec!["Gateway g did not answer.".into()];
    assert_eq!(headline(&all), (Level::Warning, "Gateway g did not answer.".into()));

    all.workers = Some(vec![]);
    all.queues = Some(vec![Queue { waiting: None, ..lane("chat", 0.0, 0.0) }]);
    let silent = "The gateway does not hear from NATS: nobody gets an answer.";
    assert_eq!(headline(&all), (Level::Bad, silent.into()), "the workers are not to blame");
}

#[test]
fn it_says_when_nobody_works() {
    let mut all = overview();
    all.workers = Some(vec![]);
    all.queues = Some(vec![lane("chat", 2.0, 1.0)]);
    let nobody = "No worker is heard: nobody gets an answer, and 2 are waiting.";
    assert_eq!(headline(&all), (Level::Bad, nobody.into()));

    all.workers = Some(vec![WorkerSeen { queues: vec!["gpu".into()], ..worker(8.0, 0.0) }]);
    assert_eq!(headline(&all).1, "No worker is heard for queue `default`.");

    all.workers = Some(vec![WorkerSeen { draining: true, ..worker(8.0, 0.0) }]);
    assert_eq!(headline(&all).1, "Every worker of queue `default` is being stopped.");

    all.workers = None;
    assert_eq!(headline(&all).0, Level::Good, "what is not told is no trouble");
}

#[test]
fn failures_are_counted_against_all() {
    for (requests, failed, level, expected) in [
        (300.0, 2.0, Level::Warning, "2 of 300 answers of `m` failed in the last 5 minutes."),
        (300.0, 30.0, Level::Bad, "30 of 300 answers of `m` failed in the last 5 minutes."),
        (4.0, 4.0, Level::Bad, "No answer of `m` arrived in the last 5 minutes: all 4 failed."),
    ] {
        let all = Overview { models: Some(vec![model(requests, failed)]), ..overview() };
        assert_eq!(headline(&all), (level, expected.into()));
    }
}

#[test]
fn the_worst_comes_first_and_old_dead_letters_are_no_news() {
    let mut all = overview();
    let letter = |at| DeadLetter { created_at: Some(at), ..DeadLetter::default() };
    let letters = super::super::overview::Letters {
        kept: Some(2.0),
        recent: vec![letter(900.0), letter(600.0)],
    };
    all.dead_letters = Some(letters);
    assert_eq!(headline(&all).1, "One job was given up in the last 5 minutes.");

    all.models = Some(vec![model(4.0, 4.0)]);
    let verdict = Verdict::of(&all);
    assert_eq!(verdict.level, Level::Bad);
    assert_eq!(verdict.more.len(), 1);
}

#[test]
fn silence_is_told_by_its_kind() {
    let old = Refused::Answered { status: 404, code: None, message: None, retry_after: None };
    for (refused, word) in [
        (Refused::Unreachable, "does not answer."),
        (Refused::Silent, "in time"),
        (Refused::Unreadable, "no gateway"),
        (old, "older than this page"),
    ] {
        let verdict = Verdict::of_silence(&refused);
        assert_eq!(verdict.level, Level::Bad);
        assert!(verdict.headline.contains(word), "{}", verdict.headline);
    }
}
