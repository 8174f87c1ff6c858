//! Names that the gateway gives, as they stand in addresses and forms of this page.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

/// Longest name that is one.
const LONGEST: usize = 64;

/// It cannot be the name of anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this names nothing")]
pub(crate) struct NoName;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub(crate) struct $name(String);

        impl $name {
            /// As it stands in addresses.
            pub(crate) fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NoName;

            fn from_str(text: &str) -> Result<Self, NoName> {
                let rest = text.strip_prefix($prefix).ok_or(NoName)?;
                let fits = !rest.is_empty() && text.len() <= LONGEST;
                let letters = rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
                if fits && letters { Ok(Self(text.to_owned())) } else { Err(NoName) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

name!(
    /// A conversation.
    ConversationId,
    "conv_"
);
name!(
    /// A response of the gateway: a question and its answer.
    ResponseId,
    "resp_"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_gateway_gives_is_a_name() {
        assert_eq!("conv_0aF9".parse::<ConversationId>().unwrap().as_str(), "conv_0aF9");
        let long = format!("conv_{}", "a".repeat(LONGEST));
        for text in ["", "conv_", "resp_1", "conv_a/../b", "conv_a b", "conv_é", &long] {
            assert_eq!(text.parse::<ConversationId>(), Err(NoName), "{text}");
        }
    }
}
