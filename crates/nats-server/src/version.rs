//! Versions of nats-server.

use std::fmt;

/// A released version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 2 of 2.15.1.
    pub major: u32,
    /// 15 of 2.15.1.
    pub minor: u32,
    /// 1 of 2.15.1.
    pub patch: u32,
}

/// The oldest version that has what Chappe declares.
pub const MINIMUM: Version = Version { major: 2, minor: 14, patch: 0 };

impl Version {
    /// Reads the output of `nats-server --version`: `nats-server: v2.15.1`.
    pub fn of_output(output: &str) -> Option<Self> {
        let number = output.trim().strip_prefix("nats-server: v")?;
        // A pre-release such as `2.15.0-RC.1` counts as its release.
        let number = number.split(['-', '+', ' ', '\n']).next()?;
        let mut parts = number.split('.').map(|part| part.parse().ok());
        let version = Self { major: parts.next()??, minor: parts.next()??, patch: parts.next()?? };
        parts.next().is_none().then_some(version)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_prints_is_understood() {
        for (output, version) in [
            ("nats-server: v2.15.1\n", Some("2.15.1")),
            ("nats-server: v2.9.10", Some("2.9.10")),
            ("nats-server: v2.15.0-RC.1", Some("2.15.0")),
            ("nats-server: v2.15", None),
            ("gnatsd: v1.0.0", None),
            ("", None),
        ] {
            let read = Version::of_output(output).map(|version| version.to_string());
            assert_eq!(read.as_deref(), version, "{output}");
        }
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        let old = Version::of_output("nats-server: v2.9.10").unwrap();
        assert!(old < MINIMUM);
    }
}
