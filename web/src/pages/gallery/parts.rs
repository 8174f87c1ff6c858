//! The first page: the way to the others, and pieces that need no page around them.

use http::StatusCode;
use maud::{Markup, html};

use super::samples;
use super::scenes::{Stage, index};
use crate::components;
use crate::error::Words;
use crate::gateway_client::{KeyTrouble, Refused};
use crate::layout::{self, Shell};

pub(super) fn page(stage: &Stage<'_>) -> Markup {
    let content = html! {
        h1 { "Gallery" }
        p { "Every piece of the pages in every state, made by the functions that make the real ones. Everything in it is made up; forms and links lead to real pages." }
        h2 { "Pages" }
        (index())
        h2 { "What an answer took" }
        (components::receipt(&samples::receipt()))
        (components::receipt(&samples::short_receipt()))
        (components::key_to_stages())
        h2 { "What went wrong" }
        @for words in everything_that_goes_wrong() {
            div.alert { (components::alert(&words)) }
        }
    };
    let skips = layout::TO_THE_CONTENT;
    let shell = Shell { assets: stage.assets, look: stage.look, title: "Gallery", skips };
    layout::page(&shell, &content)
}

/// Every refusal that has words of its own.
fn everything_that_goes_wrong() -> Vec<Words> {
    let answered = |(status, code): (u16, &str)| {
        Words::of_refusal(&Refused::Answered {
            status,
            code: (!code.is_empty()).then(|| code.to_owned()),
            message: Some("the model says why, in words of its own".to_owned()),
            retry_after: Some(std::time::Duration::from_secs(42)),
        })
    };
    let codes = [
        (400, "context_length_exceeded"),
        (400, "conversation_too_large"),
        (400, "invalid_value"),
        (403, "foreign_host"),
        (404, "conversation_not_found"),
        (404, "model_not_found"),
        (409, "conversation_locked"),
        (409, "idempotency_key_reused"),
        (413, ""),
        (429, "rate_limit_exceeded"),
        (500, "upstream_malformed"),
        (502, "upstream_auth"),
        (503, "upstream_unavailable"),
        (503, "queue_unavailable"),
        (503, "server_is_overloaded"),
        (504, "no_answer"),
    ];
    let troubles = [
        KeyTrouble::Missing,
        KeyTrouble::Unknown,
        KeyTrouble::Revoked,
        KeyTrouble::Expired,
        KeyTrouble::NotOnBehalfOf,
        KeyTrouble::NotAllowed,
    ];
    let refusals = [Refused::Unreachable, Refused::Unreadable, Refused::Silent, Refused::Nothing];
    let refusals = refusals.into_iter().chain(troubles.map(Refused::Key));
    let others = [Words::no_such_chat(), Words::of_form(StatusCode::BAD_REQUEST)];
    refusals
        .map(|refused| Words::of_refusal(&refused))
        .chain(codes.map(answered))
        .chain(others)
        .collect()
}
