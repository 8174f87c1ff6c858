//! A form that does something to one answer of a conversation: which is meant, and what its sender
//! sees then.

use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;

use super::{Served, problem};
use crate::error::Words;
use crate::gateway_client::Refused;
use crate::ids::{ConversationId, ResponseId};
use crate::paths;

/// The conversation of its address and the answer of its field, or why there are none.
pub(super) fn meant(
    conversation: &str,
    answer: &str,
) -> Result<(ConversationId, ResponseId), Words> {
    let conversation = conversation.parse().map_err(|_invalid| Words::no_such_chat())?;
    let answer = answer.parse().map_err(|_invalid| Words::of_form(StatusCode::BAD_REQUEST))?;
    Ok((conversation, answer))
}

/// The page of that answer once it is done, or why it was not.
pub(super) fn done(
    served: &Served,
    (conversation, answer): &(ConversationId, ResponseId),
    done: Result<(), Refused>,
) -> Response {
    match done.map_err(|refused| Words::of_refusal(&refused)) {
        Ok(()) => Redirect::to(&paths::turn(conversation, answer)).into_response(),
        Err(words) if words.status == StatusCode::NOT_FOUND => {
            problem::page(&served.assets, &Words::no_such_chat())
        }
        Err(words) => problem::page(&served.assets, &words),
    }
}
