//! Ids: made here and nowhere else. Version 7 UUIDs sort by the time they were made.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A text that is no id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a valid id")]
pub struct InvalidId(pub String);

macro_rules! id {
    ($(#[$docs:meta])* $name:ident) => {
        $(#[$docs])*
        ///
        /// Written as 32 lower-case hexadecimal digits: safe as a subject token.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// A new id.
            #[expect(clippy::disallowed_methods, reason = "this is where ids are made")]
            pub fn fresh() -> Self {
                Self(Uuid::now_v7())
            }

            /// The 16 bytes of the packed form.
            pub fn to_bytes(self) -> [u8; 16] {
                self.0.into_bytes()
            }

            /// Reads the packed form.
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.simple().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let wrong = || InvalidId(text.to_owned());
                let digits = text.len() == 32
                    && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
                if !digits {
                    return Err(wrong());
                }
                Uuid::try_parse(text).map(Self).map_err(|_| wrong())
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

id! {
    /// Names one job from its acceptance to its last event.
    JobId
}
id! {
    /// Names one conversation.
    ConversationId
}
id! {
    /// Names one request to a gateway, for its caller and in logs.
    RequestId
}
id! {
    /// Names one gateway process, anew at each start.
    GatewayId
}
id! {
    /// Names one worker process, anew at each start.
    WorkerId
}

impl JobId {
    /// The id a caller of chat completions sees: `chatcmpl-…`.
    pub fn as_chat_completion(self) -> String {
        format!("chatcmpl-{self}")
    }

    /// The id a caller of responses sees: `resp_…`.
    pub fn as_response(self) -> String {
        format!("resp_{self}")
    }

    /// Reads the id of a response.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn of_response(text: &str) -> Result<Self, InvalidId> {
        let wrong = || InvalidId(text.to_owned());
        text.strip_prefix("resp_").ok_or_else(wrong)?.parse().map_err(|_| wrong())
    }
}

impl ConversationId {
    /// The id a caller sees: `conv_…`.
    pub fn as_conversation(self) -> String {
        format!("conv_{self}")
    }

    /// Reads the id of a conversation.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn of_conversation(text: &str) -> Result<Self, InvalidId> {
        let wrong = || InvalidId(text.to_owned());
        text.strip_prefix("conv_").ok_or_else(wrong)?.parse().map_err(|_| wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_from_each_of_its_forms() {
        let id = JobId::fresh();

        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(JobId::from_bytes(id.to_bytes()), id);
        assert_eq!(
            serde_json::from_str::<JobId>(&serde_json::to_string(&id).unwrap()).unwrap(),
            id
        );
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "x", "0190D6", "{0190d6a0-0000-7000-8000-000000000000}", "a.b", ">"] {
            assert!(text.parse::<JobId>().is_err(), "{text}");
        }
    }
}
