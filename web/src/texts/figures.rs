//! Numbers and times with their units, and drawings of them in words.

/// What stands where nothing is known.
pub(crate) const UNKNOWN: &str = "–";
/// Between the thousands of a number.
pub(crate) const THOUSANDS: char = ',';
pub(crate) const JUST_NOW: &str = "just now";
pub(crate) const NOW: &str = "now";

/// A time span, with as many digits as say something.
pub(crate) fn seconds(seconds: f64) -> String {
    match seconds.max(0.0) {
        s if s < 0.000_05 => "0 ms".to_owned(),
        s if s < 0.009_95 => format!("{:.1} ms", s * 1000.0),
        s if s < 0.999_5 => format!("{:.0} ms", s * 1000.0),
        s if s < 9.95 => format!("{s:.1} s"),
        s if s < 119.5 => format!("{s:.0} s"),
        s if s < 7_170.0 => format!("{:.0} min", s / 60.0),
        s if s < 171_000.0 => format!("{:.0} h", s / 3_600.0),
        s => format!("{:.0} days", s / 86_400.0),
    }
}

/// How long ago; the span is one of [`seconds`].
pub(crate) fn ago(span: &str) -> String {
    format!("{span} ago")
}

/// So many of so many.
pub(crate) fn of(some: f64, all: f64) -> String {
    format!("{some:.0} of {all:.0}")
}

/// A chart for those who hear it; values have their units.
pub(crate) fn chart(title: &str, last: &str, highest: &str) -> String {
    format!("{title}: {last} at last, {highest} at most.")
}

/// The same where nothing is known of now.
pub(crate) fn chart_not_known_at_last(title: &str, highest: &str) -> String {
    format!("{title}: not known at last, {highest} at most.")
}

/// The same where nothing is known at all.
pub(crate) fn chart_not_known(title: &str) -> String {
    format!("{title}: nothing is known.")
}
