//! One file per page: its handler and its view.

mod ask;
mod chat;
mod form;
mod operate;
mod problem;
mod stop;
mod streamed;
mod view;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use service_runtime::Shutdown;

use crate::answer::Running;
use crate::assets::Assets;
use crate::gateway_client::GatewayClient;
use crate::operate::Operators;
use crate::paths;
use crate::session;
use crate::settings::CookieSecure;

pub(crate) use problem::{refused_host, refused_origin};

/// What pages work with.
#[derive(Debug, Clone)]
pub(crate) struct Served {
    pub(crate) gateway: GatewayClient,
    pub(crate) assets: Assets,
    pub(crate) running: Running,
    /// Who has signed in to see how everything is.
    pub(crate) operators: Operators,
    pub(crate) secure: CookieSecure,
    /// Requested when answers have to end because the process does.
    pub(crate) closing: Shutdown,
}

/// The pages.
pub(crate) fn router(served: Served) -> Router {
    let secure = served.secure;
    Router::new()
        .route(paths::HOME, get(chat::show))
        .route(paths::CHAT, post(ask::ask).get(chat::go_home))
        .route(paths::STOP, post(stop::stop).get(chat::go_home))
        // With the cookie as well: what stands before several of us knows by it where to.
        .merge(operate::routes())
        // Other addresses have no cookie: a browser asks for an icon beside its first page, and
        // would be somebody else there.
        .route_layer(from_fn_with_state(secure, session::recognise))
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::not_found)
        .layer(DefaultBodyLimit::max(form::LARGEST))
        .with_state(served)
}
