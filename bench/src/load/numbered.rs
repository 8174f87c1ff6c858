//! The events of a response: each has a number, and none is left out or comes again.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::api::{self, Piece};

/// Reads the events of one response in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Numbered {
    /// The number that the next event must have.
    next: u64,
}

#[derive(Deserialize)]
struct Event<'event> {
    #[serde(borrow, default, rename = "type")]
    kind: Cow<'event, str>,
    sequence_number: Option<u64>,
    #[serde(borrow)]
    delta: Option<Cow<'event, str>>,
    error: Option<IgnoredAny>,
}

impl Numbered {
    /// A reader of what stands behind that number; of everything when there is none.
    pub(super) fn behind(number: Option<u64>) -> Self {
        Self { next: number.map_or(0, |number| number + 1) }
    }

    /// How many events there are up to where it has read.
    pub(super) fn count(self) -> u64 {
        self.next
    }

    pub(super) fn read(&mut self, event: &[u8]) -> Result<Piece, String> {
        let Event { kind, sequence_number, delta, error } = api::read(event)?;
        let broken = ["error", "response.failed", "response.incomplete"].contains(&&*kind);
        if broken || error.is_some() {
            return Err(String::from_utf8_lossy(event).into_owned());
        }
        if sequence_number != Some(self.next) {
            let found = sequence_number.map_or("none".to_owned(), |number| number.to_string());
            return Err(format!("the number of `{kind}` is {found} and not {}", self.next));
        }
        self.next += 1;
        Ok(match (&*kind, delta) {
            ("response.output_text.delta", Some(words)) => Piece::Words(words.into_owned()),
            ("response.completed", _) => Piece::End,
            _ => Piece::Other,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delta(number: u64) -> Vec<u8> {
        format!(
            "{{\"type\":\"response.output_text.delta\",\"delta\":\"t1 \",\"sequence_number\":{number}}}"
        )
        .into_bytes()
    }

    #[test]
    fn events_follow_each_other_without_a_gap_from_where_reading_begins() {
        let mut behind = Numbered::behind(Some(6));

        assert_eq!(behind.read(&delta(7)), Ok(Piece::Words("t1 ".to_owned())));
        let end = br#"{"type":"response.completed","response":{},"sequence_number":8}"#;
        assert_eq!(behind.read(end), Ok(Piece::End));
        assert_eq!(behind.count(), 9);
    }

    #[test]
    fn one_that_is_left_out_comes_again_or_has_no_number_is_found() {
        for number in [0, 2] {
            let mut from_the_start = Numbered::behind(None);
            from_the_start.read(&delta(0)).unwrap();
            assert!(from_the_start.read(&delta(number)).unwrap_err().contains("and not 1"));
        }
        let nameless = br#"{"type":"response.output_text.delta","delta":"t0 "}"#;
        assert!(Numbered::behind(None).read(nameless).unwrap_err().contains("is none"));
    }

    #[test]
    fn a_failure_is_told_whether_or_not_it_has_a_number() {
        for event in [
            &br#"{"error":{"message":"no more"}}"#[..],
            br#"{"type":"error","code":"response_cancelled","sequence_number":0}"#,
            br#"{"type":"response.failed","response":{},"sequence_number":0}"#,
        ] {
            assert!(Numbered::behind(None).read(event).is_err());
        }
    }
}
