//! `GET /c/{conversation}/file/{response}/{number}`: one file of a question, as a browser may show it.
//!
//! It was made by whoever asked, or by anybody who gave it to them: a browser gets it as an image or
//! as text and as nothing else, and it can load or run nothing.

use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName,
    HeaderValue,
};

use super::{Served, problem};
use crate::error::Words;
use crate::files::{self, ImageType};
use crate::gateway_client::Refused;
use crate::session::Owner;

/// A browser that kept it would show it to whoever sits there next, though the chat was deleted.
const KEPT: HeaderValue = HeaderValue::from_static("no-store");
/// Browsers lay out a page of an image with styles of their own.
const POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox");
const TEXT: &str = "text/plain; charset=utf-8";

/// `GET /c/{conversation}/file/{response}/{number}`
pub(crate) async fn file(
    State(served): State<Served>,
    Extension(owner): Extension<Owner>,
    Path((conversation, response, number)): Path<(String, String, String)>,
) -> Response {
    let named = (conversation.parse(), response.parse(), number.parse::<usize>());
    let (Ok(conversation), Ok(response), Ok(number)) = named else {
        return problem::page(&served.assets, &Words::no_such_file());
    };
    let turn = match served.gateway.on_behalf_of(owner).turn(&conversation, &response).await {
        Ok(turn) => turn,
        Err(Refused::Answered { status: 404, .. }) => {
            return problem::page(&served.assets, &Words::no_such_file());
        }
        Err(refused) => return problem::page(&served.assets, &Words::of_refusal(&refused)),
    };
    let parts = files::parts(turn.asked.items_as_they_are());
    let Some((image, bytes)) = parts.get(number).and_then(|part| files::data_of(part)) else {
        return problem::page(&served.assets, &Words::no_such_file());
    };
    (headers_of(image), bytes).into_response()
}

fn headers_of(image: Option<ImageType>) -> [(HeaderName, HeaderValue); 4] {
    let kind = image.map_or(TEXT, ImageType::media_type);
    // Not the name that it came with: one that ends in `.html` would make a page of it on a disk.
    let saved_as = match image {
        Some(ImageType::Png) => "inline; filename=\"image.png\"",
        Some(ImageType::Jpeg) => "inline; filename=\"image.jpg\"",
        Some(ImageType::Gif) => "inline; filename=\"image.gif\"",
        Some(ImageType::WebP) => "inline; filename=\"image.webp\"",
        None => "inline; filename=\"file.txt\"",
    };
    [
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (CONTENT_DISPOSITION, HeaderValue::from_static(saved_as)),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, KEPT),
    ]
}
