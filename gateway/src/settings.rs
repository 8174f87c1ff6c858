//! Everything the gateway can be told from outside. Read once, at start.

use std::net::SocketAddr;
use std::time::Duration;

use contract::Catalogue;
use service_runtime::{AllowedHosts, Env, Hsts, Problems, Reader, Tls, TrustedProxies, Variable};

use crate::http::CorsOrigins;

pub(crate) const LISTEN: Variable = Variable {
    name: "GATEWAY_LISTEN",
    default: "127.0.0.1:8790",
    about: "Where the API listens. Anything but loopback needs GATEWAY_AUTH=keys.",
};
pub(crate) const HEALTH_LISTEN: Variable = Variable {
    name: "GATEWAY_HEALTH_LISTEN",
    default: "127.0.0.1:8791",
    about: "Where /livez, /readyz, /startupz and /metrics are served.",
};
const AUTH: Variable = Variable {
    name: "GATEWAY_AUTH",
    default: "off",
    about: "`off`: everyone may call, on loopback only. `keys`: only who has an API key, which `chappe keys create` makes.",
};
const ROLES: Variable = Variable {
    name: "GATEWAY_ROLES",
    default: "api,chores",
    about: "What this gateway does, separated by commas. `api`: answers requests. `chores`: keeps what has ended for later, and looks for jobs that were lost. At least one gateway must do each.",
};
const ALLOWED_HOSTS: Variable = Variable {
    name: "GATEWAY_ALLOWED_HOSTS",
    default: "",
    about: "Host names, without ports and separated by commas, under which the API answers besides localhost and loopback addresses, and whose pages may call it. Unset on another address than loopback: all names.",
};
const TLS_CERT: Variable = Variable {
    name: "GATEWAY_TLS_CERT_FILE",
    default: "",
    about: "File of a certificate (PEM), with those of intermediate authorities behind it: the API then speaks TLS alone. A renewed one is taken up within half a minute.",
};
const TLS_KEY: Variable = Variable {
    name: "GATEWAY_TLS_KEY_FILE",
    default: "",
    about: "File of the certificate's key (PEM), without a password.",
};
const TRUSTED_PROXIES: Variable = Variable {
    name: "GATEWAY_TRUSTED_PROXIES",
    default: "",
    about: "Addresses and networks of proxies, separated by commas, whose X-Forwarded-For and X-Forwarded-Proto are believed. Unset: nobody's.",
};
const HSTS: Variable = Variable {
    name: "GATEWAY_HSTS_SECONDS",
    default: Hsts::YEAR,
    about: "How long browsers that came over TLS come back over TLS only, with every port of the host: seconds, told with Strict-Transport-Security; `off`: they are not told. 0 has them forget it.",
};
const CORS_ORIGINS: Variable = Variable {
    name: "GATEWAY_CORS_ORIGINS",
    default: "",
    about: "Origins, such as https://app.example, separated by commas, whose pages may call the API and read its answers; `*`, with GATEWAY_AUTH=keys: all. Unset: none.",
};
const BODY_LIMIT: Variable = Variable {
    name: "GATEWAY_BODY_LIMIT_BYTES",
    default: "33554432",
    about: "Largest request body, in bytes; 1024 to 1073741824.",
};
const BODIES_LIMIT: Variable = Variable {
    name: "GATEWAY_BODIES_LIMIT_BYTES",
    default: "134217728",
    about: "Most bytes of request bodies over 64 KiB that are held at once, of which one API key has half, and what is stored counts twice; 1048576 to 68719476736. One body has always room.",
};
const HEAD_WAIT: Variable = Variable {
    name: "GATEWAY_HEAD_WAIT_MS",
    default: "10000",
    about: "Longest wait for a worker's first word before a stream begins with comments, in milliseconds.",
};
const ANSWER_TIMEOUT: Variable = Variable {
    name: "GATEWAY_ANSWER_TIMEOUT_MS",
    default: "600000",
    about: "Longest wait for an answer that is not streamed, or for the next word of one that is, in milliseconds.",
};
const DRAIN: Variable = Variable {
    name: "GATEWAY_DRAIN_MS",
    default: "30000",
    about: "Longest wait at shutdown for open answers, in milliseconds; then they end with an error.",
};

const LAME_DUCK: Variable = Variable {
    name: "GATEWAY_LAME_DUCK_MS",
    default: "0",
    about: "How long new connections are still answered at shutdown, after readiness dropped, in milliseconds: as long as a load balancer takes to notice.",
};
const BROKER_SPANS: Variable = Variable {
    name: "GATEWAY_BROKER_SPANS_PERCENT",
    default: "10",
    about: "In how many percent of the traces nats-server tells what it did with a job, which is then a span; 0 to 100. Where no traces are sent, in none.",
};

/// Every variable that [`Settings::from_env`] reads.
pub(crate) const VARIABLES: &[&[Variable]] = &[
    &[
        LISTEN,
        HEALTH_LISTEN,
        AUTH,
        ROLES,
        ALLOWED_HOSTS,
        TLS_CERT,
        TLS_KEY,
        TRUSTED_PROXIES,
        HSTS,
        CORS_ORIGINS,
        BODY_LIMIT,
        BODIES_LIMIT,
        HEAD_WAIT,
        ANSWER_TIMEOUT,
        LAME_DUCK,
        DRAIN,
        BROKER_SPANS,
        bus::MODELS_FILE,
    ],
    bus::VARIABLES,
];

/// How long nothing may happen to an open log before its job is looked for.
const OPEN_LOG_QUIET: Duration = Duration::from_secs(30);

/// Who is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// Everybody who reaches it.
    Off,
    /// Whoever has an API key that counts.
    Keys,
}

/// What a gateway does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles {
    /// It answers requests.
    pub api: bool,
    /// It does what nobody waits for.
    pub chores: bool,
}

/// What a gateway needs to start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the API listens.
    pub listen: SocketAddr,
    /// Where the health port listens.
    pub health_listen: SocketAddr,
    /// Who is answered.
    pub auth: Auth,
    /// What it does.
    pub roles: Roles,
    /// Under which names the API answers.
    pub allowed_hosts: AllowedHosts,
    /// The certificate, if the API speaks TLS.
    pub tls: Option<Tls>,
    /// Whose word on clients counts.
    pub trusted_proxies: TrustedProxies,
    /// How long browsers come back over TLS only.
    pub hsts: Hsts,
    /// Whose pages may call and read, if any.
    pub cors_origins: Option<CorsOrigins>,
    /// Largest request body.
    pub body_limit_bytes: usize,
    /// Most bytes of large request bodies at once.
    pub bodies_limit_bytes: usize,
    /// Longest wait for the first word before a stream begins.
    pub head_wait: Duration,
    /// Longest wait for an answer, or for the next word of one.
    pub answer_timeout: Duration,
    /// How long new connections are still answered at shutdown.
    pub lame_duck: Duration,
    /// Longest wait at shutdown.
    pub drain: Duration,
    /// How long nothing may happen to an open log before its job is looked for. No variable: it is
    /// more than an accept may take.
    pub open_log_quiet: Duration,
    /// In how many percent of the traces NATS tells what it did with a job.
    pub broker_spans_percent: u32,
    /// How to reach NATS.
    pub nats: bus::Settings,
    /// The models.
    pub catalogue: Catalogue,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// Every problem at once.
    pub fn from_env(env: &Env) -> Result<Self, Problems> {
        let mut read = env.reader();
        let listen = read.address_or(LISTEN.name, LISTEN.default);
        let health_listen = read.address_or(HEALTH_LISTEN.name, HEALTH_LISTEN.default);
        let auth = auth(&mut read, listen);
        let roles = roles(&mut read);
        let allowed_hosts = AllowedHosts::read(&mut read, ALLOWED_HOSTS.name, listen);
        let tls = Tls::read(&mut read, TLS_CERT.name, TLS_KEY.name);
        let trusted_proxies = TrustedProxies::read(&mut read, TRUSTED_PROXIES.name);
        let hsts = read.or(HSTS.name, HSTS.default);
        let cors_origins = cors_origins(&mut read, auth);
        let body_limit_bytes = read.number_or(BODY_LIMIT.name, 33_554_432, 1024..=1_073_741_824);
        let bodies = 1_048_576..=68_719_476_736;
        let bodies_limit_bytes = read.number_or(BODIES_LIMIT.name, 134_217_728, bodies);
        let head_wait = read.millis_or(HEAD_WAIT.name, 10_000);
        let answer_timeout = read.millis_or(ANSWER_TIMEOUT.name, 600_000);
        let lame_duck = read.number_or(LAME_DUCK.name, 0, 0..=600_000);
        let drain = read.millis_or(DRAIN.name, 30_000);
        let broker_spans = read.number_or(BROKER_SPANS.name, 10, 0..=100);
        let catalogue = bus::read_catalogue(&mut read);
        let nats = bus::Settings::read(&mut read);
        read.finish(|| {
            Some(Self {
                auth: auth?,
                listen: listen?,
                health_listen: health_listen?,
                roles: roles?,
                allowed_hosts: allowed_hosts?,
                tls: tls?,
                trusted_proxies: trusted_proxies?,
                hsts: hsts?,
                cors_origins: cors_origins?,
                body_limit_bytes: body_limit_bytes?,
                bodies_limit_bytes: bodies_limit_bytes?,
                head_wait: head_wait?,
                answer_timeout: answer_timeout?,
                lame_duck: Duration::from_millis(lame_duck? as u64),
                drain: drain?,
                open_log_quiet: OPEN_LOG_QUIET,
                broker_spans_percent: u32::try_from(broker_spans?).unwrap_or(100),
                nats: nats?,
                catalogue: catalogue?,
            })
        })
    }
}

fn roles(read: &mut Reader<'_>) -> Option<Roles> {
    let mut roles = Roles { api: false, chores: false };
    for role in read.or::<String>(ROLES.name, ROLES.default)?.split(',').map(str::trim) {
        match role {
            "api" => roles.api = true,
            "chores" => roles.chores = true,
            other => {
                let message = format!("`{other}` cannot be used: expected `api`, `chores` or both");
                return read.problem(ROLES.name, message);
            }
        }
    }
    Some(roles)
}

/// Where nobody needs a key, every page that somebody opens on this machine could use the API.
fn cors_origins(read: &mut Reader<'_>, auth: Option<Auth>) -> Option<Option<CorsOrigins>> {
    let Some(list) = read.optional::<String>(CORS_ORIGINS.name)? else { return Some(None) };
    match CorsOrigins::parse(&list) {
        Ok(CorsOrigins::Any) if auth == Some(Auth::Off) => {
            let message = format!(
                "`*` lets every page in that somebody here opens, since {} is off: name the \
                 origins, or set {}=keys",
                AUTH.name, AUTH.name
            );
            read.problem(CORS_ORIGINS.name, message)
        }
        Ok(origins) => Some(Some(origins)),
        Err(invalid) => read.problem(CORS_ORIGINS.name, invalid.to_string()),
    }
}

/// Closed by default: without keys, nobody but this machine is answered.
fn auth(read: &mut Reader<'_>, listen: Option<SocketAddr>) -> Option<Auth> {
    match read.or::<String>(AUTH.name, AUTH.default)?.as_str() {
        "off" => match listen {
            Some(address) if !address.ip().is_loopback() => read.problem(
                AUTH.name,
                format!(
                    "is off, and {} is {address}, which others can reach: set {}=keys, and make \
                     a key with `chappe keys create NAME`; or listen on a loopback address, such \
                     as {}",
                    LISTEN.name, AUTH.name, LISTEN.default
                ),
            ),
            _ => Some(Auth::Off),
        },
        "keys" => Some(Auth::Keys),
        other => {
            read.problem(AUTH.name, format!("`{other}` cannot be used: expected `off` or `keys`"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(pairs: &[(&str, &str)]) -> Vec<String> {
        let env = pairs.iter().fold(Env::default(), |env, (name, value)| env.with(name, *value));
        let problems = Settings::from_env(&env).unwrap_err();
        problems.names().into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let names = problems(&[
            ("GATEWAY_LISTEN", "nowhere"),
            ("GATEWAY_AUTH", "maybe"),
            ("GATEWAY_ROLES", "api,cook"),
            ("GATEWAY_ALLOWED_HOSTS", "https://chat.example"),
            ("GATEWAY_TLS_KEY_FILE", "/nowhere/key.pem"),
            ("GATEWAY_TRUSTED_PROXIES", "proxy.example"),
            ("GATEWAY_HSTS_SECONDS", "1y"),
            ("GATEWAY_CORS_ORIGINS", "app.example"),
            ("GATEWAY_BODY_LIMIT_BYTES", "1"),
            ("GATEWAY_BODIES_LIMIT_BYTES", "1"),
            ("GATEWAY_DRAIN_MS", "soon"),
            ("GATEWAY_BROKER_SPANS_PERCENT", "101"),
        ]);

        let expected = [
            "GATEWAY_LISTEN",
            "GATEWAY_AUTH",
            "GATEWAY_ROLES",
            "GATEWAY_ALLOWED_HOSTS",
            "GATEWAY_TLS_CERT_FILE",
            "GATEWAY_TRUSTED_PROXIES",
            "GATEWAY_HSTS_SECONDS",
            "GATEWAY_CORS_ORIGINS",
            "GATEWAY_BODY_LIMIT_BYTES",
            "GATEWAY_BODIES_LIMIT_BYTES",
            "GATEWAY_DRAIN_MS",
            "GATEWAY_BROKER_SPANS_PERCENT",
            "MODELS_FILE",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn a_gateway_does_everything_unless_told_otherwise() {
        let roles = |pairs: &[(&str, &str)]| {
            let env =
                pairs.iter().fold(Env::default(), |env, (name, value)| env.with(name, *value));
            let mut read = env.reader();
            roles(&mut read).unwrap()
        };

        assert_eq!(roles(&[]), Roles { api: true, chores: true });
        assert_eq!(roles(&[("GATEWAY_ROLES", "api")]), Roles { api: true, chores: false });
        assert_eq!(roles(&[("GATEWAY_ROLES", "chores, api")]), Roles { api: true, chores: true });
    }

    #[test]
    fn without_keys_not_every_page_is_let_in() {
        let any = ("GATEWAY_CORS_ORIGINS", "*");
        assert_eq!(problems(&[any]), ["GATEWAY_CORS_ORIGINS", "MODELS_FILE"]);
        assert_eq!(problems(&[any, ("GATEWAY_AUTH", "keys")]), ["MODELS_FILE"]);
        let one = ("GATEWAY_CORS_ORIGINS", "https://app.example");
        assert_eq!(problems(&[one]), ["MODELS_FILE"]);
    }

    #[test]
    fn without_keys_only_loopback_is_listened_on() {
        let open = problems(&[("GATEWAY_LISTEN", "0.0.0.0:8790")]);
        assert_eq!(open, ["GATEWAY_AUTH", "MODELS_FILE"]);
        let loopback = problems(&[("GATEWAY_LISTEN", "[::1]:8790")]);
        assert_eq!(loopback, ["MODELS_FILE"]);
        let keys = problems(&[("GATEWAY_LISTEN", "0.0.0.0:8790"), ("GATEWAY_AUTH", "keys")]);
        assert_eq!(keys, ["MODELS_FILE"]);
    }
}
