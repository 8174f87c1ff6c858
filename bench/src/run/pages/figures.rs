//! The figures of the chat page, in the order of their table.

use super::{Found, HELD, Round};
use crate::figures::{Percentiles, Spread};
use crate::run::budgets::Budget::{self, AtMost, Nothing, Reported};
use crate::run::budgets::Line;
use crate::run::results::Results;
use crate::run::rows::Row;

/// What an answer may take beside four times its text, in kilobytes.
const OF_AN_ANSWER_KB: f64 = 64.0;

/// A figure of a round, with its decimal places and its budget.
struct Figure(&'static str, usize, Budget, fn(&Round) -> f64);

#[rustfmt::skip]
const ALL: &[Figure] = &[
    Figure("token at web to bytes read, 100 tokens/s: p50, ms", 1, AtMost(17.0), |round| millis(round.shown, |all| all.p50)),
    Figure("the same: p99, ms", 1, AtMost(40.0), |round| millis(round.shown, |all| all.p99)),
    Figure("the same: until what was said is read in the middle of an answer, p50, ms", 0, AtMost(250.0), |round| millis(round.joined, |all| all.p50)),
    Figure("the same: tokens lost, doubled or out of order", 0, Nothing, |round| f64::from(round.wrong)),
    Figure("the same: CPU per token, µs", 0, AtMost(20.0), |round| round.cpu_us),
    Figure("memory (PSS) of web, idle, MB", 1, AtMost(15.0), |round| round.idle_mb),
    Figure("the same: more with each idle viewer of one answer, kB", 1, AtMost(12.0), |round| round.viewer_kb),
    Figure("the same: idle viewers for one active answer", 1, Reported, |round| ratio(round.answer_kb, round.viewer_kb)),
];

/// The same tokens without `web`, for the first figures.
const DIRECT: &[fn(&Round) -> f64] =
    &[|round| millis(round.direct, |all| all.p50), |round| millis(round.direct, |all| all.p99)];

fn millis(percentiles: Option<Percentiles>, of: fn(Percentiles) -> u32) -> f64 {
    percentiles.map_or(f64::NAN, |all| f64::from(of(all)) / 1e3)
}

/// What is lost in the noise of a short run has none.
fn ratio(one: f64, other: f64) -> f64 {
    if one > 0.0 && other > 0.0 { one / other } else { f64::NAN }
}

/// Every figure of the chat page, measured or not.
pub(crate) fn lines(results: &Results) -> Vec<Line> {
    let none = Found::default();
    let Found { rounds, .. } = results.pages.as_ref().unwrap_or(&none);
    let over = |of: fn(&Round) -> f64| Spread::of(rounds.iter().map(of));
    let mut lines: Vec<Line> = ALL
        .iter()
        .map(|Figure(what, places, budget, of)| {
            Line::alone(Row::Pages, what, *places, *budget, over(*of))
        })
        .collect();
    for (line, of) in lines.iter_mut().zip(DIRECT) {
        line.direct = over(*of);
    }
    let disturbed = over(|round| round.foreign).map(|spread| spread.max);
    for line in lines.iter_mut().filter(|line| line.what.ends_with(", ms")) {
        line.disturbed = disturbed;
    }
    let most = OF_AN_ANSWER_KB + 4.0 * HELD.bytes() as f64 / 1e3;
    let what = "the same: more with each active answer of 400 tokens and its viewer, kB";
    let answer = Line::alone(Row::Pages, what, 1, AtMost(most), over(|round| round.answer_kb));
    lines.insert(lines.len() - 1, answer);
    lines
}
