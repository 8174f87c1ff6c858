//! Tables for people: Markdown that can also be read as it is.

use std::fmt::Write as _;

use super::budgets::{self, FIGURES, Line};
use super::fleet::Name;
use super::results::Results;
use super::scenario::Scenario;
use crate::figures::Spread;

/// What stands in the table although it is not measured here, and why.
const ELSEWHERE: &[(&str, &str)] =
    &[("container image, compressed", "measured by `cargo xtask images`, not built yet")];

/// Against whom requests per second have a budget.
const TIMES: &[(Name, f64)] =
    &[(Name::LiteLlm, 50.0), (Name::Portkey, 12.0), (Name::TensorZero, 1.3)];

/// On what was measured, and how quiet it was.
pub(crate) fn machine(results: &Results) -> String {
    let machine = &results.machine;
    let spread = |of: fn(&super::round::Record) -> f64| {
        Spread::of(results.records.iter().map(|record| of(record) * 100.0))
    };
    let mut text = format!(
        "{} processors ({}), Linux {}, nats-server {}, commit {}; rounds: {}{}.\n",
        machine.processors,
        machine.processor.as_deref().unwrap_or("unknown"),
        machine.kernel.as_deref().unwrap_or("unknown"),
        machine.nats_server,
        machine.commit.as_deref().unwrap_or("unknown"),
        results.rounds,
        if results.quick { ", and short: this is no measurement" } else { "" },
    );
    if let (Some(foreign), Some(stolen)) =
        (spread(|record| record.foreign), spread(|record| record.stolen))
    {
        let _infallible = writeln!(
            text,
            "During the rounds other processes had {:.1} % of the processors (median; {:.1} to {:.1}), and the host took {:.1} % (up to {:.1}).",
            foreign.median, foreign.min, foreign.max, stolen.median, stolen.max
        );
    }
    text
}

/// A line as it stands in a table.
fn row(line: &Line) -> Vec<String> {
    let Some(own) = &line.own else {
        let cells = [line.what, &line.budget.text(), "not measured yet", "", "", "", ""];
        return cells.map(str::to_owned).to_vec();
    };
    let number = |figure: f64| number(figure, line.places);
    let median = |spread: &Option<Spread>| {
        spread.as_ref().map_or_else(|| "–".to_owned(), |spread| number(spread.median))
    };
    let verdict = match (line.budget, line.budget.is_met(own)) {
        (budgets::Budget::Reported, _) => "–",
        (_, true) => "met",
        (_, false) => "**missed**",
    };
    vec![
        line.what.to_owned(),
        line.budget.text(),
        verdict.to_owned(),
        number(own.median),
        format!("{} – {}", number(own.min), number(own.max)),
        median(&line.beside),
        median(&line.direct),
    ]
}

/// Stored work beside unstored.
pub(crate) fn stored(lines: &[Line]) -> String {
    let head = ["what", "budget", "met?", "stored", "min – max", "unstored", "direct"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(lines.iter().map(row));
    aligned(&rows)
}

/// Keys beside none.
pub(crate) fn keys(lines: &[Line]) -> String {
    let head =
        ["what", "budget", "met?", "keys on", "min – max", "keys off", "no credentials either"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(lines.iter().map(row));
    aligned(&rows)
}

/// The chat page.
pub(crate) fn pages(lines: &[Line]) -> String {
    let head = ["what", "budget", "met?", "chat page", "min – max", "", "without it"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(lines.iter().map(row));
    // Nothing stands beside it.
    for row in &mut rows {
        row.remove(5);
    }
    aligned(&rows)
}

/// Chappe against its budgets.
pub(crate) fn own(lines: &[Line], results: &Results) -> String {
    let head = ["what", "budget", "met?", "file stream", "min – max", "memory stream", "direct"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(lines.iter().map(row));
    for (what, why) in ELSEWHERE {
        let row = [*what, "", why, "", "", "", ""];
        rows.push(row.map(str::to_owned).to_vec());
    }
    let mut text = aligned(&rows);
    if let Some(bytes) = results.telemetry_bytes {
        let observed = results.rounds_of(Scenario::Unary, Name::ChappeObserved);
        let answers: u64 = observed.map(|record| record.report.answers).sum();
        let _infallible = writeln!(
            text,
            "\nWith telemetry, the collector was sent {:.0} bytes for each request. Traces that do not fit into the exporters' queues are dropped.",
            bytes as f64 / answers.max(1) as f64
        );
    }
    text
}

/// Others, and Chappe beside them.
pub(crate) fn peers(results: &Results) -> String {
    let measured =
        |name: &Name| results.target(*name).is_some_and(|target| target.missing.is_none());
    let others: Vec<Name> = Name::PEERS.into_iter().filter(measured).collect();
    let all: Vec<Name> = [Name::Direct, Name::Chappe].into_iter().chain(others.clone()).collect();

    let mut head = vec!["what".to_owned()];
    head.extend(all.iter().map(|name| name.text()));
    let mut rows = vec![head];
    for figure in FIGURES {
        let mut row = vec![figure.what.to_owned()];
        row.extend(all.iter().map(|name| {
            let spread = if *name == Name::Direct {
                let direct = results.rounds_of(figure.scenario, Name::Direct);
                figure.direct.and_then(|of| Spread::of(direct.map(of)))
            } else {
                budgets::over_rounds(figure, *name, results)
            };
            spread.map_or_else(|| "–".to_owned(), |spread| number(spread.median, figure.places))
        }));
        rows.push(row);
    }
    let mut idle = vec!["memory (PSS) of all processes, idle, MB".to_owned()];
    idle.extend(all.iter().map(|name| {
        let idle = results.target(*name).and_then(|target| target.idle_mb);
        idle.map_or_else(|| "–".to_owned(), |idle| number(idle, 1))
    }));
    rows.push(idle);

    let mut text = aligned(&rows);
    text.push_str(
        "\nHow many times better Chappe is, with a durable queue that none of them has:\n\n",
    );
    text.push_str(&aligned(&ratios(&others, results)));
    text.push('\n');
    for name in Name::PEERS {
        let Some(target) = results.target(name) else { continue };
        let said = match (&target.version, &target.missing) {
            (_, Some(missing)) => format!("not measured: {}", missing.lines().next().unwrap_or("")),
            (version, None) => version.clone().unwrap_or_default(),
        };
        let _infallible = writeln!(text, "- {}: {said}", name.text());
    }
    text
}

/// More is better for Chappe in each column.
fn ratios(others: &[Name], results: &Results) -> Vec<Vec<String>> {
    let head = [
        "against",
        "requests/s",
        "budget",
        "met?",
        "CPU per request",
        "tokens/s at 1,000 × 20",
        "CPU per token",
        "tokens/s at 1,000 × 100",
        "memory at 1,000 streams",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for name in others {
        let ratio = |scenario, of: fn(&super::round::Record, &super::round::Record) -> f64| {
            let pairs = results.pairs(scenario, Name::Chappe, *name);
            Spread::of(pairs.map(|(own, other)| of(own, other)))
        };
        let shown = |ratio: Option<Spread>| {
            ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{} ×", number(ratio.median, 1)))
        };
        let requests = ratio(Scenario::Unary, |own, other| {
            own.report.requests_per_s / other.report.requests_per_s
        });
        let budget = TIMES.iter().find(|(peer, _)| peer == name).map(|(_, times)| *times);
        let verdict = match (budget, requests) {
            (Some(times), Some(ratio)) if ratio.median >= times => "met",
            (Some(_), Some(_)) => "**missed**",
            _ => "–",
        };
        rows.push(vec![
            name.text(),
            shown(requests),
            budget.map_or_else(|| "–".to_owned(), |times| format!("≥ {} ×", shortest(times))),
            verdict.to_owned(),
            shown(ratio(Scenario::Unary, |own, other| {
                (other.cpu_s / other.report.answers as f64)
                    / (own.cpu_s / own.report.answers as f64)
            })),
            shown(ratio(Scenario::Streams, |own, other| {
                own.report.tokens_per_s / other.report.tokens_per_s
            })),
            shown(ratio(Scenario::Streams, |own, other| {
                (other.cpu_s / other.report.tokens as f64) / (own.cpu_s / own.report.tokens as f64)
            })),
            shown(ratio(Scenario::Overload, |own, other| {
                own.report.tokens_per_s / other.report.tokens_per_s
            })),
            shown(ratio(Scenario::Streams, |own, other| other.pss_mb / own.pss_mb)),
        ]);
    }
    rows
}

/// With as few decimal places as it needs, at most four.
pub(crate) fn shortest(figure: f64) -> String {
    let text = number(figure, 4);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// With commas between thousands.
pub(crate) fn number(figure: f64, places: usize) -> String {
    let text = format!("{figure:.places$}");
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest));
    let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{rest}")
}

/// A Markdown table whose columns are as wide as their widest cell. The first row is its head.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        for (cell, width) in row.iter().zip(&widths) {
            let _infallible = write!(text, "| {cell:<width$} ");
        }
        text.push_str("|\n");
        if number == 0 {
            for width in &widths {
                let _infallible = write!(text, "|{}", "-".repeat(width + 2));
            }
            text.push_str("|\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::budgets::Budget;
    use crate::run::rows::Row;

    #[test]
    fn numbers_have_commas_between_thousands() {
        for (figure, places, text) in [
            (1_234_567.0, 0, "1,234,567"),
            (-1234.56, 1, "-1,234.6"),
            (999.0, 0, "999"),
            (0.035, 3, "0.035"),
        ] {
            assert_eq!(number(figure, places), text);
        }
        for (figure, text) in [(0.1 + 0.2, "0.3"), (50_000.0, "50,000"), (0.0, "0"), (99.5, "99.5")]
        {
            assert_eq!(shortest(figure), text);
        }
    }

    #[test]
    fn what_was_not_measured_is_said_so_and_not_judged() {
        let mut line = Line {
            row: Row::Stored,
            what: "requests/s",
            places: 0,
            budget: Budget::AtMost(2.0),
            own: None,
            beside: Spread::of([1.0]),
            direct: None,
            disturbed: None,
        };
        assert_eq!(row(&line), ["requests/s", "≤ 2", "not measured yet", "", "", "", ""]);

        line.own = Spread::of([3.0]);
        assert_eq!(row(&line), ["requests/s", "≤ 2", "**missed**", "3", "3 – 3", "1", "–"]);
    }

    #[test]
    fn a_table_is_as_wide_as_its_widest_cells() {
        let rows = [vec!["a".to_owned(), "µs".to_owned()], vec!["long".to_owned(), "1".to_owned()]];
        let expected = "| a    | µs |\n|------|----|\n| long | 1  |\n";
        assert_eq!(aligned(&rows), expected);
    }
}
