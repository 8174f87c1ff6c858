//! Which requests are let in: where nobody needs a key, pages of other sites must not get in.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use service_runtime::AllowedHosts;

use super::refusal::Refusal;

/// Lets a request in, unless a page of another site may have sent it.
pub(super) async fn guard(
    State(hosts): State<AllowedHosts>,
    request: Request,
    next: Next,
) -> Response {
    match hosts.check_host(&request).and_then(|()| hosts.check_site(&request)) {
        Ok(()) => next.run(request).await,
        Err(foreign) => Refusal::from(foreign).into_response(),
    }
}
