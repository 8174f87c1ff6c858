//! Cookies: their names, and how a browser keeps them.
//!
//! Over TLS a name begins with `__Host-`: a browser takes such a cookie over TLS alone and for this
//! very host, so a page on a neighbouring name cannot set one for us. Over plain HTTP no browser
//! takes it, and the name stands alone.

use http::HeaderMap;
use http::header::{COOKIE, HeaderValue};
use service_runtime::Client;

use crate::settings::CookieSecure;

const HOST: &str = "__Host-";

/// How a browser comes here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Plain,
    /// Over TLS to here, or to whom we believe that.
    Tls,
}

/// One of our cookies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cookie {
    /// Its name on a plain way.
    pub(crate) name: &'static str,
    /// Below which path it is sent on a plain way. A host's is sent everywhere.
    pub(crate) path: &'static str,
}

/// What a request has of a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    Nothing,
    One(&'a [u8]),
    /// Of several, one may be somebody else's.
    Several,
}

impl CookieSecure {
    /// How this client comes here, as far as cookies are concerned.
    pub(crate) fn way_of(self, client: Option<&Client>) -> Way {
        let encrypted = client.is_some_and(|client| client.encrypted);
        if self == Self::On || encrypted { Way::Tls } else { Way::Plain }
    }
}

impl Cookie {
    /// What a request has of it under the name for `way`.
    pub(crate) fn find<'a>(&self, headers: &'a HeaderMap, way: Way) -> Found<'a> {
        // As bytes: a cookie knows no port, and those of other programs here may be anything.
        let lines = headers.get_all(COOKIE).iter();
        let cookies = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
        let mut ours = cookies.filter_map(|cookie| {
            let named = cookie.trim_ascii();
            let named = match way {
                Way::Plain => named,
                Way::Tls => named.strip_prefix(HOST.as_bytes())?,
            };
            named.strip_prefix(self.name.as_bytes())?.strip_prefix(b"=")
        });
        match (ours.next(), ours.next()) {
            (None, _) => Found::Nothing,
            (Some(value), None) => Found::One(value),
            (Some(_), Some(_)) => Found::Several,
        }
    }

    /// Has a browser keep it, for so many seconds or until it ends itself. `value` is of ours.
    pub(crate) fn set(&self, value: &str, seconds: Option<u32>, way: Way) -> Option<HeaderValue> {
        match way {
            Way::Plain => self.line("", value, self.path, seconds, ""),
            Way::Tls => self.line(HOST, value, "/", seconds, "; Secure"),
        }
    }

    /// The same under the name of a plain way, to be sent over TLS.
    pub(crate) fn set_without_host(&self, value: &str, seconds: u32) -> Option<HeaderValue> {
        self.line("", value, self.path, Some(seconds), "; Secure")
    }

    fn line(
        &self,
        host: &str,
        value: &str,
        path: &str,
        seconds: Option<u32>,
        secure: &str,
    ) -> Option<HeaderValue> {
        let age = seconds.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        let name = self.name;
        let line =
            format!("{host}{name}={value}; Path={path}{age}; HttpOnly; SameSite=Lax{secure}");
        let mut line = HeaderValue::from_str(&line).ok()?;
        line.set_sensitive(true);
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COOKIE_OF_TEST: Cookie = Cookie { name: "chappe_x", path: "/x" };

    fn headers(lines: &[&'static [u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, HeaderValue::from_bytes(line).unwrap());
        }
        headers
    }

    #[test]
    fn each_way_has_a_name_of_its_own() {
        let both = headers(&[b"a=\xff\xfe", b"chappe_x=1 ;xchappe_x=2; __Host-chappe_x=3", b"b"]);
        assert_eq!(COOKIE_OF_TEST.find(&both, Way::Plain), Found::One(b"1"));
        assert_eq!(COOKIE_OF_TEST.find(&both, Way::Tls), Found::One(b"3"));

        let twice = headers(&[b"chappe_x=1; chappe_x=1", b"chappe_x_=1; __host-chappe_x=1"]);
        assert_eq!(COOKIE_OF_TEST.find(&twice, Way::Plain), Found::Several);
        assert_eq!(COOKIE_OF_TEST.find(&twice, Way::Tls), Found::Nothing);
    }

    #[test]
    fn a_host_s_cookie_has_what_browsers_ask_of_one() {
        let set = |way| COOKIE_OF_TEST.set("1", Some(2), way).unwrap();
        assert_eq!(set(Way::Plain), "chappe_x=1; Path=/x; Max-Age=2; HttpOnly; SameSite=Lax");
        let host = "__Host-chappe_x=1; Path=/; Max-Age=2; HttpOnly; SameSite=Lax; Secure";
        assert_eq!(set(Way::Tls), host);
        assert!(set(Way::Tls).is_sensitive());
    }
}
