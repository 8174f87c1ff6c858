//! Whose browser it is: a cookie that nobody can guess, and the name that the gateway is told.
//!
//! Nothing is remembered here. The name is computed from the cookie, on any replica, and does not
//! lead back to it. A browser without cookies is somebody else with each request.

use std::fmt;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderMap;
use http::header::SET_COOKIE;
use service_runtime::Client;
use sha2::{Digest as _, Sha256};

use crate::cookie::{Cookie, Found, Way};
use crate::settings::CookieSecure;

const COOKIE: Cookie = Cookie { name: "chappe_session", path: "/" };
/// Digits of the cookie: 128 bits.
const DIGITS: usize = 32;
/// Six weeks from the last visit: longer than the gateway keeps what was asked for in it.
const KEPT_FOR_S: u32 = 6 * 7 * 24 * 60 * 60;
/// How long the name of a plain way is kept beside that of a host which took over from it: while
/// replicas are exchanged, and until nobody goes back, an earlier version knows no other.
const KEPT_BESIDE_S: u32 = 24 * 60 * 60;

/// What is in the cookie. Who knows it is that browser, so nothing shows it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Session(String);

/// Under which name the gateway keeps what a browser asked for.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Owner(String);

/// A middleware: gives each request the [`Owner`] of its browser and its [`Way`], and each browser
/// its cookie.
pub(crate) async fn recognise(
    State(secure): State<CookieSecure>,
    mut request: Request,
    next: Next,
) -> Response {
    let way = secure.way_of(request.extensions().get::<Client>());
    let known = Session::of(request.headers(), way);
    // A browser that has come on a plain way so far keeps its chats.
    let before = match way {
        Way::Tls if COOKIE.find(request.headers(), way) == Found::Nothing => {
            Session::of(request.headers(), Way::Plain)
        }
        _ => None,
    };
    let session = known.or_else(|| before.clone()).unwrap_or_else(Session::fresh);
    request.extensions_mut().insert(session.owner());
    request.extensions_mut().insert(way);
    let mut response = next.run(request).await;
    // Always, so that its time begins anew.
    let cookie = COOKIE.set(&session.0, Some(KEPT_FOR_S), way);
    let beside = before.and_then(|before| COOKIE.set_without_host(&before.0, KEPT_BESIDE_S));
    for cookie in cookie.into_iter().chain(beside) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

impl Session {
    /// One that nobody has.
    pub(crate) fn fresh() -> Self {
        Self(fresh_digits())
    }

    /// That of a request, if it has exactly one and we could have made it. Of two, one is somebody
    /// else's: on a plain way, a page on a neighbouring name may set cookies for ours.
    fn of(headers: &HeaderMap, way: Way) -> Option<Self> {
        digits_in(headers, COOKIE, way).map(Self)
    }

    /// The name for the gateway.
    pub(crate) fn owner(&self) -> Owner {
        Owner(format!("web-{:.DIGITS$x}", Sha256::digest(&self.0)))
    }
}

/// What nobody can guess, as a cookie holds it.
pub(crate) fn fresh_digits() -> String {
    format!("{:0DIGITS$x}", rand::random::<u128>())
}

/// The digits of the one cookie of that name, if we could have made it.
pub(crate) fn digits_in(headers: &HeaderMap, cookie: Cookie, way: Way) -> Option<String> {
    let Found::One(value) = cookie.find(headers, way) else { return None };
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if value.len() != DIGITS || !value.iter().all(is_digit) {
        return None;
    }
    String::from_utf8(value.to_vec()).ok()
}

impl Owner {
    /// As the gateway is told.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owner").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http::header::{self, HeaderValue};

    use super::*;

    const VALUE: &str = "0123456789abcdef0123456789abcdef";

    fn of(lines: &[&[u8]]) -> Option<Session> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::COOKIE, HeaderValue::from_bytes(line).unwrap());
        }
        Session::of(&headers, Way::Plain)
    }

    #[test]
    fn the_owner_is_the_beginning_of_a_digest() {
        let owner = Session(VALUE.to_owned()).owner();

        // printf 0123456789abcdef0123456789abcdef | sha256sum
        assert_eq!(owner.as_str(), "web-3eb1bd439947eb762998e566ccc2e099");
    }

    #[test]
    fn each_session_is_another_and_is_read_back_from_its_cookie() {
        let (one, other) = (Session::fresh(), Session::fresh());
        assert!(one != other && one.owner() != other.owner());

        let cookie = COOKIE.set(&one.0, Some(KEPT_FOR_S), Way::Plain).unwrap();
        let sent = cookie.to_str().unwrap().split_once(';').unwrap().0;

        assert!(of(&[sent.as_bytes()]) == Some(one));
    }

    #[test]
    fn it_is_found_among_the_cookies_of_others() {
        let sent = format!("theme=d\u{e4}rk; xchappe_session=1;chappe_session={VALUE} ; b");

        assert_eq!(of(&[b"a=\xff\xfe", sent.as_bytes()]), Some(Session(VALUE.to_owned())));
    }

    #[test]
    fn what_we_did_not_make_is_none() {
        for value in [
            "",
            "0",
            "\"0123456789abcdef0123456789abcdef\"",
            "0123456789ABCDEF0123456789ABCDEF",
            "0123456789abcdef0123456789abcdeg",
            "0123456789abcdef0123456789abcdef0",
            "+123456789abcdef0123456789abcdef",
        ] {
            assert_eq!(of(&[format!("chappe_session={value}").as_bytes()]), None, "{value}");
        }
        let twice = format!("chappe_session={VALUE}; chappe_session={VALUE}");
        assert_eq!(of(&[twice.as_bytes()]), None);
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn neither_is_shown() {
        let session = Session::fresh();

        let shown = format!("{session:?} {:?}", session.owner());

        assert!(!shown.contains(&session.0) && !shown.contains(session.owner().as_str()));
    }
}
