//! The error body of the OpenAI API: all four members always present.

use serde::{Deserialize, Serialize};

/// What a caller reads when something went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// The only member.
    pub error: ErrorDetail,
}

/// The error itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// For a person to read.
    pub message: String,
    /// The class of error, such as `invalid_request_error`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The member of the request that is at fault, such as `messages[3].content`.
    #[serde(default)]
    pub param: Option<String>,
    /// For a program to compare, such as `model_not_found`.
    #[serde(default)]
    pub code: Option<String>,
}

/// The classes of error that we make ourselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request is at fault: 4xx.
    InvalidRequest,
    /// The caller sends too much: 429.
    RateLimit,
    /// We or the model are at fault: 5xx.
    Server,
    /// Nobody can take the request now: 503.
    ServiceUnavailable,
}

impl ErrorKind {
    /// The text on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request_error",
            Self::RateLimit => "rate_limit_error",
            Self::Server => "server_error",
            Self::ServiceUnavailable => "service_unavailable_error",
        }
    }
}

impl ErrorBody {
    /// An error without `param`.
    pub fn new(kind: ErrorKind, code: &str, message: impl Into<String>) -> Self {
        Self {
            error: ErrorDetail {
                message: message.into(),
                kind: kind.as_str().to_owned(),
                param: None,
                code: Some(code.to_owned()),
            },
        }
    }

    /// The same error, about one member of the request.
    #[must_use]
    pub fn about(mut self, param: impl Into<String>) -> Self {
        self.error.param = Some(param.into());
        self
    }

    /// The JSON text.
    pub fn to_json(&self) -> Vec<u8> {
        // Strings and nothing else: this cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_four_members_are_present_even_when_they_say_nothing() {
        let error = ErrorBody::new(ErrorKind::Server, "internal_error", "something broke");

        let json: serde_json::Value = serde_json::from_slice(&error.to_json()).unwrap();

        assert_eq!(
            json["error"],
            serde_json::json!({
                "message": "something broke",
                "type": "server_error",
                "param": null,
                "code": "internal_error",
            })
        );
    }
}
