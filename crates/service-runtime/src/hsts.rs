//! `Strict-Transport-Security` (RFC 6797): a browser comes back over TLS only.

use std::num::ParseIntError;
use std::str::FromStr;

use axum::http::HeaderValue;

/// How long a browser comes back over TLS only once it came over TLS, if it is told so at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hsts(Option<HeaderValue>);

impl Hsts {
    /// A year, in seconds, as the value of a setting.
    pub const YEAR: &str = "31536000";

    /// What the header says; none without one.
    pub(crate) fn header(&self) -> Option<&HeaderValue> {
        self.0.as_ref()
    }
}

impl Default for Hsts {
    fn default() -> Self {
        Self(Some(HeaderValue::from_static("max-age=31536000")))
    }
}

/// A text that is no [`Hsts`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected seconds, such as {}, or `off`", Hsts::YEAR)]
pub struct InvalidHsts;

impl From<ParseIntError> for InvalidHsts {
    fn from(_no_number: ParseIntError) -> Self {
        Self
    }
}

impl FromStr for Hsts {
    type Err = InvalidHsts;

    fn from_str(text: &str) -> Result<Self, InvalidHsts> {
        if text == "off" {
            return Ok(Self(None));
        }
        let seconds: u32 = text.parse()?;
        Ok(Self(HeaderValue::from_str(&format!("max-age={seconds}")).ok()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_number_of_seconds_or_off() {
        assert_eq!(Hsts::YEAR.parse(), Ok(Hsts::default()));
        assert_eq!("off".parse(), Ok(Hsts(None)));
        let forget: Hsts = "0".parse().unwrap();
        assert_eq!(forget.header().unwrap(), "max-age=0");
        for text in ["", "on", "-1", "1.5", "1y", "4294967296"] {
            assert_eq!(text.parse::<Hsts>(), Err(InvalidHsts), "{text}");
        }
    }
}
