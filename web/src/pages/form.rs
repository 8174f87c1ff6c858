//! What a form sends: read to its end even if it is too large, so that its sender reads the answer.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::{Form, FromRequest as _, Multipart, Request};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use service_runtime::{BodyError, read_body};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::files::Upload;

/// Largest form: more than the gateway can store of one question, and what encoding adds to it.
pub(super) const LARGEST: usize = 16 * 1024 * 1024;
/// Up to here a form is small, and anybody's at any time.
const SMALL: u64 = 64 * 1024;
/// How many large ones are read at once, and how long: whoever sends many, or sends them slowly,
/// would fill our memory.
const LARGE_AT_ONCE: usize = 4;
const READ_WITHIN: Duration = Duration::from_secs(120);
/// Longest wait for room.
const ROOM_WITHIN: Duration = Duration::from_secs(10);

/// The input of a form in which files are chosen.
const FILES: &str = "files";
/// Most parts of a form: there are a dozen fields, and files.
const MOST_PARTS: usize = 200;

/// Room for large forms. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Room(Arc<Semaphore>);

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(LARGE_AT_ONCE)))
    }
}

/// A form with files: its fields in their order, and what was chosen.
#[derive(Debug, Default)]
pub(super) struct Sent {
    pub(super) fields: Vec<(String, String)>,
    pub(super) files: Vec<Upload>,
}

/// The fields of a form, or the status that says why there are none.
pub(super) async fn read<T: DeserializeOwned>(
    room: &Room,
    request: Request,
) -> Result<T, StatusCode> {
    fields_of(whole(room, request).await?).await
}

/// The same of a form that may bring files.
pub(super) async fn read_with_files(room: &Room, request: Request) -> Result<Sent, StatusCode> {
    let request = whole(room, request).await?;
    let kind = request.headers().get(CONTENT_TYPE).map(|kind| kind.as_bytes());
    if kind.is_some_and(|kind| kind.to_ascii_lowercase().starts_with(b"multipart/")) {
        return parts_of(request).await;
    }
    Ok(Sent { fields: fields_of(request).await?, files: Vec::new() })
}

const FULL: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

async fn whole(room: &Room, request: Request) -> Result<Request, StatusCode> {
    let (head, body) = request.into_parts();
    // Without an announced length it may be any.
    let is_small = body.size_hint().exact().is_some_and(|bytes| bytes <= SMALL);
    let _room = match is_small {
        true => None,
        false => Some(timeout(ROOM_WITHIN, room.0.acquire()).await.map_err(|_elapsed| FULL)?),
    };
    let reading = timeout(READ_WITHIN, read_body(body, LARGEST)).await;
    let body = reading.map_err(|_elapsed| StatusCode::REQUEST_TIMEOUT)?;
    let body = body.map_err(|error| match error {
        BodyError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        BodyError::NoRoom => FULL,
        BodyError::Incomplete => StatusCode::BAD_REQUEST,
        BodyError::TooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
    })?;
    Ok(Request::from_parts(head, Body::from(body)))
}

async fn fields_of<T: DeserializeOwned>(request: Request) -> Result<T, StatusCode> {
    let form = Form::from_request(request, &()).await;
    form.map(|Form(fields)| fields).map_err(|rejection| rejection.status())
}

async fn parts_of(request: Request) -> Result<Sent, StatusCode> {
    const UNREADABLE: StatusCode = StatusCode::BAD_REQUEST;
    let mut parts = Multipart::from_request(request, &()).await.map_err(|_rejection| UNREADABLE)?;
    let mut sent = Sent::default();
    for _ in 0..MOST_PARTS {
        let Some(part) = parts.next_field().await.map_err(|error| error.status())? else {
            return Ok(sent);
        };
        let Some(name) = part.name().map(str::to_owned) else { return Err(UNREADABLE) };
        let file = part.file_name().map(str::to_owned);
        let bytes = part.bytes().await.map_err(|error| error.status())?;
        match file {
            Some(file) if name == FILES => sent.files.extend(Upload::of_form(&file, bytes.into())),
            Some(_) => return Err(UNREADABLE),
            None => {
                let value = String::from_utf8(bytes.into()).map_err(|_not_text| UNREADABLE)?;
                sent.fields.push((name, value));
            }
        }
    }
    Err(UNREADABLE)
}
