//! The last quarter of an hour, drawn and as a table.

use maud::{Markup, html};

use super::tables::{Column, Kind, Row, section, table};
use crate::components::{Chart, Shape, chart, clock, count, optional, rate, seconds};
use crate::operate::{History, Overview, Point};

/// As many steps as a gateway tells.
const STEPS: usize = 90;

/// The charts, and the same in numbers.
pub(super) fn history(overview: &Overview) -> Markup {
    let content = match &overview.history {
        None => html! { p.none { "The gateway does not tell this at the moment." } },
        Some(history) if history.points.is_empty() => {
            html! { p.none { "There is nothing to draw yet." } }
        }
        Some(history) => html! {
            div.charts { @for one in charts(history) { (one) } }
            details #history-table.numbers {
                summary { "The same as a table" }
                (numbers(history))
            }
        },
    };
    section("history", "Lately", &content)
}

/// The steps that there is room for, the newest last.
fn points(history: &History) -> &[Point] {
    let points = &history.points;
    &points[points.len().saturating_sub(STEPS)..]
}

/// So many in a step, as so many a second.
fn per_second(history: &History, value: Option<f64>) -> Option<f64> {
    value.filter(|_| history.step_seconds > 0.0).map(|value| value / history.step_seconds)
}

fn charts(history: &History) -> [Markup; 6] {
    let step = seconds(history.step_seconds);
    let begins = format!("{} ago", seconds(history.step_seconds * STEPS as f64));
    let draw = |title: &str, class, shape, shown, figure: &dyn Fn(&Point) -> Option<f64>| {
        let values: Vec<_> = points(history).iter().map(figure).collect();
        let values = values.as_slice();
        chart(&Chart { title, class, shape, values, steps: STEPS, shown, begins: &begins })
    };
    let (asked, failed) = (format!("Asked in {step}"), format!("Failed in {step}"));
    let said = |point: &Point| per_second(history, point.output_tokens);
    let first = |point: &Point| point.time_to_first_token_p95_seconds;
    [
        draw(&asked, "asked", Shape::Bars, count, &|point| point.accepted),
        draw(&failed, "failed", Shape::Bars, count, &|point| point.failed),
        draw("Tokens said a second", "tokens", Shape::Line, rate, &said),
        draw("Waiting", "waiting", Shape::Line, count, &|point| point.waiting),
        draw("Longest wait", "waiting", Shape::Line, seconds, &|point| point.oldest_wait_seconds),
        draw("First token, p95", "first", Shape::Line, seconds, &first),
    ]
}

fn numbers(history: &History) -> Markup {
    let columns = [
        Column("At (UTC)", Kind::Text),
        Column("Asked", Kind::Number),
        Column("Failed", Kind::Number),
        Column("Tokens/s said", Kind::Number),
        Column("Waiting", Kind::Number),
        Column("Longest wait", Kind::Number),
        Column("First token, p95", Kind::Number),
    ];
    let newest_first: Vec<_> = points(history).iter().rev().collect();
    let step = seconds(history.step_seconds);
    let caption = format!("The last steps of {step}, the newest first");
    table(&caption, &columns, Some(&newest_first), "", |point| {
        Row(
            format!("{:.0}", point.at),
            vec![
                clock(point.at),
                html! { (optional(point.accepted, count)) },
                html! { (optional(point.failed, count)) },
                html! { (optional(per_second(history, point.output_tokens), rate)) },
                html! { (optional(point.waiting, count)) },
                html! { (optional(point.oldest_wait_seconds, seconds)) },
                html! { (optional(point.time_to_first_token_p95_seconds, seconds)) },
            ],
        )
    })
}
