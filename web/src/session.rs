//! Whose browser it is: a cookie that nobody can guess, and the name that the gateway is told.
//!
//! Nothing is remembered here. The name is computed from the cookie, on any replica, and does not
//! lead back to it. A browser without cookies is somebody else with each request.

use std::fmt;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderMap;
use http::header::{COOKIE, HeaderValue, SET_COOKIE};
use service_runtime::Client;
use sha2::{Digest as _, Sha256};

use crate::settings::CookieSecure;

/// The cookie's name, and what parts it from the value.
const NAMED: &[u8] = b"chappe_session=";
/// Digits of the cookie: 128 bits.
const DIGITS: usize = 32;
/// Six weeks from the last visit: longer than the gateway keeps what was asked for in it.
const KEPT_FOR_S: u32 = 6 * 7 * 24 * 60 * 60;

/// What is in the cookie. Who knows it is that browser, so nothing shows it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Session(String);

/// Under which name the gateway keeps what a browser asked for.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Owner(String);

/// A middleware: gives each request the [`Owner`] of its browser, and each browser its cookie.
pub(crate) async fn recognise(
    State(secure): State<CookieSecure>,
    mut request: Request,
    next: Next,
) -> Response {
    let session = Session::of(request.headers()).unwrap_or_else(Session::fresh);
    let secure = secure.holds_for(request.extensions().get::<Client>());
    request.extensions_mut().insert(session.owner());
    let mut response = next.run(request).await;
    // Always, so that its time begins anew.
    if let Ok(mut cookie) = HeaderValue::from_str(&session.to_cookie(secure)) {
        cookie.set_sensitive(true);
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
    /// else's: a page on a neighbouring name may set cookies for ours.
    fn of(headers: &HeaderMap) -> Option<Self> {
        digits_in(headers, NAMED).map(Self)
    }

    /// The name for the gateway.
    pub(crate) fn owner(&self) -> Owner {
        Owner(format!("web-{:.DIGITS$x}", Sha256::digest(&self.0)))
    }

    fn to_cookie(&self, secure: bool) -> String {
        let (name, value) = (String::from_utf8_lossy(NAMED), &self.0);
        let secure = if secure { "; Secure" } else { "" };
        format!("{name}{value}; Path=/; Max-Age={KEPT_FOR_S}; HttpOnly; SameSite=Lax{secure}")
    }
}

/// What nobody can guess, as a cookie holds it.
pub(crate) fn fresh_digits() -> String {
    format!("{:0DIGITS$x}", rand::random::<u128>())
}

/// The digits of the one cookie of that name, if we could have made it.
pub(crate) fn digits_in(headers: &HeaderMap, named: &[u8]) -> Option<String> {
    // As bytes: a cookie knows no port, and those of other programs here may be anything.
    let lines = headers.get_all(COOKIE).iter();
    let cookies = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    let mut ours = cookies.filter_map(|cookie| cookie.trim_ascii().strip_prefix(named));
    let (value, another) = (ours.next()?, ours.next());
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if another.is_some() || value.len() != DIGITS || !value.iter().all(is_digit) {
        return None;
    }
    String::from_utf8(value.to_vec()).ok()
}

impl CookieSecure {
    /// Whether a cookie that goes to this client is for https alone.
    pub(crate) fn holds_for(self, client: Option<&Client>) -> bool {
        self == Self::On || client.is_some_and(|client| client.encrypted)
    }
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
    use super::*;

    const VALUE: &str = "0123456789abcdef0123456789abcdef";

    fn of(lines: &[&[u8]]) -> Option<Session> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, HeaderValue::from_bytes(line).unwrap());
        }
        Session::of(&headers)
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

        let cookie = one.to_cookie(false);
        let sent = cookie.split_once(';').unwrap().0;

        assert_eq!(of(&[sent.as_bytes()]), Some(one));
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
