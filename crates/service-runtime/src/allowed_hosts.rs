//! Whose requests a listener without keys takes: the check of `Host`, and of where a page is from.
//!
//! A page of any site can have its reader's browser send requests to this machine. Under a name
//! of its own that resolves to a loopback address (DNS rebinding) it can read the answers, too:
//! for the browser both are one site. Only the name tells them apart.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, Request};

use crate::Reader;

/// The names under which a listener answers: loopback names, and those that a setting adds.
#[derive(Debug, Clone)]
pub struct AllowedHosts {
    variable: &'static str,
    named: Arc<[String]>,
    /// Others may reach the listener, and nobody said under which names.
    any: bool,
}

/// A request that a page of another site may have sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Foreign {
    /// It is for somebody else, by its name.
    #[error(
        "This server does not answer under the name in the `Host` header, only under `localhost` \
         and loopback addresses. Its operator can allow more names with `{variable}`."
    )]
    Host {
        /// The setting that allows more.
        variable: &'static str,
    },
    /// A browser says that it comes from elsewhere.
    #[error(
        "This request comes from a page of another site, by its `Origin` or `Sec-Fetch-Site` \
         header. The operator of this server can allow that site's host with `{variable}`."
    )]
    Site {
        /// The setting that allows more.
        variable: &'static str,
    },
}

impl Foreign {
    /// The setting that allows more.
    pub fn variable(&self) -> &'static str {
        match self {
            Self::Host { variable } | Self::Site { variable } => variable,
        }
    }
}

impl AllowedHosts {
    /// Loopback names and no others; `variable` is named in errors.
    pub fn loopback(variable: &'static str) -> Self {
        Self { variable, named: Arc::default(), any: false }
    }

    /// Reads `variable`: host names without ports, separated by commas. If it is not set, a
    /// listener on loopback answers under loopback names, and any other one under every name.
    pub fn read(
        read: &mut Reader<'_>,
        variable: &'static str,
        listen: Option<SocketAddr>,
    ) -> Option<Self> {
        let list: Option<String> = read.optional(variable)?;
        let any = list.is_none() && listen.is_some_and(|address| !address.ip().is_loopback());
        let mut named = Vec::new();
        for name in list.iter().flat_map(|list| list.split(',')).map(str::trim) {
            match name_of(name) {
                Some(name) => named.push(name),
                None => {
                    return read.problem(
                        variable,
                        format!("`{name}` cannot be used: expected host names without ports, separated by commas"),
                    );
                }
            }
        }
        Some(Self { named: named.into(), any, ..Self::loopback(variable) })
    }

    /// Whether the request is for this server. One without any name is from no browser.
    ///
    /// # Errors
    ///
    /// [`Foreign::Host`] when it names another host.
    pub fn check_host<B>(&self, request: &Request<B>) -> Result<(), Foreign> {
        if self.any {
            return Ok(());
        }
        let in_line = request.uri().authority().map(Authority::as_str);
        let in_headers = request.headers().get_all(HOST).iter();
        let mut names =
            in_line.map(Some).into_iter().chain(in_headers.map(|value| value.to_str().ok()));
        let is_ours = |name: Option<&str>| {
            name.and_then(host_of).is_some_and(|host| is_loopback(&host) || self.has(&host))
        };
        if names.all(is_ours) { Ok(()) } else { Err(Foreign::Host { variable: self.variable }) }
    }

    /// Whether the request is from this server's own pages, from this machine, from an allowed
    /// host, or from no page at all. Following a link to here is allowed to everyone.
    ///
    /// # Errors
    ///
    /// [`Foreign::Site`] when a page of another site sends it.
    pub fn check_site<B>(&self, request: &Request<B>) -> Result<(), Foreign> {
        if self.any {
            return Ok(());
        }
        let headers = request.headers();
        let foreign = Err(Foreign::Site { variable: self.variable });
        if let Some(origin) = headers.get(ORIGIN) {
            let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
            let Some((_scheme, origin)) = origin else { return foreign };
            let own = text(headers, HOST.as_str()).is_some_and(|host| host == origin);
            let host = host_of(origin);
            if own || host.as_deref().is_some_and(|host| self.has(host)) {
                return Ok(());
            }
            if !host.is_some_and(|host| is_loopback(&host)) {
                return foreign;
            }
        }
        let cross_site = text(headers, "sec-fetch-site") == Some("cross-site");
        if cross_site && !follows_link(request.method(), headers) { foreign } else { Ok(()) }
    }

    fn has(&self, host: &str) -> bool {
        self.named.iter().any(|named| named == host)
    }
}

/// A link that somebody follows, or an address that somebody types: the answer is a page of its own.
fn follows_link(method: &Method, headers: &HeaderMap) -> bool {
    method.is_safe()
        && text(headers, "sec-fetch-mode") == Some("navigate")
        && text(headers, "sec-fetch-dest") == Some("document")
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Whether a request names a loopback address or name as its host.
pub(crate) fn is_for_loopback(headers: &HeaderMap) -> bool {
    text(headers, HOST.as_str()).and_then(host_of).is_some_and(|host| is_loopback(&host))
}

fn is_loopback(host: &str) -> bool {
    let address = host.parse::<IpAddr>();
    host == "localhost"
        || host.ends_with(".localhost")
        || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

/// The host of `host:port`: in small letters, without brackets, and without the dot of the root.
fn host_of(authority: &str) -> Option<String> {
    let authority: Authority = authority.parse().ok()?;
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    (!host.is_empty()).then_some(host)
}

/// A host of the setting; `None` if it has a port or is none.
fn name_of(text: &str) -> Option<String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_string());
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if let Some(address) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        return address.parse::<IpAddr>().ok().map(|address| address.to_string());
    }
    if text.chars().all(plain) { host_of(text) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Env;

    const SETTING: &str = "ALLOWED_HOSTS";

    fn allowed(listen: &str, list: &str) -> AllowedHosts {
        let env = Env::from([(SETTING, list)]);
        let mut read = env.reader();
        let hosts = AllowedHosts::read(&mut read, SETTING, listen.parse().ok());
        read.finish(|| hosts).unwrap()
    }

    fn request(headers: &[(&str, &str)]) -> Request<()> {
        let request = headers
            .iter()
            .fold(Request::post("/v1/x"), |request, (name, value)| request.header(*name, *value));
        request.body(()).unwrap()
    }

    fn answers(hosts: &AllowedHosts, host: &str) -> bool {
        hosts.check_host(&request(&[("host", host)])).is_ok()
    }

    #[test]
    fn on_loopback_only_loopback_names_are_answered() {
        let hosts = allowed("127.0.0.1:8790", "");
        for ours in [
            "localhost",
            "LOCALHOST:8790",
            "localhost.:1",
            "chat.localhost",
            "127.0.0.1:8790",
            "127.8.9.1",
            "[::1]:8790",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(answers(&hosts, ours), "{ours}");
        }
        for foreign in [
            "evil.example:8790",
            "localhost.evil.example",
            "notlocalhost",
            "127.0.0.1.evil.example",
            "0.0.0.0:8790",
            "192.168.0.7",
            "[2001:db8::1]:8790",
            "",
            "a b",
        ] {
            assert!(!answers(&hosts, foreign), "{foreign}");
        }
        assert_eq!(hosts.check_host(&request(&[])), Ok(()), "no browser leaves it out");
        let two = request(&[("host", "localhost"), ("host", "evil.example")]);
        assert!(hosts.check_host(&two).is_err());
        let absolute = Request::get("http://evil.example/").header("host", "localhost");
        assert!(hosts.check_host(&absolute.body(()).unwrap()).is_err());
    }

    #[test]
    fn a_setting_allows_more_names_and_elsewhere_it_is_the_only_limit() {
        let named = allowed("127.0.0.1:8790", "Chat.Example, 10.0.0.7,[2001:db8::1]");
        for host in ["chat.example:443", "10.0.0.7", "[2001:db8::1]:1", "localhost"] {
            assert!(answers(&named, host), "{host}");
        }
        assert!(!answers(&named, "www.chat.example"));

        assert!(answers(&allowed("0.0.0.0:8790", ""), "anything.example"));
        let elsewhere = allowed("0.0.0.0:8790", "localhost");
        assert!(answers(&elsewhere, "localhost:8780") && !answers(&elsewhere, "evil.example"));
    }

    #[test]
    fn what_is_no_list_of_names_is_a_problem() {
        for list in ["chat.example:80", "https://chat.example", "a,,b", "*", "[::1", "a b"] {
            let env = Env::from([(SETTING, list)]);
            let mut read = env.reader();
            assert!(AllowedHosts::read(&mut read, SETTING, None).is_none(), "{list}");
            assert_eq!(read.finish(|| None::<()>).unwrap_err().names(), [SETTING], "{list}");
        }
    }

    #[test]
    fn pages_of_other_sites_are_told_from_our_own() {
        let hosts = allowed("127.0.0.1:8790", "chat.example");
        let passes = |headers: &[(&str, &str)]| {
            let mut all = vec![("host", "localhost:8790")];
            all.extend_from_slice(headers);
            hosts.check_site(&request(&all)).is_ok()
        };
        let site = |site| ("sec-fetch-site", site);

        for fine in [
            &[][..],
            &[site("same-origin")],
            &[site("none")],
            &[("origin", "http://localhost:8790"), site("same-origin")],
            &[("origin", "http://127.0.0.1:3000"), site("same-site")],
            &[("origin", "https://chat.example"), site("cross-site")],
        ] {
            assert!(passes(fine), "{fine:?}");
        }
        for foreign in [
            &[site("cross-site")][..],
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
            &[("origin", "http://localhost.evil.example"), site("same-origin")],
            &[("origin", "http://127.0.0.1:3000"), site("cross-site")],
            // A form is no link.
            &[site("cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")],
        ] {
            assert!(!passes(foreign), "{foreign:?}");
        }
        let link = Request::get("/docs")
            .header("host", "localhost:8790")
            .header("sec-fetch-site", "cross-site")
            .header("sec-fetch-mode", "navigate");
        assert!(
            hosts.check_site(&link.header("sec-fetch-dest", "document").body(()).unwrap()).is_ok()
        );
    }
}
