//! The figures of keys, in the order of their table.

use super::{Counted, Found};
use crate::figures::Spread;
use crate::run::budgets::Budget::{self, AtMost, Nothing, Reported};
use crate::run::budgets::{Figure, Line, bad, compared, disturbance, figure, latency, line};
use crate::run::fleet::Name;
use crate::run::results::Results;
use crate::run::round::Record;
use crate::run::rows::Row;
use crate::run::scenario::Scenario;

/// What is promised: so long after a key was taken back no gateway takes it, in milliseconds.
const REVOKED_WITHIN: f64 = 1000.0;

/// A figure of each target by itself.
#[rustfmt::skip]
const OF_EACH: &[Figure] = &[
    of_keys("small unary calls, 16 clients: requests/s", 0, Reported, |own, _| own.report.requests_per_s),
    of_keys("the same: p50, ms", 2, Reported, |own, _| latency(own).p50),
    of_keys("the same: p99, ms", 2, Reported, |own, _| latency(own).p99),
    of_keys("the same: requests without a good answer", 0, Nothing, |own, _| bad(own)),
    of_keys("the same: CPU per request, gateway, µs", 1, Reported, |own, _| of_gateway(own)),
    of_keys("the same: CPU per request, all processes, µs", 1, Reported, |own, _| of_all(own)),
];

/// A figure of one target as a multiple of another's in the same round.
#[rustfmt::skip]
const RATIOS: &[(Name, Name, Figure)] = &[
    (Name::ChappeWithKeys, Name::ChappeWithCredentials, of_keys("API keys on, times off: requests/s", 3, Reported, rates)),
    (Name::ChappeWithKeys, Name::ChappeWithCredentials, of_keys("API keys on, times off: CPU per request, gateway", 3, Reported, |on, off| of_gateway(on) / of_gateway(off))),
    (Name::ChappeWithKeys, Name::ChappeWithCredentials, of_keys("API keys on, times off: CPU per request, all processes", 3, Reported, |on, off| of_all(on) / of_all(off))),
    (Name::ChappeWithCredentials, Name::Chappe, of_keys("credentials on NATS, times none: requests/s", 3, Reported, rates)),
    (Name::ChappeWithCredentials, Name::Chappe, of_keys("credentials on NATS, times none: CPU per request, all processes", 3, Reported, |on, off| of_all(on) / of_all(off))),
];

const fn of_keys(
    what: &'static str,
    places: usize,
    budget: Budget,
    value: fn(&Record, &Record) -> f64,
) -> Figure {
    figure(Row::Keys, Scenario::Keys, what, places, budget, value, None)
}

fn rates(on: &Record, off: &Record) -> f64 {
    on.report.requests_per_s / off.report.requests_per_s
}

fn of_gateway(record: &Record) -> f64 {
    record.gateway_cpu_s.map_or(f64::NAN, |cpu_s| cpu_s * 1e6 / record.report.answers as f64)
}

fn of_all(record: &Record) -> f64 {
    record.cpu_s * 1e6 / record.report.answers as f64
}

/// Every figure of keys, measured or not.
pub(crate) fn lines(results: &Results) -> Vec<Line> {
    let none = Found::default();
    let Found { quiet, busy, revocations_ms, .. } = results.keys.as_ref().unwrap_or(&none);
    let each = OF_EACH.iter().map(|figure| {
        let of = |name| compared(figure, name, name, results);
        let on = line(figure, of(Name::ChappeWithKeys), of(Name::ChappeWithCredentials), results);
        Line { direct: of(Name::Chappe), ..on }
    });
    let ratios = RATIOS
        .iter()
        .map(|(on, off, figure)| line(figure, compared(figure, *on, *off, results), None, results));
    let plain = |what, places, budget, own| Line::alone(Row::Keys, what, places, budget, own);
    let per_second = |counted: &Option<Counted>| Spread::of(counted.map(|all| all.per_second()));
    let revoked = Spread::of(revocations_ms.iter().copied());
    let slowest = Spread::of(revoked.map(|spread| spread.max));
    let found = [
        plain("look-ups of keys on NATS per s, that load", 2, Reported, per_second(busy)),
        plain("look-ups of keys on NATS per s, nobody asks", 2, Reported, per_second(quiet)),
        plain("a revoked key, until two gateways refuse it, ms", 0, Reported, revoked),
        Line {
            disturbed: disturbance(results, Scenario::Keys),
            ..plain("the same: the slowest, ms", 0, AtMost(REVOKED_WITHIN), slowest)
        },
    ];
    each.chain(ratios).chain(found).collect()
}
