//! Names: checked once, trusted everywhere after.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that cannot be a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a {what} has 1 to {limit} bytes and no control characters")]
pub struct InvalidName {
    what: &'static str,
    limit: usize,
}

macro_rules! name {
    ($(#[$docs:meta])* $name:ident, $what:literal, $limit:literal) => {
        $(#[$docs])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::try_from(text.to_owned())
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                let fits = (1..=$limit).contains(&text.len());
                if fits && !text.chars().any(char::is_control) {
                    Ok(Self(text))
                } else {
                    Err(InvalidName { what: $what, limit: $limit })
                }
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}

name! {
    /// The public name of a model: what a caller writes. 1 to 256 bytes.
    ModelName, "model name", 256
}
name! {
    /// The models that share consumers. 1 to 64 bytes.
    QueueName, "queue name", 64
}
name! {
    /// Who pays. 1 to 64 bytes.
    TenantName, "tenant name", 64
}
name! {
    /// Whose objects they are, within a tenant. 1 to 128 bytes.
    OwnerName, "owner name", 128
}

name! {
    /// What people call a key. 1 to 128 bytes.
    KeyName, "name of a key", 128
}

impl QueueName {
    /// The queue of models that name none.
    pub fn default_queue() -> Self {
        Self("default".to_owned())
    }
}

impl TenantName {
    /// The only tenant while nobody needs a key.
    pub fn local() -> Self {
        Self("local".to_owned())
    }
}

impl OwnerName {
    /// The only owner while nobody needs a key.
    pub fn local() -> Self {
        Self("local".to_owned())
    }
}

/// How urgent a job is, and so where it is queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// A person waits, and the answer is not stored.
    Chat,
    /// A person waits, and the answer is stored.
    Live,
    /// Nobody need wait: the answer is stored, and fetched later.
    Background,
}

impl Lane {
    /// The subject token.
    pub fn token(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Live => "live",
            Self::Background => "background",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_neither_empty_nor_long_nor_full_of_controls() {
        assert!("org/model:7b".parse::<ModelName>().is_ok());
        for text in ["", "a\nb", "\u{0}", &"m".repeat(257)] {
            assert!(text.parse::<ModelName>().is_err());
        }
    }
}
