//! Addresses that somebody else wrote down: where they may lead.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::public_address::is_public;

/// The addresses of a name, when they are there.
pub type Addresses = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Who knows the addresses of a name.
pub trait Names: std::fmt::Debug + Send + Sync {
    /// All addresses of `name`.
    fn addresses(&self, name: &str) -> Addresses;
}

/// The resolver of the system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemNames;

impl Names for SystemNames {
    fn addresses(&self, name: &str) -> Addresses {
        let name = name.to_owned();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// Whether a call may be read on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plaintext {
    /// `http://` is refused.
    Refused,
    /// `http://` is called as well.
    Allowed,
}

/// How addresses are called that somebody else wrote down.
#[derive(Debug, Clone)]
pub struct Untrusted {
    /// Whether `http://` is called.
    pub plaintext: Plaintext,
    /// Addresses that may be called although they are not public.
    pub allowed: Vec<IpAddr>,
    /// Longest wait for a connection, the addresses of its name included.
    pub connect_timeout: Duration,
    /// Longest call, up to the last byte of its answer.
    pub total_timeout: Duration,
    /// Who is asked for addresses.
    pub names: Arc<dyn Names>,
}

/// An address that may not be called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Forbidden(String);

impl Untrusted {
    /// Checks what can be told without asking for a name: the scheme, and an address that is
    /// written out, in whatever form, for which no resolver is asked.
    pub(crate) fn check(&self, url: &str) -> Result<(), Forbidden> {
        // The same parser as the client's, so that both read the same host.
        let url = Url::parse(url).map_err(|error| Forbidden(format!("no address: {error}")))?;
        match (url.scheme(), self.plaintext) {
            ("https", _) | ("http", Plaintext::Allowed) => {}
            ("http", Plaintext::Refused) => {
                return Err(Forbidden("`http://` is not called, only `https://`".to_owned()));
            }
            (scheme, _) => return Err(Forbidden(format!("`{scheme}:` is not called"))),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Forbidden("an address holds no user and no password".to_owned()));
        }
        match url.host() {
            Some(Host::Ipv4(address)) => self.check_addresses(&[address.into()]),
            Some(Host::Ipv6(address)) => self.check_addresses(&[address.into()]),
            // Checked once its addresses are known.
            Some(Host::Domain(_)) => Ok(()),
            None => Err(Forbidden("there is no host".to_owned())),
        }
    }

    /// Checks all addresses of a host. One that may not be called condemns the others: whoever
    /// mixes them tries out which of them is taken.
    fn check_addresses(&self, addresses: &[IpAddr]) -> Result<(), Forbidden> {
        let near =
            addresses.iter().any(|address| !is_public(*address) && !self.allowed.contains(address));
        // Which address it was is not told: answers would be a map of the network around us.
        if near { Err(Forbidden("the host is not on the internet".to_owned())) } else { Ok(()) }
    }
}

/// Resolves a name and checks what comes of it. The connection is made to exactly the addresses
/// that were checked: a name that means something else a moment later leads nowhere.
#[derive(Debug)]
pub(crate) struct CheckedNames(pub(crate) Untrusted);

impl Resolve for CheckedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.0.clone();
        Box::pin(async move {
            let addresses = policy.names.addresses(name.as_str()).await?;
            policy.check_addresses(&addresses)?;
            // The port is that of the address which is called.
            let pinned = addresses.into_iter().map(|address| SocketAddr::new(address, 0));
            let pinned: Addrs = Box::new(pinned);
            Ok(pinned)
        })
    }
}
