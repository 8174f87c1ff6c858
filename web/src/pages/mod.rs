//! One file per page: its handler and its view.

mod ask;
mod chat;
mod chats;
mod export;
mod file;
mod form;
mod gallery;
mod keep;
mod live;
mod operate;
mod problem;
mod rate;
mod settings;
mod stop;
mod streamed;
mod turn;
mod view;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state, map_response_with_state};
use axum::routing::{get, post};
use service_runtime::Tasks;

use crate::answer::Answers;
use crate::assets::Assets;
use crate::gateway_client::GatewayClient;
use crate::look;
use crate::operate::Operators;
use crate::paths;
use crate::session;
use crate::settings::{CookieSecure, Gallery};

pub(crate) use form::Room;
pub(crate) use problem::{refused_host, refused_origin};

/// What pages work with.
#[derive(Debug, Clone)]
pub(crate) struct Served {
    pub(crate) gateway: GatewayClient,
    pub(crate) assets: Assets,
    /// Those that somebody reads.
    pub(crate) answers: Answers,
    /// Who has signed in to see how everything is.
    pub(crate) operators: Operators,
    pub(crate) secure: CookieSecure,
    /// For large forms.
    pub(crate) room: Room,
    /// What is seen to when whoever asked has their answer.
    pub(crate) tasks: Tasks,
}

/// The pages.
pub(crate) fn router(served: Served, gallery: Gallery) -> Router {
    let secure = served.secure;
    Router::new()
        .route(paths::HOME, get(chat::home))
        .route(paths::CHAT, post(ask::ask).get(chat::go_home))
        .route(paths::CONVERSATION, get(chat::show))
        .route(paths::LIVE, get(live::follow))
        .route(paths::FILE, get(file::file))
        .route(paths::STOP, post(stop::stop).get(chat::go_back))
        .route(paths::RATE, post(rate::rate).get(chat::go_back))
        .route(paths::RENAME, get(keep::ask_for_name).post(keep::name))
        .route(paths::DELETE, get(keep::ask_to_delete).post(keep::delete))
        .route(paths::EXPORT, get(export::export))
        .route(paths::CHATS, get(chats::list))
        .route(paths::DELETE_ALL, get(keep::ask_to_delete_all).post(keep::delete_all))
        .route(paths::SETTINGS, get(settings::show))
        .route(paths::LOOK, post(settings::pick).get(settings::go_there))
        // With the cookie as well: what stands before several of us knows by it where to.
        .merge(operate::routes())
        .merge(match gallery {
            Gallery::Off => Router::new(),
            Gallery::On => gallery::routes(),
        })
        // Other addresses have no cookie: a browser asks for an icon beside its first page, and
        // would be somebody else there.
        .route_layer(from_fn_with_state(secure, session::recognise))
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::not_found)
        .layer(map_response_with_state(served.clone(), problem::in_words))
        .layer(DefaultBodyLimit::max(form::LARGEST))
        .layer(from_fn(look::keep))
        .with_state(served)
}
