//! A span of time as people write it.

use std::str::FromStr;

const UNITS: [(char, u64); 4] = [('s', 1), ('m', 60), ('h', 60 * 60), ('d', 24 * 60 * 60)];
/// Longest span: a hundred years.
const LONGEST: u64 = 100 * 365 * 24 * 60 * 60;

/// A number and a unit: `90d`, `24h`, `15m`, `30s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period(u64);

impl Period {
    pub(crate) fn seconds(self) -> u64 {
        self.0
    }
}

impl FromStr for Period {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected a number and a unit: `90d`, `24h`, `15m` or `30s`";
        let read = UNITS
            .into_iter()
            .find_map(|(unit, seconds)| text.strip_suffix(unit).map(|number| (number, seconds)));
        let (number, seconds) = read.ok_or(EXPECTED)?;
        // A sign is not for spans, though numbers may have one.
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(EXPECTED);
        }
        let number: u64 = number.parse().map_err(|_no_number| EXPECTED)?;
        match number.checked_mul(seconds) {
            Some(seconds) if seconds <= LONGEST => Ok(Self(seconds)),
            _ => Err("expected at most a hundred years"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_people_write_them() {
        for (text, seconds) in
            [("0s", 0), ("30s", 30), ("15m", 900), ("24h", 86_400), ("90d", 7_776_000)]
        {
            assert_eq!(text.parse(), Ok(Period(seconds)), "{text}");
        }
        for text in ["", "d", "90", "1w", "-1d", "1.5h", "99999999999999999999d", "36501d", "1dd"] {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
    }
}
