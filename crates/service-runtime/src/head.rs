//! What hyper takes as the head of a request, and we do not.

use axum::body::Body;
use axum::http::header::{CONNECTION, HOST, HeaderValue, ORIGIN, TRANSFER_ENCODING};
use hyper::{Request, Response, StatusCode};

/// Checks a head that hyper has read.
///
/// # Errors
///
/// With the status of the refusal.
pub(crate) fn check<B>(request: &Request<B>, header_bytes: usize) -> Result<(), StatusCode> {
    // hyper's own limit is rounded up to what it happens to have read.
    if bytes(request) > header_bytes {
        return Err(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    }
    // Of two, a proxy may believe the one and we the other (RFC 9112, 3.2).
    if [HOST, ORIGIN].iter().any(|name| request.headers().get_all(name).iter().nth(1).is_some()) {
        return Err(StatusCode::BAD_REQUEST);
    }
    // hyper looks at the last coding only. A proxy that looks at another one would see the body
    // end elsewhere, and what stands behind it would be somebody else's request.
    let codings: Vec<_> = request.headers().get_all(TRANSFER_ENCODING).iter().collect();
    match codings.as_slice() {
        [] => Ok(()),
        [coding] if coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked") => Ok(()),
        _ => Err(StatusCode::BAD_REQUEST),
    }
}

/// As hyper has it: no body, and the end of the connection.
pub(crate) fn refused(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// The length of a head as it is written without needless spaces.
fn bytes<B>(request: &Request<B>) -> usize {
    const FIRST_LINE: usize = "  HTTP/1.1\r\n\r\n".len();
    const EACH: usize = ": \r\n".len();
    let uri = request.uri();
    // Of an address with a host the length differs by a few bytes; no browser sends such.
    let target = uri.path_and_query().map_or(1, |target| target.as_str().len());
    let headers = request.headers().iter();
    let headers = headers.map(|(name, value)| name.as_str().len() + value.len() + EACH);
    request.method().as_str().len() + target + FIRST_LINE + headers.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_and_an_origin_are_named_once() {
        for name in [HOST, ORIGIN] {
            let mut request = Request::new(());
            request.headers_mut().append(&name, HeaderValue::from_static("localhost"));
            assert_eq!(check(&request, 1024), Ok(()));
            request.headers_mut().append(&name, HeaderValue::from_static("localhost"));
            assert_eq!(check(&request, 1024), Err(StatusCode::BAD_REQUEST));
        }
    }

    #[test]
    fn a_body_is_chunked_and_nothing_else() {
        for (codings, sound) in [
            (&[][..], true),
            (&["chunked"], true),
            (&["CHUNKED"], true),
            (&["gzip, chunked"], false),
            (&["chunked, chunked"], false),
            (&["chunked", "chunked"], false),
            (&["gzip", "chunked"], false),
        ] {
            let mut request = Request::new(());
            for coding in codings {
                request.headers_mut().append(TRANSFER_ENCODING, HeaderValue::from_static(coding));
            }
            let checked = check(&request, 1024);
            assert_eq!(checked, if sound { Ok(()) } else { Err(StatusCode::BAD_REQUEST) });
        }
    }
}
