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
        if self.background() { Lane::Background } else { Lane::Live }
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
