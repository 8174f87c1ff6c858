//! What a key may be used for, and how much.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use crate::{Lane, ModelName};

/// What may be asked of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Endpoint {
    /// `/v1/chat/completions`.
    #[serde(rename = "chat.completions")]
    ChatCompletions,
    /// `/v1/embeddings`.
    #[serde(rename = "embeddings")]
    Embeddings,
    /// `/v1/responses` and all below it.
    #[serde(rename = "responses")]
    Responses,
    /// `/v1/conversations` and all below it.
    #[serde(rename = "conversations")]
    Conversations,
    /// `/v1/models`.
    #[serde(rename = "models")]
    Models,
}

/// A text that names no endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is none of chat.completions, embeddings, responses, conversations and models")]
pub struct InvalidEndpoint(String);

impl Endpoint {
    /// Every one.
    pub const ALL: [Self; 5] = [
        Self::ChatCompletions,
        Self::Embeddings,
        Self::Responses,
        Self::Conversations,
        Self::Models,
    ];

    /// How it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ChatCompletions => "chat.completions",
            Self::Embeddings => "embeddings",
            Self::Responses => "responses",
            Self::Conversations => "conversations",
            Self::Models => "models",
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, InvalidEndpoint> {
        let known = Self::ALL.into_iter().find(|endpoint| endpoint.as_str() == text);
        known.ok_or_else(|| InvalidEndpoint(text.to_owned()))
    }
}

/// What a key may be used for. What is not named is not limited, but for the two rights at the end,
/// which nobody has who was not given them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scopes {
    /// These models alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<ModelName>>,
    /// These endpoints alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<Vec<Endpoint>>,
    /// These lanes alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lanes: Option<Vec<Lane>>,
    /// Keys may be managed with it.
    #[serde(default)]
    pub operator: bool,
    /// Its holder may say for whom it calls, within its tenant.
    #[serde(default)]
    pub on_behalf_of: bool,
}

impl Scopes {
    /// Everything.
    pub fn everything() -> Self {
        Self { operator: true, on_behalf_of: true, ..Self::default() }
    }

    /// Whether a model may be asked.
    pub fn has_model(&self, model: &str) -> bool {
        self.models.as_ref().is_none_or(|models| models.iter().any(|one| one.as_str() == model))
    }

    /// Whether an endpoint may be called.
    pub fn has_endpoint(&self, endpoint: Endpoint) -> bool {
        self.endpoints.as_ref().is_none_or(|endpoints| endpoints.contains(&endpoint))
    }

    /// Whether jobs may be queued in a lane.
    pub fn has_lane(&self, lane: Lane) -> bool {
        self.lanes.as_ref().is_none_or(|lanes| lanes.contains(&lane))
    }
}

/// How much a key may be used, on each gateway. What is not named is not limited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Requests in a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<NonZeroU32>,
    /// Requests that are answered at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrent_requests: Option<NonZeroU32>,
}

/// Limits as they may have been stored: a zero, which let one through at a time, is a one. Refusing
/// it would make the whole key unreadable.
pub(super) fn stored_limits<'de, D: Deserializer<'de>>(read: D) -> Result<Limits, D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Stored {
        #[serde(default)]
        requests_per_minute: Option<u32>,
        #[serde(default)]
        concurrent_requests: Option<u32>,
    }
    let at_least_one = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    let Stored { requests_per_minute, concurrent_requests } = Stored::deserialize(read)?;
    Ok(Limits {
        requests_per_minute: requests_per_minute.map(at_least_one),
        concurrent_requests: concurrent_requests.map(at_least_one),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_is_not_limited_but_rights_are_given() {
        let none = Scopes::default();
        assert!(none.has_model("m") && none.has_lane(Lane::Background));
        assert!(Endpoint::ALL.into_iter().all(|endpoint| none.has_endpoint(endpoint)));
        assert!(!none.operator && !none.on_behalf_of);

        let some = Scopes {
            models: Some(vec!["m".parse().unwrap()]),
            endpoints: Some(vec![Endpoint::Models]),
            lanes: Some(vec![]),
            ..none
        };
        assert!(some.has_model("m") && !some.has_model("n"));
        assert!(some.has_endpoint(Endpoint::Models) && !some.has_endpoint(Endpoint::Responses));
        assert!(!some.has_lane(Lane::Chat));
        let read: Scopes = serde_json::from_str(&serde_json::to_string(&some).unwrap()).unwrap();
        assert_eq!(read, some);
    }

    #[test]
    fn a_scope_that_is_not_understood_is_refused_and_not_passed_over() {
        assert!(serde_json::from_str::<Scopes>(r#"{"model": ["m"]}"#).is_err());
        assert!(serde_json::from_str::<Scopes>(r#"{"lanes": ["express"]}"#).is_err());
        assert!("chat".parse::<Endpoint>().is_err());
        for endpoint in Endpoint::ALL {
            assert_eq!(endpoint.as_str().parse(), Ok(endpoint));
            assert_eq!(serde_json::to_string(&endpoint).unwrap(), format!("\"{endpoint}\""));
        }
    }
}
