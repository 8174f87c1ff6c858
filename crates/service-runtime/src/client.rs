//! Where a request comes from, behind proxies or not.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

use crate::Reader;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Whoever sent a request, which each request carries as an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// Its address: the other end of the connection, or what a trusted proxy says.
    pub address: IpAddr,
    /// Whether its connection is encrypted, to here or to the first proxy.
    pub encrypted: bool,
}

/// The proxies whose word counts. By default nobody's does.
///
/// `Forwarded` (RFC 7239) is not read: a proxy that writes `X-Forwarded-For` hands it on as its
/// client made it up.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    /// Reads `variable`: addresses and networks (`10.0.0.0/8`), separated by commas.
    pub fn read(read: &mut Reader<'_>, variable: &'static str) -> Option<Self> {
        let list: Option<String> = read.optional(variable)?;
        let mut trusted = Vec::new();
        for text in list.iter().flat_map(|list| list.split(',')).map(str::trim) {
            let address = text.parse().map(|address: IpAddr| address.to_canonical().into());
            match address.or_else(|_no_address| text.parse::<IpNet>()) {
                Ok(net) => trusted.push(net),
                Err(_neither) => {
                    let message = format!(
                        "`{text}` cannot be used: expected addresses and networks of proxies, \
                         separated by commas, such as `10.0.0.7,192.168.0.0/16`"
                    );
                    return read.problem(variable, message);
                }
            }
        }
        Some(Self(trusted.into()))
    }

    /// Who sent a request that came from `peer`.
    pub(crate) fn client(&self, peer: SocketAddr, encrypted: bool, headers: &HeaderMap) -> Client {
        let peer = peer.ip().to_canonical();
        if !self.trusts(peer) {
            return Client { address: peer, encrypted };
        }
        let address = self.farthest(peer, headers);
        // The proxy that the client spoke with comes first.
        let protocol = headers.get(X_FORWARDED_PROTO).and_then(|value| value.to_str().ok());
        let protocol = protocol.and_then(|protocols| protocols.split(',').next());
        let https = protocol.map(|protocol| protocol.trim().eq_ignore_ascii_case("https"));
        Client { address, encrypted: https.unwrap_or(encrypted) }
    }

    /// The last address behind trusted proxies. Each one writes whom it spoke with at the end, so
    /// what stands before somebody who is not trusted is only what that one says.
    fn farthest(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut farthest = peer;
        let lines = headers.get_all(X_FORWARDED_FOR).iter().rev();
        for line in lines {
            let Ok(line) = line.to_str() else { break };
            for text in line.rsplit(',') {
                let Some(address) = address_in(text.trim()) else { return farthest };
                farthest = address;
                if !self.trusts(address) {
                    return farthest;
                }
            }
        }
        farthest
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|net| net.contains(&address))
    }
}

/// An address with or without a port: some proxies write it.
fn address_in(text: &str) -> Option<IpAddr> {
    let bare = text.parse().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    bare.ok().or_else(bracketed).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;
    use crate::Env;

    const SETTING: &str = "TRUSTED_PROXIES";

    fn proxies(list: &str) -> TrustedProxies {
        let env = Env::from([(SETTING, list)]);
        let mut read = env.reader();
        let proxies = TrustedProxies::read(&mut read, SETTING);
        read.finish(|| proxies).unwrap()
    }

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, HeaderValue::from_static(value));
        }
        headers
    }

    fn address(proxies: &TrustedProxies, peer: &str, lines: &[&'static str]) -> String {
        let lines: Vec<_> = lines.iter().map(|line| (X_FORWARDED_FOR, *line)).collect();
        let peer = SocketAddr::new(peer.parse().unwrap(), 1);
        proxies.client(peer, false, &headers(&lines)).address.to_string()
    }

    #[test]
    fn the_client_is_the_last_address_that_no_trusted_proxy_has() {
        let proxies = proxies("10.0.0.0/8, 192.168.0.7,fd00::/8");
        for (peer, lines, expected) in [
            // Nobody's word: the other end of the connection it is.
            ("203.0.113.9", &["198.51.100.1"][..], "203.0.113.9"),
            ("192.168.0.8", &["198.51.100.1"], "192.168.0.8"),
            ("10.1.2.3", &["198.51.100.1"], "198.51.100.1"),
            ("::ffff:10.1.2.3", &["198.51.100.1"], "198.51.100.1"),
            ("192.168.0.7", &["198.51.100.1, 10.0.0.1"], "198.51.100.1"),
            ("fd00::1", &["2001:db8::1", "10.0.0.1"], "2001:db8::1"),
            // What the client made up stands before what the first proxy says of it.
            ("10.1.2.3", &["10.9.9.9, 198.51.100.1"], "198.51.100.1"),
            ("10.1.2.3", &["1.1.1.1", "198.51.100.1, 10.0.0.1"], "198.51.100.1"),
            ("10.1.2.3", &["nonsense, 198.51.100.1"], "198.51.100.1"),
            // What is no address ends it.
            ("10.1.2.3", &["198.51.100.1, unknown"], "10.1.2.3"),
            ("10.1.2.3", &["198.51.100.1, , 10.0.0.1"], "10.0.0.1"),
            ("10.1.2.3", &[], "10.1.2.3"),
            ("10.1.2.3", &["10.0.0.2, 10.0.0.1"], "10.0.0.2"),
            ("10.1.2.3", &["198.51.100.1:4711"], "198.51.100.1"),
            ("10.1.2.3", &["[2001:db8::1]:4711"], "2001:db8::1"),
            ("10.1.2.3", &["[2001:db8::1]"], "2001:db8::1"),
        ] {
            assert_eq!(address(&proxies, peer, lines), expected, "{peer} {lines:?}");
        }
        assert_eq!(address(&TrustedProxies::default(), "127.0.0.1", &["1.1.1.1"]), "127.0.0.1");
    }

    #[test]
    fn the_protocol_is_that_of_the_first_proxy_if_it_is_trusted() {
        let proxies = proxies("10.0.0.1");
        for (peer, own, said, expected) in [
            ([10, 0, 0, 1], false, Some("https"), true),
            ([10, 0, 0, 1], false, Some("HTTPS, http"), true),
            ([10, 0, 0, 1], true, Some("http, https"), false),
            ([10, 0, 0, 1], false, Some(""), false),
            ([10, 0, 0, 1], true, None, true),
            ([10, 0, 0, 2], false, Some("https"), false),
            ([10, 0, 0, 2], true, Some("http"), true),
        ] {
            let said: Vec<_> = said.into_iter().map(|said| (X_FORWARDED_PROTO, said)).collect();
            let client = proxies.client((peer, 1).into(), own, &headers(&said));
            assert_eq!(client.encrypted, expected, "{peer:?} {own} {said:?}");
        }
    }

    #[test]
    fn what_is_no_list_of_addresses_is_a_problem() {
        for list in ["proxy.example", "10.0.0.0/33", "10.0.0.1:80", "10.0.0.1,,10.0.0.2", "*"] {
            let env = Env::from([(SETTING, list)]);
            let mut read = env.reader();
            assert!(TrustedProxies::read(&mut read, SETTING).is_none(), "{list}");
            assert_eq!(read.finish(|| None::<()>).unwrap_err().names(), [SETTING], "{list}");
        }
    }
}
