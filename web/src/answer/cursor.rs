//! How far a viewer is in what is shown of an answer.

use std::fmt;
use std::str::FromStr;

/// What a viewer has. What is sealed depends on what was said alone, and not on when: a cursor of
/// one process fits what another one makes of the same answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// How often the answer has begun anew.
    pub(crate) take: u32,
    /// Pieces of sealed HTML.
    pub(crate) pieces: usize,
    /// Bytes of thoughts.
    pub(crate) thoughts: usize,
}

/// It is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.take, self.pieces, self.thoughts)
    }
}

impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let mut parts = text.split('.');
        let mut part = || parts.next().ok_or(NoCursor);
        let take = part()?.parse().map_err(|_number| NoCursor)?;
        let pieces = part()?.parse().map_err(|_number| NoCursor)?;
        let thoughts = part()?.parse().map_err(|_number| NoCursor)?;
        if parts.next().is_some() { Err(NoCursor) } else { Ok(Self { take, pieces, thoughts }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_is_written() {
        let cursor = Cursor { take: 1, pieces: 20, thoughts: 300 };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for text in ["", "1", "1.2", "1.2.3.4", "-1.2.3", "a.b.c", "1.2.99999999999999999999999"] {
            assert_eq!(text.parse::<Cursor>(), Err(NoCursor), "{text}");
        }
    }
}
