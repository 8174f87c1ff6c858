//! What is asked of stored work, in the words of each API.

use bytes::Bytes;
use contract::Lane;
use contract::log::{Accepted, Api};
use openai_api::InvalidRequest;
use openai_api::responses::CreateResponse;

use crate::idempotency::Repeatable;

/// A request that was read.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) asked: Asked,
    pub(crate) body: Bytes,
    /// Set when it came with an idempotency key.
    pub(crate) repeatable: Option<Repeatable>,
}

/// What it asks for.
#[derive(Debug)]
pub(crate) enum Asked {
    Response(Box<CreateResponse>),
    ChatCompletion { model: String, stream: bool },
}

impl Asked {
    pub(super) fn api(&self) -> Api {
        match self {
            Self::Response(_) => Api::Responses,
            Self::ChatCompletion { .. } => Api::ChatCompletions,
        }
    }

    pub(super) fn model(&self) -> &str {
        match self {
            Self::Response(asked) => asked.model(),
            Self::ChatCompletion { model, .. } => model,
        }
    }

    pub(super) fn lane(&self) -> Lane {
        match self {
            Self::Response(asked) => lane_of(asked),
            Self::ChatCompletion { .. } => Lane::Live,
        }
    }

    /// Whether its answer is fetched later.
    pub(super) fn background(&self) -> bool {
        match self {
            Self::Response(asked) => asked.background(),
            Self::ChatCompletion { .. } => false,
        }
    }

    pub(super) fn stream(&self) -> bool {
        match self {
            Self::Response(asked) => asked.stream(),
            Self::ChatCompletion { stream, .. } => *stream,
        }
    }

    /// Whether others may read it.
    pub(super) fn store(&self) -> bool {
        match self {
            Self::Response(asked) => asked.store(),
            Self::ChatCompletion { .. } => false,
        }
    }

    /// The conversation that it is to be a turn of.
    pub(super) fn conversation(&self) -> Option<&str> {
        match self {
            Self::Response(asked) => asked.conversation(),
            Self::ChatCompletion { .. } => None,
        }
    }

    /// What the model is asked behind these items.
    pub(super) fn chat_body(&self, context: &str, body: &Bytes) -> Result<Bytes, InvalidRequest> {
        match self {
            Self::Response(asked) => asked.chat_body(context).map(Bytes::from),
            Self::ChatCompletion { .. } => Ok(body.clone()),
        }
    }
}

/// Where a response is queued. `flex` waits behind everybody who waits, `priority` in the
/// background waits with them; otherwise those wait apart whose answers are fetched later.
pub(crate) fn lane_of(asked: &CreateResponse) -> Lane {
    match (asked.service_tier(), asked.background()) {
        (Some("flex"), _) => Lane::Background,
        (Some("priority"), _) | (_, false) => Lane::Live,
        (_, true) => Lane::Background,
    }
}

/// Whether the answer to what was accepted is fetched later.
pub(super) fn is_background(accepted: &Accepted<'_>) -> bool {
    accepted.api == Api::Responses
        && CreateResponse::parse(accepted.request.get().as_bytes())
            .is_ok_and(|asked| asked.background())
}

/// What the model is asked, made from what was accepted as its gateway made it.
pub(super) fn asks_model(accepted: &Accepted<'_>) -> Option<Bytes> {
    let body = Bytes::copy_from_slice(accepted.request.get().as_bytes());
    match accepted.api {
        Api::Responses => {
            let request = CreateResponse::parse(&body).ok()?;
            request.chat_body(accepted.context.get()).ok().map(Bytes::from)
        }
        Api::ChatCompletions => Some(body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tier_says_where_a_response_waits_and_not_whether_somebody_waits_for_it() {
        for (tier, background, lane) in [
            ("auto", false, Lane::Live),
            ("default", false, Lane::Live),
            ("priority", false, Lane::Live),
            ("flex", false, Lane::Background),
            ("auto", true, Lane::Background),
            ("default", true, Lane::Background),
            ("priority", true, Lane::Live),
            ("flex", true, Lane::Background),
        ] {
            let body = format!(
                r#"{{"model":"m","input":"x","service_tier":"{tier}","background":{background}}}"#
            );
            let asked = CreateResponse::parse(body.as_bytes()).unwrap();
            assert_eq!((lane_of(&asked), asked.background()), (lane, background), "{tier}");
        }
    }
}
