//! Where a request comes from, behind proxies or not.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName};
use ipnet::{IpNet, Ipv4Net};

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
                Ok(net) => trusted.push(canonical(net)),
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
        let (address, proxies_between) = self.farthest(peer, headers);
        let https = protocol_beside(proxies_between, headers);
        Client { address, encrypted: https.unwrap_or(encrypted) }
    }

    /// The last address behind trusted proxies, and how many of them are between it and the one
    /// that is connected. Each one writes whom it spoke with at the end, so what stands before
    /// somebody who is not trusted is only what that one says.
    fn farthest(&self, peer: IpAddr, headers: &HeaderMap) -> (IpAddr, usize) {
        let mut farthest = (peer, 0);
        for (proxies_between, text) in from_the_end(headers, &X_FORWARDED_FOR).enumerate() {
            let Some(address) = text.and_then(address_in) else { break };
            farthest = (address, proxies_between);
            if !self.trusts(address) {
                break;
            }
        }
        farthest
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|net| net.contains(&address))
    }
}

/// Whether the proxy that the client spoke with was spoken with over TLS, as it says itself. Further
/// proxies have written theirs behind it, or have written over what was there; what is before it
/// the client may have written.
fn protocol_beside(proxies_between: usize, headers: &HeaderMap) -> Option<bool> {
    let said = from_the_end(headers, &X_FORWARDED_PROTO).take(proxies_between + 1).last()?;
    Some(said.is_some_and(|protocol| protocol.eq_ignore_ascii_case("https")))
}

/// The values of a list that each proxy adds one to, the last one first; none for what is no text.
fn from_the_end<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = Option<&'a str>> {
    let lines = headers.get_all(name).iter().rev();
    let values = |line: &'a [u8]| line.rsplit(|byte| *byte == b',');
    let texts = lines.flat_map(move |line| values(line.as_bytes()));
    texts.map(|bytes| std::str::from_utf8(bytes).ok().map(str::trim))
}

/// A network as addresses are compared with it: of IPv4, however it is written.
fn canonical(net: IpNet) -> IpNet {
    let mapped = match net {
        IpNet::V6(net) => net.addr().to_ipv4_mapped().zip(net.prefix_len().checked_sub(96)),
        IpNet::V4(_) => None,
    };
    let of_version_4 = mapped.and_then(|(address, prefix)| Ipv4Net::new(address, prefix).ok());
    of_version_4.map_or(net, IpNet::V4)
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
    fn a_network_of_ipv4_is_one_however_it_is_written() {
        for (list, trusted) in [
            ("::ffff:10.0.0.0/104", true),
            ("::ffff:0.0.0.0/96", true),
            ("::ffff:10.1.2.3/128", true),
            ("::ffff:10.1.2.3", true),
            ("::ffff:11.0.0.0/104", false),
        ] {
            let expected = if trusted { "198.51.100.1" } else { "10.1.2.3" };
            for peer in ["10.1.2.3", "::ffff:10.1.2.3"] {
                assert_eq!(address(&proxies(list), peer, &["198.51.100.1"]), expected, "{list}");
            }
        }
    }

    #[test]
    fn the_protocol_is_what_the_proxy_says_that_the_client_spoke_with() {
        let proxies = proxies("10.0.0.0/8");
        let (outer, inner) = ("198.51.100.1", "198.51.100.1, 10.0.0.2");
        for (peer, own, addresses, said, expected) in [
            ("10.0.0.1", false, outer, &["https"][..], true),
            ("10.0.0.1", false, outer, &["HTTPS"], true),
            ("10.0.0.1", true, outer, &["http"], false),
            ("10.0.0.1", true, outer, &[""], false),
            ("10.0.0.1", true, outer, &[], true),
            // What is before that the client has written.
            ("10.0.0.1", false, outer, &["https, http"], false),
            ("10.0.0.1", false, outer, &["https", "http"], false),
            ("10.0.0.1", false, outer, &["http, https"], true),
            // Of two proxies the outer one counts, if the inner one adds its own.
            ("10.0.0.1", false, inner, &["https, http"], true),
            ("10.0.0.1", false, inner, &["https", "http"], true),
            ("10.0.0.1", true, inner, &["https, http, https"], false),
            // If it writes over it, or hands it on, there is one.
            ("10.0.0.1", false, inner, &["https"], true),
            ("10.0.0.1", true, inner, &["http"], false),
            // Without a client's address the last one counts.
            ("10.0.0.1", false, "", &["https, http"], false),
            ("10.0.0.1", false, "unknown", &["https, http"], false),
            ("192.0.2.2", false, outer, &["https"], false),
            ("192.0.2.2", true, outer, &["http"], true),
        ] {
            let said = said.iter().map(|said| (X_FORWARDED_PROTO, *said));
            let lines: Vec<_> = said.chain([(X_FORWARDED_FOR, addresses)]).collect();
            let peer = SocketAddr::new(peer.parse().unwrap(), 1);
            let client = proxies.client(peer, own, &headers(&lines));
            assert_eq!(client.encrypted, expected, "{peer} {own} {lines:?}");
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
