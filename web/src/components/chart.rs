//! What happened lately as a drawing, made here: no script, no picture from elsewhere.

use std::fmt::Write as _;

use maud::{Markup, html};

use crate::texts;

/// The drawing's own measures; the style sheet stretches it to its place.
const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 60.0;

/// How values are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// So many in each step.
    Bars,
    /// How much it was at each step.
    Line,
}

/// One series of values in equal steps, the newest last.
pub(crate) struct Chart<'a> {
    pub(crate) title: &'a str,
    /// For its colour.
    pub(crate) class: &'a str,
    pub(crate) shape: Shape,
    pub(crate) values: &'a [Option<f64>],
    /// How many steps there is room for: a series that is shorter begins later.
    pub(crate) steps: usize,
    /// A value with its unit.
    pub(crate) shown: fn(f64) -> String,
    /// How long ago the first step with room was.
    pub(crate) begins: &'a str,
}

/// The chart, with its highest and its last value in words.
pub(crate) fn chart(chart: &Chart<'_>) -> Markup {
    let known = chart.values.iter().flatten().copied().filter(|value| value.is_finite());
    let highest = known.clone().fold(0.0, f64::max);
    // Where nothing is known of now, what was known before is not said to be now.
    let last = chart.values.last().copied().flatten();
    let (top, shown) = (round_up(highest), chart.shown);
    let summary = match last {
        Some(last) => texts::figures::chart(chart.title, &shown(last), &shown(highest)),
        None if known.clone().next().is_none() => texts::figures::chart_not_known(chart.title),
        None => texts::figures::chart_not_known_at_last(chart.title, &shown(highest)),
    };
    html! {
        figure.chart.(chart.class) {
            figcaption {
                span { (chart.title) }
                strong { @match last { Some(last) => (shown(last)), None => (texts::figures::UNKNOWN) } }
            }
            div.plot {
                svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img"
                    aria-label=(summary) {
                    line.grid x1="0" x2=(WIDTH) y1="0.5" y2="0.5" {}
                    line.grid x1="0" x2=(WIDTH) y1=(HEIGHT / 2.0) y2=(HEIGHT / 2.0) {}
                    line.floor x1="0" x2=(WIDTH) y1=(HEIGHT - 0.5) y2=(HEIGHT - 0.5) {}
                    @match chart.shape {
                        Shape::Bars => path.bars d=(bars(chart, top)) {},
                        Shape::Line => {
                            @let (line, below) = line(chart, top);
                            path.below d=(below) {}
                            path.line d=(line) {}
                        }
                    }
                }
                span.top-value aria-hidden="true" { (shown(top)) }
            }
            div.ends aria-hidden="true" { span { (chart.begins) } span { (texts::figures::NOW) } }
        }
    }
}

/// Where each value stands, from the right: the newest is at the end.
fn placed<'a>(chart: &'a Chart<'_>) -> impl Iterator<Item = (f64, Option<f64>)> + 'a {
    let steps = chart.steps.max(chart.values.len()).max(1);
    let step = WIDTH / steps as f64;
    let free = steps - chart.values.len();
    let values = chart.values.iter().enumerate();
    values.map(move |(index, value)| ((free + index) as f64 * step, *value))
}

fn step(chart: &Chart<'_>) -> f64 {
    WIDTH / chart.steps.max(chart.values.len()).max(1) as f64
}

fn height(value: f64, top: f64) -> f64 {
    (value / top).clamp(0.0, 1.0) * (HEIGHT - 1.0)
}

fn bars(chart: &Chart<'_>, top: f64) -> String {
    let wide = step(chart) * 0.8;
    let mut path = String::new();
    for (x, value) in placed(chart) {
        let Some(value) = value.filter(|value| *value > 0.0) else { continue };
        // What happened at all can be seen.
        let high = height(value, top).max(1.5);
        let y = HEIGHT - high;
        // Writing to a string cannot fail.
        let _written = write!(path, "M{x:.1} {HEIGHT}V{y:.1}h{wide:.1}V{HEIGHT}z");
    }
    path
}

/// The line, and the area below it. Where nothing is known, there is none.
fn line(chart: &Chart<'_>, top: f64) -> (String, String) {
    let (mut line, mut below) = (String::new(), String::new());
    let middle = step(chart) / 2.0;
    let mut last: Option<f64> = None;
    for (x, value) in placed(chart) {
        let x = x + middle;
        let Some(value) = value else {
            close(&mut below, &mut last);
            continue;
        };
        let y = HEIGHT - height(value, top) - 0.5;
        let begins = last.is_none();
        let _written = if begins {
            // A dot, where its neighbours are not known.
            write!(line, "M{x:.1} {y:.1}h0.01").and(write!(below, "M{x:.1} {HEIGHT}V{y:.1}"))
        } else {
            write!(line, "L{x:.1} {y:.1}").and(write!(below, "L{x:.1} {y:.1}"))
        };
        last = Some(x);
    }
    close(&mut below, &mut last);
    (line, below)
}

fn close(below: &mut String, last: &mut Option<f64>) {
    if last.take().is_some() {
        let _written = write!(below, "V{HEIGHT}z");
    }
}

/// The next number that people like: 1, 2 or 5 and zeros.
fn round_up(highest: f64) -> f64 {
    if highest <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(highest.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|one| one * power >= highest * 0.999);
    factor.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::super::figures;
    use super::*;

    fn drawn(shape: Shape, values: &[Option<f64>], steps: usize) -> String {
        let (title, class, shown, begins) =
            ("Tokens", "c", figures::count as fn(f64) -> String, "");
        chart(&Chart { title, class, shape, values, steps, shown, begins }).into_string()
    }

    #[test]
    fn the_top_is_a_round_number() {
        for (highest, top) in [(0.0, 1.0), (0.3, 0.5), (1.0, 1.0), (7.0, 10.0), (130.0, 200.0)] {
            assert!((round_up(highest) - top).abs() < 1e-9, "{highest}: {}", round_up(highest));
        }
    }

    #[test]
    fn a_short_series_stands_at_the_right_and_says_what_it_shows() {
        let html = drawn(Shape::Bars, &[Some(1.0), Some(2.0)], 4);
        assert!(html.contains("M180.0 60V") && html.contains("M270.0 60V1.0"), "{html}");
        assert!(html.contains("Tokens: 2 at last, 2 at most."), "{html}");
    }

    #[test]
    fn what_is_not_known_is_a_gap() {
        let html = drawn(Shape::Line, &[Some(1.0), None, Some(1.0), Some(2.0)], 4);
        let line = html.split_once("class=\"line\" d=\"").unwrap().1.split_once('"').unwrap().0;
        assert_eq!(line.matches('M').count(), 2, "{line}");
        assert!(drawn(Shape::Line, &[None], 4).contains("nothing is known"));
        let before = drawn(Shape::Line, &[Some(3.0), None], 4);
        assert!(before.contains("not known at last, 3 at most") && before.contains("<strong>–"));
        assert!(!drawn(Shape::Bars, &[Some(f64::NAN)], 1).contains("NaN"));
    }
}
