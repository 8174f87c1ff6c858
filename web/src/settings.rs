//! What the chat page can be told from outside. Read once, at start.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use service_runtime::{
    AllowedHosts, Authorities, Env, Hsts, Problems, Reader, Tls, TrustedProxies, Variable,
};
use url::Url;

/// The setting that moves the port.
pub(crate) const LISTEN: &str = "WEB_LISTEN";
/// The setting that moves the health port.
pub(crate) const HEALTH_LISTEN: &str = "WEB_HEALTH_LISTEN";
const ALLOWED_HOSTS: &str = "WEB_ALLOWED_HOSTS";
const TLS_CERT: &str = "WEB_TLS_CERT_FILE";
const TLS_KEY: &str = "WEB_TLS_KEY_FILE";
const TRUSTED_PROXIES: &str = "WEB_TRUSTED_PROXIES";
const HSTS: &str = "WEB_HSTS_SECONDS";
const GATEWAY_URL: &str = "WEB_GATEWAY_URL";
const GATEWAY_CA: &str = "WEB_GATEWAY_CA_FILE";
const API_KEY: &str = "WEB_API_KEY";
const COOKIE_SECURE: &str = "WEB_COOKIE_SECURE";
const MOST_ANSWERS: &str = "WEB_MOST_ANSWERS";
const GALLERY: &str = "WEB_GALLERY";
const LAME_DUCK_MS: &str = "WEB_LAME_DUCK_MS";
const DRAIN_MS: &str = "WEB_DRAIN_MS";

pub(crate) const VARIABLES: &[Variable] = &[
    Variable { name: LISTEN, default: "127.0.0.1:8780", about: "Where the chat page answers." },
    Variable {
        name: HEALTH_LISTEN,
        default: "127.0.0.1:8793",
        about: "Where /livez, /readyz, /startupz and /metrics answer.",
    },
    Variable {
        name: ALLOWED_HOSTS,
        default: "",
        about: "Host names, without ports and separated by commas, under which it answers besides localhost and loopback addresses. Unset on another address than loopback: all names.",
    },
    Variable {
        name: TLS_CERT,
        default: "",
        about: "File of a certificate (PEM), with those of intermediate authorities behind it: the chat page then speaks TLS alone. A renewed one is taken up within half a minute.",
    },
    Variable {
        name: TLS_KEY,
        default: "",
        about: "File of the certificate's key (PEM), without a password.",
    },
    Variable {
        name: TRUSTED_PROXIES,
        default: "",
        about: "Addresses and networks of proxies, separated by commas, whose X-Forwarded-For and X-Forwarded-Proto are believed. Unset: nobody's.",
    },
    Variable {
        name: HSTS,
        default: Hsts::YEAR,
        about: "How long browsers that came over TLS come back over TLS only, with every port of the host: seconds, told with Strict-Transport-Security; `off`: they are not told. 0 has them forget it.",
    },
    Variable {
        name: GATEWAY_URL,
        default: "http://127.0.0.1:8790",
        about: "Address of the gateway, without /v1.",
    },
    Variable {
        name: GATEWAY_CA,
        default: "",
        about: "File of the authorities (PEM) of which one must have signed the gateway's certificate. Unset: those that the system trusts.",
    },
    Variable {
        name: API_KEY,
        default: "",
        about: "Key for the gateway, made with `chappe keys create web --on-behalf-of`. WEB_API_KEY_FILE names a file that holds it instead.",
    },
    Variable {
        name: COOKIE_SECURE,
        default: "auto",
        about: "Whether cookies are for https alone, and named `__Host-…`: on, or auto, which is on where the page speaks TLS or a proxy of WEB_TRUSTED_PROXIES sends `X-Forwarded-Proto: https`.",
    },
    Variable {
        name: MOST_ANSWERS,
        default: "10000",
        about: "How many answers are followed at once, each once for all who read it. Who wants to read one more is asked to come again; it is written all the same.",
    },
    Variable {
        name: GALLERY,
        default: "off",
        about: "Whether /gallery shows every piece of the pages in every state, made up, for whoever works on them: on or off.",
    },
    Variable {
        name: LAME_DUCK_MS,
        default: "0",
        about: "How long new connections are still answered at shutdown, after readiness dropped, in milliseconds: as long as a load balancer takes to notice.",
    },
    Variable {
        name: DRAIN_MS,
        default: "30000",
        about: "Longest time in milliseconds that answers may still take once the end was asked for.",
    },
];

/// Whether browsers may send our cookies over plain HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CookieSecure {
    /// Unless it was set over TLS, to here or, as far as a trusted proxy says so, to that proxy.
    Auto,
    /// Never.
    On,
}

/// A text that is no [`CookieSecure`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected `auto` or `on`")]
pub struct InvalidCookieSecure;

impl FromStr for CookieSecure {
    type Err = InvalidCookieSecure;

    fn from_str(text: &str) -> Result<Self, InvalidCookieSecure> {
        match text {
            "auto" => Ok(Self::Auto),
            "on" => Ok(Self::On),
            _ => Err(InvalidCookieSecure),
        }
    }
}

/// Whether there are pages that show every piece of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gallery {
    /// They are not there.
    Off,
    /// For whoever works on them.
    On,
}

/// A text that is no [`Gallery`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected `off` or `on`")]
pub struct InvalidGallery;

impl FromStr for Gallery {
    type Err = InvalidGallery;

    fn from_str(text: &str) -> Result<Self, InvalidGallery> {
        match text {
            "off" => Ok(Self::Off),
            "on" => Ok(Self::On),
            _ => Err(InvalidGallery),
        }
    }
}

/// Everything the chat page can be told from outside.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it answers. `WEB_LISTEN`, default `127.0.0.1:8780`; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where health and metrics answer. `WEB_HEALTH_LISTEN`, default `127.0.0.1:8793`.
    pub health_listen: SocketAddr,
    /// Under which names it answers. `WEB_ALLOWED_HOSTS`.
    pub allowed_hosts: AllowedHosts,
    /// The certificate, if it speaks TLS. `WEB_TLS_CERT_FILE`, `WEB_TLS_KEY_FILE`.
    pub tls: Option<Tls>,
    /// Whose word on browsers counts. `WEB_TRUSTED_PROXIES`.
    pub trusted_proxies: TrustedProxies,
    /// How long browsers come back over TLS only. `WEB_HSTS_SECONDS`, default a year.
    pub hsts: Hsts,
    /// The gateway. `WEB_GATEWAY_URL`, default `http://127.0.0.1:8790`.
    pub gateway_url: Url,
    /// Who must have signed the gateway's certificate, if not anybody whom the system trusts.
    /// `WEB_GATEWAY_CA_FILE`.
    pub gateway_ca: Option<Authorities>,
    /// The key for the gateway, if it asks for one. `WEB_API_KEY` or `WEB_API_KEY_FILE`.
    pub api_key: Option<SecretString>,
    /// Whether cookies are for https alone, and this host's. `WEB_COOKIE_SECURE`, default `auto`.
    pub cookie_secure: CookieSecure,
    /// How many answers are followed at once. `WEB_MOST_ANSWERS`, default 10,000.
    pub most_answers: usize,
    /// Whether every piece of the pages is shown at `/gallery`. `WEB_GALLERY`, default `off`.
    pub gallery: Gallery,
    /// How long new connections are still answered at the end. `WEB_LAME_DUCK_MS`, default 0.
    pub lame_duck: Duration,
    /// Longest time for answers in hand at the end. `WEB_DRAIN_MS`, default 30 s.
    pub drain_time: Duration,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// Every problem at once.
    pub fn from_env(env: &Env) -> Result<Self, Problems> {
        let mut read = env.reader();
        let listen = read.address_or(LISTEN, "127.0.0.1:8780");
        let health_listen = read.address_or(HEALTH_LISTEN, "127.0.0.1:8793");
        let allowed_hosts = AllowedHosts::read(&mut read, ALLOWED_HOSTS, listen);
        let tls = Tls::read(&mut read, TLS_CERT, TLS_KEY);
        let trusted_proxies = TrustedProxies::read(&mut read, TRUSTED_PROXIES);
        let hsts = read.or(HSTS, Hsts::YEAR);
        let gateway_url = gateway_url(&mut read);
        let gateway_ca = Authorities::read(&mut read, GATEWAY_CA);
        let api_key = api_key(&mut read);
        let cookie_secure = read.or(COOKIE_SECURE, "auto");
        let most_answers = read.number_or(MOST_ANSWERS, 10_000, 1..=1_000_000);
        let gallery = read.or(GALLERY, "off");
        let lame_duck = read.number_or(LAME_DUCK_MS, 0, 0..=600_000);
        let drain_time = read.millis_or(DRAIN_MS, 30_000);

        read.finish(|| {
            Some(Self {
                listen: listen?,
                health_listen: health_listen?,
                allowed_hosts: allowed_hosts?,
                tls: tls?,
                trusted_proxies: trusted_proxies?,
                hsts: hsts?,
                gateway_url: gateway_url?,
                gateway_ca: gateway_ca?,
                api_key: api_key?,
                cookie_secure: cookie_secure?,
                most_answers: most_answers?,
                gallery: gallery?,
                lame_duck: Duration::from_millis(lame_duck? as u64),
                drain_time: drain_time?,
            })
        })
    }
}

fn gateway_url(read: &mut Reader<'_>) -> Option<Url> {
    let url: Url = read.or(GATEWAY_URL, "http://127.0.0.1:8790")?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        let message = format!("`{url}` cannot be used: expected http://host:port");
        return read.problem(GATEWAY_URL, message);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return read.problem(GATEWAY_URL, "holds a password; put the key into `WEB_API_KEY`");
    }
    if url.path().trim_end_matches('/').ends_with("/v1") {
        return read.problem(GATEWAY_URL, format!("`{url}` is to be given without `/v1`"));
    }
    Some(url)
}

fn api_key(read: &mut Reader<'_>) -> Option<Option<SecretString>> {
    let key = read.secret(API_KEY)?;
    let usable =
        |key: &SecretString| key.expose_secret().bytes().all(|byte| byte.is_ascii_graphic());
    match key {
        Some(key) if !usable(&key) => {
            read.problem(API_KEY, "holds characters that no HTTP header can carry")
        }
        key => Some(key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_needs_no_settings() {
        let settings = Settings::from_env(&Env::default()).unwrap();

        assert_eq!(settings.listen.to_string(), "127.0.0.1:8780");
        assert_eq!(settings.gateway_url.as_str(), "http://127.0.0.1:8790/");
        assert_eq!(settings.drain_time, Duration::from_secs(30));
        assert!(settings.api_key.is_none());
        assert_eq!(settings.cookie_secure, CookieSecure::Auto);
        assert_eq!(settings.gallery, Gallery::Off);
    }

    #[test]
    fn every_problem_is_reported_at_once_and_no_secret_is_told() {
        let env = Env::from([
            (LISTEN, "here"),
            (HEALTH_LISTEN, "1"),
            (ALLOWED_HOSTS, "chat.example:80"),
            (TLS_CERT, "/nowhere/cert.pem"),
            (TLS_KEY, "/nowhere/key.pem"),
            (TRUSTED_PROXIES, "proxy"),
            (HSTS, "1y"),
            (GATEWAY_URL, "ftp://x"),
            (GATEWAY_CA, "/nowhere/ca.pem"),
            (API_KEY, "canary\n"),
            (COOKIE_SECURE, "off"),
            (MOST_ANSWERS, "0"),
            (GALLERY, "yes"),
            (LAME_DUCK_MS, "-1"),
            (DRAIN_MS, "0"),
        ]);

        let problems = Settings::from_env(&env).unwrap_err();

        assert_eq!(
            problems.names(),
            [
                LISTEN,
                HEALTH_LISTEN,
                ALLOWED_HOSTS,
                TLS_CERT,
                TRUSTED_PROXIES,
                HSTS,
                GATEWAY_URL,
                GATEWAY_CA,
                API_KEY,
                COOKIE_SECURE,
                MOST_ANSWERS,
                GALLERY,
                LAME_DUCK_MS,
                DRAIN_MS
            ]
        );
        assert!(!problems.to_string().contains("canary"));
    }

    #[test]
    fn the_address_of_the_gateway_is_that_of_the_gateway_and_nothing_more() {
        for url in ["http://a:8790/v1", "http://u:p@a", "file:///x", "nonsense"] {
            let problems = Settings::from_env(&Env::from([(GATEWAY_URL, url)])).unwrap_err();
            assert_eq!(problems.names(), [GATEWAY_URL], "{url}");
        }
    }
}
