//! How to reach NATS.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use service_runtime::{Reader, Variable};

use crate::Nkey;

/// Where the servers are when nothing is said.
const DEFAULT_URL: &str = "nats://127.0.0.1:4222";

/// The variables that [`Settings::read`] reads.
pub const VARIABLES: &[Variable] = &[
    Variable {
        name: "NATS_URL",
        default: DEFAULT_URL,
        about: "Addresses of the NATS servers (2.14 or newer, with JetStream), comma-separated.",
    },
    Variable {
        name: "NATS_CONNECT_TIMEOUT_MS",
        default: "30000",
        about: "Longest wait for the first connection at start. Later losses are waited for without end.",
    },
    Variable {
        name: "NATS_NKEY_FILE",
        default: "",
        about: "File with the NKey seed of this service, as `nats-init credentials` makes it. Unset: none is shown.",
    },
    Variable {
        name: "NATS_CA_FILE",
        default: "",
        about: "File with the certificate authority of the servers, in PEM. Set: TLS is required.",
    },
];

/// Addresses of one or more NATS servers.
#[derive(Clone, PartialEq, Eq)]
pub struct Servers(Vec<String>);

impl Servers {
    /// One address.
    pub fn one(url: impl Into<String>) -> Self {
        Self(vec![url.into()])
    }

    pub(crate) fn addresses(&self) -> &[String] {
        &self.0
    }
}

/// Without what an address may hold of a name and a password.
impl fmt::Display for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<String> = self.0.iter().map(|server| without_secrets(server)).collect();
        f.write_str(&shown.join(", "))
    }
}

impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Servers({self})")
    }
}

fn without_secrets(server: &str) -> String {
    let Some((scheme, rest)) = server.split_once("://") else { return server.to_owned() };
    let address = rest.rsplit_once('@').map_or(rest, |(_secrets, address)| address);
    format!("{scheme}://{address}")
}

impl FromStr for Servers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let servers: Vec<String> = text.split(',').map(|one| one.trim().to_owned()).collect();
        for server in &servers {
            let parsed: Result<async_nats::ServerAddr, _> = server.parse();
            let scheme = ["nats://", "tls://"].iter().any(|scheme| server.starts_with(scheme));
            if parsed.is_err() || !scheme {
                return Err("expected nats://host:port or tls://host:port".to_owned());
            }
        }
        Ok(Self(servers))
    }
}

/// How one process reaches NATS.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The servers.
    pub servers: Servers,
    /// Longest wait for the first connection.
    pub connect_timeout: Duration,
    /// The key of this service, if the servers ask for one.
    pub nkey: Option<Nkey>,
    /// Who signed the servers' certificates, if TLS is to be used.
    pub ca_file: Option<PathBuf>,
}

impl Settings {
    /// A server on this machine that asks for nothing.
    pub fn bare(url: impl Into<String>) -> Self {
        Self {
            servers: Servers::one(url),
            connect_timeout: Duration::from_secs(10),
            nkey: None,
            ca_file: None,
        }
    }

    /// Reads [`VARIABLES`]; `None` after noting every problem in `read`.
    pub fn read(read: &mut Reader<'_>) -> Option<Self> {
        let servers = read.or("NATS_URL", DEFAULT_URL);
        let connect_timeout = read.millis_or("NATS_CONNECT_TIMEOUT_MS", 30_000);
        let nkey = nkey(read, "NATS_NKEY_FILE");
        let ca_file = file(read, "NATS_CA_FILE");
        Some(Self {
            servers: servers?,
            connect_timeout: connect_timeout?,
            nkey: nkey?,
            ca_file: ca_file?,
        })
    }
}

/// A key whose file must hold one when it is named.
fn nkey(read: &mut Reader<'_>, name: &str) -> Option<Option<Nkey>> {
    match read.optional::<PathBuf>(name)?.map(|path| Nkey::read(&path)) {
        None => Some(None),
        Some(Ok(key)) => Some(Some(key)),
        Some(Err(problem)) => read.problem(name, problem),
    }
}

/// A file that must be there when it is named.
fn file(read: &mut Reader<'_>, name: &str) -> Option<Option<PathBuf>> {
    match read.optional::<PathBuf>(name)? {
        Some(path) if !path.is_file() => {
            read.problem(name, format!("there is no file `{}`", path.display()))
        }
        path => Some(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use service_runtime::Env;

    #[test]
    fn addresses_and_files_are_checked_before_anything_starts() {
        let env = Env::from([
            ("NATS_URL", "http://x"),
            ("NATS_NKEY_FILE", "/nowhere/gateway.nk"),
            ("NATS_CA_FILE", "/nowhere/ca.pem"),
        ]);
        let mut read = env.reader();

        let settings = Settings::read(&mut read);

        let problems = read.finish(|| settings).unwrap_err();
        assert_eq!(problems.names(), ["NATS_URL", "NATS_NKEY_FILE", "NATS_CA_FILE"]);
    }

    #[test]
    fn a_password_in_an_address_is_shown_nowhere() {
        let servers: Servers = "nats://me:hunter2@a:4222,tls://b:4222".parse().unwrap();
        assert_eq!(servers.to_string(), "nats://a:4222, tls://b:4222");
        let printed = format!("{:?}", Settings { servers, ..Settings::bare("") });
        assert!(!printed.contains("hunter2"), "{printed}");
    }
}
