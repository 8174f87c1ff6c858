//! `/operate`: how everything is, for whoever runs it. Where the gateway asks for a key, the visitor
//! brings one, and it is used for nothing else.

mod act;
mod history;
mod letters;
mod machines;
mod queues;
mod show;
mod sign_in;
mod slow;
mod tables;

use axum::Router;
use axum::routing::{get, post};
use http::HeaderMap;

use super::Served;
use super::chat::go_home;
use crate::cookie::Way;
use crate::gateway_client::{AsOperator, Refused};
use crate::operate::Ticket;
use crate::paths;

/// The pages for operators.
pub(super) fn routes() -> Router<Served> {
    Router::new()
        .route(paths::OPERATE, get(show::show))
        .route(paths::SIGN_IN, post(sign_in::sign_in).get(sign_in::go_on))
        .route(paths::SIGN_OUT, post(sign_in::sign_out).get(go_home))
        .route(paths::DEAD_LETTERS, get(letters::list))
        .route(paths::DEAD_LETTER, get(act::ask).post(act::carry_out))
}

/// Somebody who looks at these pages.
struct Visit {
    gateway: AsOperator,
    ticket: Option<Ticket>,
    /// Whether a key of theirs is kept here.
    signed_in: bool,
}

impl Visit {
    fn of(served: &Served, headers: &HeaderMap, way: Way) -> Self {
        let ticket = Ticket::of(headers, way);
        let key = ticket.as_ref().and_then(|ticket| served.operators.key(ticket));
        let signed_in = key.is_some();
        Self { gateway: served.gateway.as_operator(key), ticket, signed_in }
    }

    /// A key that the gateway refuses is not kept any longer.
    fn refused(&self, served: &Served, refused: &Refused) {
        if let (Refused::Key(_), Some(ticket)) = (refused, &self.ticket) {
            served.operators.leave(ticket);
        }
    }
}
