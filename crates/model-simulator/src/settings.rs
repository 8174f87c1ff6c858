//! What the simulator can be told from outside. Read once, at start.

use std::net::SocketAddr;

use service_runtime::{Env, Problems, Variable};

/// The setting that moves the port.
pub(crate) const LISTEN: &str = "SIMULATOR_LISTEN";
const TTFT_MS: &str = "SIMULATOR_TTFT_MS";
const TOKEN_MS: &str = "SIMULATOR_TOKEN_MS";
const JITTER: &str = "SIMULATOR_JITTER";
const CONTEXT_TOKENS: &str = "SIMULATOR_CONTEXT_TOKENS";

/// Longest pause that can be set: one hour.
const LONGEST_PAUSE_MS: usize = 60 * 60 * 1000;

pub(crate) const VARIABLES: &[Variable] = &[
    Variable { name: LISTEN, default: "127.0.0.1:8799", about: "Where it answers." },
    Variable {
        name: TTFT_MS,
        default: "120",
        about: "Milliseconds from a request to the first token; 0 for none.",
    },
    Variable { name: TOKEN_MS, default: "25", about: "Milliseconds between tokens; 0 for none." },
    Variable {
        name: JITTER,
        default: "0.2",
        about: "How much each pause may differ, 0 to 1: at 0.2 a pause of 100 ms becomes 80 to 120. The same request has the same pauses.",
    },
    Variable {
        name: CONTEXT_TOKENS,
        default: "128000",
        about: "Longest prompt, in tokens of 4 characters; a longer one is refused with `context_length_exceeded`.",
    },
];

/// Everything the simulator can be told from outside. Requests may order otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Where it answers. `SIMULATOR_LISTEN`, default `127.0.0.1:8799`; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Milliseconds to the first token. `SIMULATOR_TTFT_MS`, default 120, at most one hour.
    pub ttft_ms: u32,
    /// Milliseconds between tokens. `SIMULATOR_TOKEN_MS`, default 25, at most one hour.
    pub token_ms: u32,
    /// Share by which a pause may differ, 0 to 1. `SIMULATOR_JITTER`, default 0.2.
    pub jitter: f64,
    /// Longest prompt in tokens of about 4 characters. `SIMULATOR_CONTEXT_TOKENS`, default
    /// 128,000.
    pub context_tokens: u64,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// Every problem at once.
    pub fn from_env(env: &Env) -> Result<Self, Problems> {
        let mut read = env.reader();
        let listen = read.address_or(LISTEN, "127.0.0.1:8799");
        let ttft_ms = read.number_or(TTFT_MS, 120, 0..=LONGEST_PAUSE_MS);
        let token_ms = read.number_or(TOKEN_MS, 25, 0..=LONGEST_PAUSE_MS);
        let jitter = match read.or::<f64>(JITTER, "0.2") {
            Some(jitter) if !(0.0..=1.0).contains(&jitter) => {
                read.problem(JITTER, format!("`{jitter}` is not between 0 and 1"))
            }
            other => other,
        };
        let context_tokens = read.number_or(CONTEXT_TOKENS, 128_000, 1..=1_000_000_000);

        read.finish(|| {
            Some(Self {
                listen: listen?,
                ttft_ms: u32::try_from(ttft_ms?).ok()?,
                token_ms: u32::try_from(token_ms?).ok()?,
                jitter: jitter?,
                context_tokens: context_tokens? as u64,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_needs_no_settings() {
        let settings = Settings::from_env(&Env::default()).unwrap();

        assert_eq!(settings.listen.to_string(), "127.0.0.1:8799");
        assert_eq!((settings.ttft_ms, settings.token_ms), (120, 25));
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let env = Env::from([
            (LISTEN, "here"),
            (TTFT_MS, "soon"),
            (TOKEN_MS, "-1"),
            (JITTER, "2"),
            (CONTEXT_TOKENS, "0"),
        ]);

        let problems = Settings::from_env(&env).unwrap_err();

        assert_eq!(problems.names(), [LISTEN, TTFT_MS, TOKEN_MS, JITTER, CONTEXT_TOKENS]);
    }
}
