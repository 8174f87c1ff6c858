//! Messages that released versions have published still read the same.
//!
//! Add files to `golden/`; never change one: gateways and workers of two versions run side by
//! side during a rollout.

use contract::figures::GatewayFigures;
use contract::{
    Body, CancelJob, ClaimRequest, DeadLetter, Failure, GatewayBeat, Job, Verdict, WorkFigures,
    WorkerBeat, log, pack,
};
use serde_json::Value;

#[cfg(test)]
mod reading {
    use serde::Serialize;
    use serde::de::DeserializeOwned;
    use serde_json::Value;

    /// A message reads, and writes itself the same again.
    pub(crate) fn reads_the_same<T: DeserializeOwned + Serialize>(golden: &str) {
        let message: T = serde_json::from_str(golden).unwrap();
        let expected: Value = serde_json::from_str(golden).unwrap();
        assert_eq!(serde_json::to_value(&message).unwrap(), expected);
    }
}

use reading::reads_the_same;

#[test]
fn small_messages_read_the_same() {
    reads_the_same::<ClaimRequest>(include_str!("golden/claim_request_1.json"));
    reads_the_same::<Verdict>(include_str!("golden/verdict_go_1.json"));
    reads_the_same::<Verdict>(include_str!("golden/verdict_drop_1.json"));
    reads_the_same::<Verdict>(include_str!("golden/verdict_leave_1.json"));
    reads_the_same::<CancelJob>(include_str!("golden/cancel_job_1.json"));
    reads_the_same::<GatewayBeat>(include_str!("golden/gateway_beat_1.json"));
    reads_the_same::<WorkerBeat>(include_str!("golden/worker_beat_1.json"));
    reads_the_same::<GatewayBeat>(include_str!("golden/gateway_beat_2.json"));
    reads_the_same::<WorkerBeat>(include_str!("golden/worker_beat_2.json"));
    reads_the_same::<GatewayFigures>(include_str!("golden/gateway_figures_1.json"));
    reads_the_same::<Failure>(include_str!("golden/failure_1.json"));
    reads_the_same::<DeadLetter>(include_str!("golden/dead_letter_1.json"));
    reads_the_same::<WorkFigures>(include_str!("golden/work_figures_1.json"));
}

#[test]
fn a_job_keeps_its_body_byte_for_byte() {
    let golden = include_str!("golden/job_inline_1.json");

    let job: Job<'_> = serde_json::from_str(golden).unwrap();

    let Body::Inline(body) = &job.body else { unreachable!("the golden job is inline") };
    assert_eq!(body.get(), r#"{"model": "m",  "messages": [], "x_new": 1.50}"#);
    let written: Value = serde_json::from_str(&serde_json::to_string(&job).unwrap()).unwrap();
    assert_eq!(written, serde_json::from_str::<Value>(golden).unwrap());
    assert!(!job.reads_work, "it was published before there were figures");
    let golden = include_str!("golden/job_inline_2.json");
    let job: Job<'_> = serde_json::from_str(golden).unwrap();
    assert!(job.reads_work);
    let written: Value = serde_json::from_str(&serde_json::to_string(&job).unwrap()).unwrap();
    assert_eq!(written, serde_json::from_str::<Value>(golden).unwrap());
    let stored: Job<'_> = serde_json::from_str(include_str!("golden/job_stored_1.json")).unwrap();
    assert!(matches!(stored.body, Body::Stored(name) if name == "bodies/0190d6a0"));
}

#[test]
fn records_of_a_log_read_the_same() {
    for golden in
        [include_str!("golden/log_accepted_2.json"), include_str!("golden/log_ended_2.json")]
    {
        let (record, _chunks) = log::read(golden.as_bytes()).unwrap();
        let written: Value = serde_json::from_slice(&log::write::<&[u8]>(&record, &[])).unwrap();
        assert_eq!(written, serde_json::from_str::<Value>(golden).unwrap());
    }
}

#[test]
fn packed_events_read_the_same() {
    for (hex, last, has_work) in [
        (include_str!("golden/packed_1.hex"), &b""[..], false),
        (include_str!("golden/packed_2.hex"), &br#"{"a":1}"#[..], true),
    ] {
        let bytes: Vec<u8> =
            hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();

        let events: Vec<_> = pack::read(&bytes).map(Result::unwrap).collect();

        assert_eq!(events.len(), 2);
        assert_eq!((events[0].claim, events[0].seq, events[0].payload), (1, 0, &b"{}"[..]));
        assert!(events[1].kind.is_last() && events[0].work.is_empty());
        assert_eq!(events[1].payload, last);
        assert_eq!(serde_json::from_slice::<WorkFigures>(events[1].work).is_ok(), has_work);
        let mut written = Vec::new();
        pack::begin(&mut written);
        for event in &events {
            pack::append(&mut written, event);
        }
        assert_eq!(written, bytes);
    }
}
