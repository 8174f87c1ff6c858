//! Numbers and times as people read them, with their units.

use maud::{Markup, html};
use time::OffsetDateTime;

use crate::texts::figures::{self, JUST_NOW, THOUSANDS, UNKNOWN};

pub(crate) use crate::texts::figures::seconds;

/// How many, with a mark at thousands.
pub(crate) fn count(count: f64) -> String {
    let digits = format!("{:.0}", count.max(0.0));
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(THOUSANDS);
        }
        out.push(digit);
    }
    out
}

/// How many a second.
pub(crate) fn rate(rate: f64) -> String {
    if rate <= 0.0 || rate >= 9.95 { count(rate) } else { format!("{rate:.1}") }
}

/// What is known, or that it is not.
pub(crate) fn optional(value: Option<f64>, shown: impl Fn(f64) -> String) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), shown)
}

/// How long ago.
pub(crate) fn ago(seconds_ago: f64) -> String {
    if seconds_ago < 1.0 { JUST_NOW.to_owned() } else { figures::ago(&seconds(seconds_ago)) }
}

/// How long ago, with the exact time behind it.
pub(crate) fn when(at: Option<f64>, now: f64) -> Markup {
    let at = at.and_then(|at| Some((at, moment(at)?)));
    html! {
        @match at {
            Some((at, moment)) => {
                time datetime=(machine(moment)) title=(person(moment)) { (ago(now - at)) }
            }
            None => (UNKNOWN),
        }
    }
}

/// The time of a day, with the exact one behind it.
pub(crate) fn clock(at: f64) -> Markup {
    html! {
        @match moment(at) {
            Some(moment) => {
                time datetime=(machine(moment)) title=(person(moment)) { (of_day(moment)) }
            }
            None => (UNKNOWN),
        }
    }
}

fn moment(at: f64) -> Option<OffsetDateTime> {
    // Seconds since 1970 fit, for some time to come; what does not is cut, and then refused.
    let seconds = at as i64;
    (seconds > 0).then(|| OffsetDateTime::from_unix_timestamp(seconds).ok()).flatten()
}

fn machine(moment: OffsetDateTime) -> String {
    format!("{}T{}Z", moment.date(), of_day(moment))
}

fn person(moment: OffsetDateTime) -> String {
    format!("{} {} UTC", moment.date(), of_day(moment))
}

fn of_day(moment: OffsetDateTime) -> String {
    let (hour, minute, second) = moment.to_hms();
    format!("{hour:02}:{minute:02}:{second:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_their_unit() {
        for (given, expected) in [
            (-1.0, "0 ms"),
            (0.001_2, "1.2 ms"),
            (0.034, "34 ms"),
            (0.999_9, "1.0 s"),
            (1.24, "1.2 s"),
            (34.4, "34 s"),
            (119.9, "2 min"),
            (9_000.0, "2 h"),
            (400_000.0, "5 days"),
        ] {
            assert_eq!(seconds(given), expected, "{given}");
        }
    }

    #[test]
    fn many_are_read_in_threes() {
        for (given, expected) in
            [(0.0, "0"), (999.0, "999"), (1_000.0, "1,000"), (1_234_567.0, "1,234,567")]
        {
            assert_eq!(count(given), expected);
        }
        assert_eq!((rate(4.25), rate(48.2), rate(0.0)), ("4.2".into(), "48".into(), "0".into()));
        assert_eq!(optional(None, count), UNKNOWN);
    }

    #[test]
    fn a_time_is_told_twice() {
        let told = when(Some(1_700_000_000.4), 1_700_000_012.6).into_string();
        assert_eq!(
            told,
            "<time datetime=\"2023-11-14T22:13:20Z\" title=\"2023-11-14 22:13:20 UTC\">12 s ago</time>"
        );
        for at in [None, Some(-1.0), Some(f64::MAX), Some(f64::NAN)] {
            assert_eq!(when(at, 0.0).into_string(), UNKNOWN, "{at:?}");
        }
    }
}
