//! The figures of stored work, in the order of their table.

use super::Found;
use super::footprint::Footprint;
use super::moments::Moments;
use crate::figures::{Percentiles, Spread};
use crate::run::budgets::Budget::{AtMost, Nothing, Reported};
use crate::run::budgets::{
    Budget, Figure, Line, bad, compared, figure, first, gap, latency, line, steady,
};
use crate::run::chappe::Memory;
use crate::run::disk::Disk;
use crate::run::fleet::Name;
use crate::run::results::Results;
use crate::run::round::Record;
use crate::run::rows::Row;
use crate::run::scenario::Scenario;

/// How many finished responses the figures of memory are of.
const FINISHED: u32 = 10_000;

/// Every figure of a load, and whose same round it is computed with.
#[rustfmt::skip]
const OF_LOADS: &[(Figure, Name)] = &[
    (figure(Row::Stored, Scenario::Unary, "small unary calls, 16 clients: requests/s", 0, Reported, |own, _| own.report.requests_per_s, Some(|direct| direct.report.requests_per_s)), Name::Direct),
    (figure(Row::Stored, Scenario::Unary, "the same: added p50, ms", 2, Reported, |own, direct| latency(own).p50 - latency(direct).p50, Some(|direct| latency(direct).p50)), Name::Direct),
    (figure(Row::Stored, Scenario::Unary, "the same: added p99, ms", 2, Reported, |own, direct| latency(own).p99 - latency(direct).p99, Some(|direct| latency(direct).p99)), Name::Direct),
    (figure(Row::Stored, Scenario::Unary, "the same: requests without a good answer", 0, Nothing, |own, _| bad(own), Some(bad)), Name::Direct),
    (figure(Row::Stored, Scenario::Unary, "the same: CPU per request, µs", 0, Reported, |own, _| per_answer(own) * 1e6, None), Name::Direct),
    (steady(figure(Row::Stored, Scenario::Unary, "the same: times the CPU of the unstored", 2, AtMost(2.0), |own, unstored| per_answer(own) / per_answer(unstored), None)), Name::Chappe),
    (figure(Row::Stored, Scenario::Streams, "1,000 streams × 20 tokens/s: tokens lost, doubled or out of order, broken streams", 0, Nothing, |own, _| bad(own), Some(bad)), Name::Direct),
    (figure(Row::Stored, Scenario::Streams, "the same: share of direct's rate, %", 2, Reported, |own, direct| own.report.tokens_per_s * 100.0 / direct.report.tokens_per_s, Some(|_| 100.0)), Name::Direct),
    (figure(Row::Stored, Scenario::Streams, "the same: added first token p50, ms", 2, Reported, |own, direct| first(own).p50 - first(direct).p50, Some(|direct| first(direct).p50)), Name::Direct),
    (figure(Row::Stored, Scenario::Streams, "the same: added first token p99, ms", 2, Reported, |own, direct| first(own).p99 - first(direct).p99, Some(|direct| first(direct).p99)), Name::Direct),
    (figure(Row::Stored, Scenario::Streams, "the same: gap p99 over direct's, ms", 2, Reported, |own, direct| gap(own).p99 - gap(direct).p99, Some(|direct| gap(direct).p99)), Name::Direct),
    (figure(Row::Stored, Scenario::Streams, "the same: CPU per 1,000 tokens, s", 4, Reported, |own, _| per_token(own) * 1e3, None), Name::Direct),
    (steady(figure(Row::Stored, Scenario::Streams, "the same: times the CPU of the unstored", 2, AtMost(2.0), |own, unstored| per_token(own) / per_token(unstored), None)), Name::Chappe),
    (figure(Row::Stored, Scenario::Streams, "the same: memory (PSS) of all processes, MB", 1, Reported, |own, _| own.pss_mb, None), Name::Direct),
    (figure(Row::Stored, Scenario::Streams, "the same: bytes on disk per token, in logs", 0, Reported, |own, _| bytes_per_token(own, |disk| disk.logs), None), Name::Direct),
    (figure(Row::Stored, Scenario::Streams, "the same: bytes on disk per token that sealing adds", 0, Reported, |own, _| bytes_per_token(own, |disk| disk.sealed), None), Name::Direct),
];

fn per_answer(record: &Record) -> f64 {
    record.cpu_s / record.report.answers as f64
}

fn per_token(record: &Record) -> f64 {
    record.cpu_s / record.report.tokens as f64
}

/// No number when it does not store.
fn bytes_per_token(record: &Record, of: fn(&Disk) -> u64) -> f64 {
    record.disk.as_ref().map_or(f64::NAN, |disk| of(disk) as f64 / record.report.tokens as f64)
}

/// A figure of finished responses.
struct OfMany(&'static str, usize, Budget, fn(&Footprint) -> f64);

#[rustfmt::skip]
const OF_MANY: &[OfMany] = &[
    OfMany("responses in the background, 16 clients: accepted/s", 0, Reported, |found| found.accepted_per_s),
    OfMany("the same: created within, p50, ms", 2, Reported, |found| millis(found.create, |all| all.p50)),
    OfMany("the same: created within, p99, ms", 2, Reported, |found| millis(found.create, |all| all.p99)),
    OfMany("the same: refused, or not there with every token in the end", 0, Nothing, |found| f64::from(found.bad)),
    OfMany("the same: CPU per response until it is sealed, µs", 0, Reported, |found| found.cpu_s * 1e6 / f64::from(found.responses)),
    OfMany("the same: bytes on disk per response of 16 tokens, in logs", 0, Reported, |found| found.disk.logs as f64 / f64::from(found.responses)),
    OfMany("the same: bytes on disk per response that sealing adds", 0, Reported, |found| found.disk.sealed as f64 / f64::from(found.responses)),
    OfMany("memory (PSS) that 10,000 finished responses add, MB", 1, Reported, |found| added(found, |memory| memory.all())),
    OfMany("the same: gateway, MB", 1, Reported, |found| added(found, |memory| memory.gateway)),
    OfMany("the same: llm-worker, MB", 1, Reported, |found| added(found, |memory| memory.worker)),
    OfMany("the same: nats-server, MB", 1, Reported, |found| added(found, |memory| memory.nats)),
    OfMany("memory (PSS) that the next 10,000 add, MB", 1, Reported, |found| added_next(found, |memory| memory.all())),
    OfMany("the same: nats-server, MB", 1, Reported, |found| added_next(found, |memory| memory.nats)),
];

fn millis(percentiles: Option<Percentiles>, of: fn(&Percentiles) -> u32) -> f64 {
    percentiles.as_ref().map_or(f64::NAN, |all| f64::from(of(all)) / 1e3)
}

/// No number when there were fewer responses: what they add is too little to be seen.
fn added(found: &Footprint, of: fn(&Memory) -> f64) -> f64 {
    if found.responses < FINISHED { f64::NAN } else { of(&found.first) }
}

fn added_next(found: &Footprint, of: fn(&Memory) -> f64) -> f64 {
    found.next.as_ref().map_or(f64::NAN, of)
}

/// Samples of a moment, and what they are called.
struct OfOne(&'static str, fn(&Moments) -> &[f64]);

const OF_ONE: &[OfOne] = &[
    OfOne("one client: create in the background, ms", |moments| &moments.create),
    OfOne("one client: fetch a response of 16 tokens, ms", |moments| &moments.fetch),
    OfOne("one client: fetch a response of 5,000 tokens, ms", |moments| &moments.fetch_long),
    OfOne("one client: read on from its middle, first event, ms", |moments| &moments.first_behind),
    OfOne("one client: read on from its middle, last event, ms", |moments| &moments.all_behind),
];

/// Every figure of stored work, measured or not.
pub(crate) fn lines(results: &Results) -> Vec<Line> {
    let none = Found::default();
    let Found { footprint, moments, .. } = results.stored.as_ref().unwrap_or(&none);
    let plain = |what, places, budget, own| Line::alone(Row::Stored, what, places, budget, own);
    let loads = OF_LOADS.iter().map(|(figure, against)| {
        let own = compared(figure, Name::ChappeStored, *against, results);
        let unstored = || compared(figure, Name::Chappe, *against, results);
        // Beside itself it is always one.
        let beside = if *against == Name::Chappe { None } else { unstored() };
        line(figure, own, beside, results)
    });
    let many = OF_MANY.iter().map(|OfMany(what, places, budget, of)| {
        plain(*what, *places, *budget, Spread::of(footprint.as_ref().map(of)))
    });
    let one = OF_ONE.iter().map(|OfOne(what, of)| {
        let samples = moments.as_ref().map_or(&[][..], of);
        plain(*what, 2, Reported, Spread::of(samples.iter().copied()))
    });
    loads.chain(many).chain(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(responses: u32) -> Footprint {
        Footprint {
            responses,
            tokens: 16,
            accepted_per_s: 1.0,
            create: None,
            cpu_s: 1.0,
            first: Memory { gateway: 1.0, worker: 2.0, nats: 4.0 },
            next: None,
            disk: Disk { logs: 20_000, sealed: 10_000 },
            bad: 0,
            first_problem: None,
        }
    }

    #[test]
    fn what_finished_responses_add_is_told_of_ten_thousand_and_of_no_fewer() {
        let memory = |found: &Footprint| {
            let line = OF_MANY.iter().find(|line| line.0.starts_with("memory")).unwrap();
            Spread::of([(line.3)(found)]).map(|spread| spread.median)
        };

        assert_eq!(memory(&found(10_000)), Some(7.0));
        assert_eq!(memory(&found(300)), None);
    }

    #[test]
    fn bytes_on_the_disk_are_those_of_one_response() {
        let bytes: Vec<f64> = OF_MANY
            .iter()
            .filter(|line| line.0.contains("on disk"))
            .map(|line| (line.3)(&found(10_000)))
            .collect();
        assert_eq!(bytes, [2.0, 1.0]);
    }
}
