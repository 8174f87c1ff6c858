//! Which requests are let in: where nobody needs a key, pages of other sites must not get in.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use service_runtime::AllowedHosts;

use super::cors::CorsOrigins;
use super::refusal::Refusal;

/// Who is let in.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    /// Under which names the API answers, and which pages are ours.
    pub(crate) hosts: AllowedHosts,
    /// Pages of other sites that may call all the same.
    pub(crate) cors: Option<CorsOrigins>,
}

/// Lets a request in, unless a page of another site may have sent it that may not.
pub(super) async fn guard(State(door): State<Door>, request: Request, next: Next) -> Response {
    let is_expected = door.cors.as_ref().is_some_and(|cors| cors.have_sent(request.headers()));
    let checked = door
        .hosts
        .check_host(&request)
        .and_then(|()| if is_expected { Ok(()) } else { door.hosts.check_site(&request) });
    match checked {
        Ok(()) => next.run(request).await,
        Err(foreign) => Refusal::from(foreign).into_response(),
    }
}
