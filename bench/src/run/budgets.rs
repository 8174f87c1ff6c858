//! The budgets, and the figure beside each of them.

use clap::ValueEnum as _;

use super::fleet::Name;
use super::results::Results;
use super::round::Record;
use super::rows::Row;
use super::scenario::Scenario;
use super::screen;
use super::tables::{number, shortest};
use crate::figures::{Percentiles, Spread};

/// Others may have this share of the processors while a quick run judges times.
const QUIET: f64 = 0.2;

/// What a figure must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Budget {
    /// Its median is this or less.
    AtMost(f64),
    /// Its median is this or more.
    AtLeast(f64),
    /// It is zero in every round.
    Nothing,
    /// It is told and not judged.
    Reported,
}

impl Budget {
    pub(crate) fn is_met(self, spread: &Spread) -> bool {
        match self {
            Self::AtMost(limit) => spread.median <= limit,
            Self::AtLeast(limit) => spread.median >= limit,
            Self::Nothing => spread.max == 0.0 && spread.min == 0.0,
            Self::Reported => true,
        }
    }

    /// The bound of a quick run: one short round on a machine that others may use is no
    /// measurement, so it is judged only by what cannot be an accident.
    fn ten_times_looser(self) -> Self {
        match self {
            Self::AtMost(limit) => Self::AtMost(limit * 10.0),
            Self::AtLeast(limit) => Self::AtLeast(limit / 10.0),
            same => same,
        }
    }
}

/// A figure of Chappe: its budget and what was measured.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) row: Row,
    pub(crate) what: &'static str,
    /// Decimal places.
    pub(crate) places: usize,
    pub(crate) budget: Budget,
    /// What the budget is of.
    pub(crate) own: Option<Spread>,
    /// The same of what stands beside it.
    pub(crate) beside: Option<Spread>,
    /// The mock alone, where that can be compared.
    pub(crate) direct: Option<Spread>,
    /// Of a figure that others' work on the machine changes: the largest share of the processors
    /// that they had meanwhile, 0 to 1.
    pub(crate) disturbed: Option<f64>,
}

impl Line {
    /// A figure with nothing beside it.
    pub(crate) fn alone(
        row: Row,
        what: &'static str,
        places: usize,
        budget: Budget,
        own: Option<Spread>,
    ) -> Self {
        Self { row, what, places, budget, own, beside: None, direct: None, disturbed: None }
    }
}

/// A figure that comes from a load.
pub(crate) struct Figure {
    pub(crate) row: Row,
    pub(crate) scenario: Scenario,
    pub(crate) what: &'static str,
    pub(crate) places: usize,
    pub(crate) budget: Budget,
    /// From a round and the same round of direct.
    pub(crate) value: fn(&Record, &Record) -> f64,
    /// Of direct alone, where that says something.
    pub(crate) direct: Option<fn(&Record) -> f64>,
    /// Whether it is a time or a rate, which others' work on the machine changes.
    by_the_clock: bool,
}

pub(crate) const fn figure(
    row: Row,
    scenario: Scenario,
    what: &'static str,
    places: usize,
    budget: Budget,
    value: fn(&Record, &Record) -> f64,
    direct: Option<fn(&Record) -> f64>,
) -> Figure {
    let by_the_clock = matches!(budget, AtMost(_) | AtLeast(_));
    Figure { row, scenario, what, places, budget, value, direct, by_the_clock }
}

/// One that others' work on the machine changes little.
pub(crate) const fn steady(figure: Figure) -> Figure {
    Figure { by_the_clock: false, ..figure }
}

use Budget::{AtLeast, AtMost, Nothing, Reported};

/// Every figure of a load, in the order of the table.
#[rustfmt::skip]
pub(crate) const FIGURES: &[Figure] = &[
    figure(Row::Unary, Scenario::Unary, "small unary calls, 16 clients: requests/s", 0, Reported, |own, _| own.report.requests_per_s, Some(|direct| direct.report.requests_per_s)),
    figure(Row::Unary, Scenario::Unary, "the same: added p50, ms", 2, AtMost(2.0), |own, direct| latency(own).p50 - latency(direct).p50, Some(|direct| latency(direct).p50)),
    figure(Row::Unary, Scenario::Unary, "the same: added p99, ms", 2, AtMost(8.0), |own, direct| latency(own).p99 - latency(direct).p99, Some(|direct| latency(direct).p99)),
    figure(Row::Unary, Scenario::Unary, "the same: requests without a good answer", 0, Nothing, |own, _| bad(own), Some(bad)),
    figure(Row::Single, Scenario::SingleUnary, "one client: added latency, p50, ms", 2, AtMost(0.8), |own, direct| latency(own).p50 - latency(direct).p50, Some(|direct| latency(direct).p50)),
    figure(Row::Single, Scenario::SingleStream, "one client: added time to first token, p50, ms", 2, AtMost(0.8), |own, direct| first(own).p50 - first(direct).p50, Some(|direct| first(direct).p50)),
    steady(figure(Row::Cpu, Scenario::Unary, "CPU per request, 16 clients, µs", 0, AtMost(200.0), |own, _| own.cpu_s * 1e6 / own.report.answers as f64, None)),
    figure(Row::Streams, Scenario::Streams, "1,000 streams × 20 tokens/s: tokens lost, doubled or out of order, broken streams", 0, Nothing, |own, _| bad(own), Some(bad)),
    figure(Row::Streams, Scenario::Streams, "the same: share of direct's rate, %", 2, AtLeast(99.5), |own, direct| own.report.tokens_per_s * 100.0 / direct.report.tokens_per_s, Some(|_| 100.0)),
    figure(Row::Streams, Scenario::Streams, "the same: added first token p50, ms", 2, AtMost(3.0), |own, direct| first(own).p50 - first(direct).p50, Some(|direct| first(direct).p50)),
    figure(Row::Streams, Scenario::Streams, "the same: added first token p99, ms", 2, AtMost(15.0), |own, direct| first(own).p99 - first(direct).p99, Some(|direct| first(direct).p99)),
    figure(Row::Streams, Scenario::Streams, "the same: gap p99 over direct's, ms", 2, AtMost(8.0), |own, direct| gap(own).p99 - gap(direct).p99, Some(|direct| gap(direct).p99)),
    steady(figure(Row::Streams, Scenario::Streams, "the same: CPU per 1,000 tokens, s", 4, AtMost(0.035), |own, _| own.cpu_s * 1e3 / own.report.tokens as f64, None)),
    figure(Row::Overload, Scenario::Overload, "1,000 streams × 100 tokens/s: tokens/s", 0, AtLeast(50_000.0), |own, _| own.report.tokens_per_s, Some(|direct| direct.report.tokens_per_s)),
    figure(Row::Overload, Scenario::Overload, "the same: tokens lost, doubled or out of order, broken streams", 0, Nothing, |own, _| bad(own), Some(bad)),
    figure(Row::Overload, Scenario::Overload, "the same: CPU per 1,000 tokens, s", 4, Reported, |own, _| own.cpu_s * 1e3 / own.report.tokens as f64, None),
    steady(figure(Row::Memory, Scenario::Streams, "memory (PSS) of all processes with 1,000 streams, MB", 1, AtMost(100.0), |own, _| own.pss_mb, None)),
];

/// Percentiles in milliseconds; what was not measured is no number.
pub(crate) struct Millis {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

fn millis(percentiles: Option<Percentiles>) -> Millis {
    let of = |micros: Option<u32>| micros.map_or(f64::NAN, |micros| f64::from(micros) / 1e3);
    Millis { p50: of(percentiles.map(|all| all.p50)), p99: of(percentiles.map(|all| all.p99)) }
}

pub(crate) fn latency(record: &Record) -> Millis {
    millis(record.report.latency)
}

pub(crate) fn first(record: &Record) -> Millis {
    millis(record.report.first_token)
}

pub(crate) fn gap(record: &Record) -> Millis {
    millis(record.report.gap)
}

/// Everything that was not as it should be.
pub(crate) fn bad(record: &Record) -> f64 {
    let report = &record.report;
    let tokens = report.lost + report.doubled + report.swapped + report.foreign;
    (tokens + report.errors) as f64
}

/// A figure of one target over all rounds.
pub(crate) fn over_rounds(figure: &Figure, target: Name, results: &Results) -> Option<Spread> {
    compared(figure, target, Name::Direct, results)
}

/// A figure of one target over all rounds, from each round and the same round of another.
pub(crate) fn compared(
    figure: &Figure,
    target: Name,
    other: Name,
    results: &Results,
) -> Option<Spread> {
    let pairs = results.pairs(figure.scenario, target, other);
    Spread::of(pairs.map(|(own, other)| (figure.value)(own, other)))
}

/// The line of a figure.
pub(crate) fn line(
    figure: &Figure,
    own: Option<Spread>,
    beside: Option<Spread>,
    results: &Results,
) -> Line {
    Line {
        row: figure.row,
        what: figure.what,
        places: figure.places,
        budget: figure.budget,
        own,
        beside,
        direct: figure.direct.and_then(|direct| {
            Spread::of(results.rounds_of(figure.scenario, Name::Direct).map(direct))
        }),
        disturbed: figure.by_the_clock.then(|| disturbance(results, figure.scenario)).flatten(),
    }
}

/// Every figure of unstored work that was measured.
pub(crate) fn lines(results: &Results) -> Vec<Line> {
    let of = |figure: &Figure, name| over_rounds(figure, name, results);
    let mut lines: Vec<Line> = FIGURES
        .iter()
        .map(|figure| {
            let (own, beside) = (of(figure, Name::Chappe), of(figure, Name::ChappeInMemory));
            line(figure, own, beside, results)
        })
        .collect();
    lines.extend(without_load(results));
    lines.retain(|line| line.own.is_some() && results.wants(line.row));
    lines
}

/// The largest share of the processors that others had during a load.
pub(crate) fn disturbance(results: &Results, scenario: Scenario) -> Option<f64> {
    let records = results.records.iter().filter(|record| record.scenario == scenario);
    Spread::of(records.map(|record| record.foreign)).map(|spread| spread.max)
}

fn without_load(results: &Results) -> Vec<Line> {
    let line = Line::alone;
    let idle = |name| results.target(name).and_then(|target| target.idle_mb);
    let starts = |of: fn(&super::starts::Start) -> f64| Spread::of(results.starts.iter().map(of));
    let telemetry = results.pairs(Scenario::Unary, Name::ChappeObserved, Name::Chappe);
    let telemetry = telemetry.map(|(observed, not)| {
        (1.0 - observed.report.requests_per_s / not.report.requests_per_s) * 100.0
    });
    let kilobytes = |bytes: Option<u64>| Spread::of(bytes.map(|bytes| bytes as f64 / 1e3));
    let assets = results.assets;
    let what = "memory (PSS) of all processes, idle, MB";
    let mut memory = line(Row::Memory, what, 1, AtMost(30.0), Spread::of(idle(Name::Chappe)));
    memory.beside = Spread::of(idle(Name::ChappeInMemory));
    let what = "throughput lost to telemetry at 100 % sampling, %";
    let mut lost = line(Row::Telemetry, what, 1, AtMost(5.0), Spread::of(telemetry));
    lost.disturbed = disturbance(results, Scenario::Unary);
    vec![
        memory,
        line(
            Row::Start,
            "gateway: start to ready with NATS up, ms",
            0,
            AtMost(100.0),
            starts(|start| start.gateway_ms),
        ),
        line(
            Row::Start,
            "llm-worker: start to ready with NATS up, ms",
            0,
            AtMost(100.0),
            starts(|start| start.worker_ms),
        ),
        lost,
        line(
            Row::Assets,
            "JavaScript of the chat page, gzip -9, kB",
            1,
            AtMost(8.0),
            kilobytes(assets.map(|assets| assets.javascript)),
        ),
        line(
            Row::Assets,
            "CSS of the chat page, gzip -9, kB",
            1,
            AtMost(8.0),
            kilobytes(assets.map(|assets| assets.css)),
        ),
    ]
}

/// What a quick run asserts: all was measured, no answer was bad, and no figure is ten times over
/// its budget. Says so line by line. Times and rates of a load during which others had a good
/// part of the machine are told and not judged: they are the others'.
pub(crate) fn roughly_met(lines: &[Line], results: &Results) -> bool {
    let mut all = !lines.is_empty();
    for failure in results.failures() {
        all = false;
        screen::line(&format!("FAILED: {failure}"));
    }
    for row in Row::value_variants().iter().filter(|row| results.wants(**row)) {
        if !lines.iter().any(|line| line.row == *row) {
            all = false;
            screen::line(&format!("FAILED: {row:?} was not measured"));
        }
    }
    for Line { row, what, places, budget, own, disturbed, .. } in lines {
        let Some(own) = own else {
            let judged = *budget != Reported;
            all &= !judged;
            screen::line(&format!("{}: {what}", if judged { "FAILED" } else { "not measured" }));
            continue;
        };
        // Sizes are the same on every machine.
        let bound = if *row == Row::Assets { *budget } else { budget.ten_times_looser() };
        let figure = format!("{what}: {}, {}", number(own.median, *places), bound.text());
        if let Some(foreign) = disturbed.filter(|foreign| *foreign > QUIET) {
            let percent = foreign * 100.0;
            screen::line(&format!(
                "not judged: {figure}; others had {percent:.0} % of the processors"
            ));
            continue;
        }
        let met = bound.is_met(own);
        all &= met;
        screen::line(&format!("{}: {figure}", if met { "ok" } else { "FAILED" }));
    }
    all
}

impl Budget {
    /// As it stands in a table.
    pub(crate) fn text(self) -> String {
        match self {
            Self::AtMost(limit) => format!("≤ {}", shortest(limit)),
            Self::AtLeast(limit) => format!("≥ {}", shortest(limit)),
            Self::Nothing => "none".to_owned(),
            Self::Reported => "–".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_decides_but_a_single_lost_token_is_a_miss() {
        let spread = Spread::of([0.0, 0.0, 4.0]).unwrap();

        assert!(AtMost(1.0).is_met(&spread) && !AtLeast(1.0).is_met(&spread));
        assert!(!Nothing.is_met(&spread));
        assert!(Nothing.is_met(&Spread::of([0.0]).unwrap()));
    }

    #[test]
    fn quick_bounds_are_ten_times_looser_and_loss_stays_forbidden() {
        assert_eq!(AtMost(2.0).ten_times_looser(), AtMost(20.0));
        assert_eq!(AtLeast(50_000.0).ten_times_looser(), AtLeast(5_000.0));
        assert_eq!(Nothing.ten_times_looser(), Nothing);
    }
}
