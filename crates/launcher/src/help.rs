//! The variables that `--help` lists: those of every service in this process, each once.

use gateway::Gateway;
use llm_worker::Worker;
use model_simulator::Simulator;
use service_runtime::{Process, TELEMETRY_VARIABLES, Variable, variables_text};
use web::Web;

use crate::flags::DEFAULTS;
use crate::model_choice::KEY;

/// What only the launcher reads, and what is different where it runs.
const OURS: &[Variable] = &[
    Variable {
        name: KEY,
        default: "",
        about: "Key of the model server that --model-url names. MODEL_API_KEY_FILE names a file that holds it instead.",
    },
    Variable {
        name: "NATS_SERVER_BIN",
        default: "",
        about: "The nats-server to start. Unset: the first on PATH, else in the cache folder, else it is fetched.",
    },
    Variable {
        name: "NATS_URL",
        default: "",
        about: "NATS servers that run already (2.14 or newer, with JetStream), comma-separated. Unset: one is started.",
    },
    Variable {
        name: "NATS_NKEY_FILE",
        default: "",
        about: "With NATS_URL: file with an NKey seed whose user may do what all services do. The server that is started knows one for each service, in `credentials` of the data folder.",
    },
    Variable {
        name: "MODELS_FILE",
        default: "",
        about: "The catalogue: a TOML file that names the models, their queues and their upstreams. Unset: it is written for the models that are found.",
    },
    Variable {
        name: "CHAPPE_DATA_DIR",
        default: "",
        about: "Folder for the streams and the generated catalogue; one Chappe at a time. Unset: `chappe` in the user's data folder.",
    },
    Variable {
        name: "WEB_GATEWAY_URL",
        default: "",
        about: "Address of the gateway that the chat page asks, without /v1. Unset: the one in this process.",
    },
];

/// The list.
pub(crate) fn variables() -> String {
    let mut listed: Vec<Variable> = OURS.to_vec();
    for variable in of_services() {
        if listed.iter().all(|one| one.name != variable.name) {
            let ours = DEFAULTS.iter().find(|(name, _default)| *name == variable.name);
            let default = ours.map_or(variable.default, |(_name, default)| *default);
            listed.push(Variable { default, ..*variable });
        }
    }
    format!("Environment variables; a flag wins over its variable:\n{}", variables_text(&listed))
}

fn of_services() -> impl Iterator<Item = &'static Variable> {
    let services: [&'static [&'static [Variable]]; 5] = [
        <Gateway as Process>::VARIABLES,
        <Worker as Process>::VARIABLES,
        <Web as Process>::VARIABLES,
        <Simulator as Process>::VARIABLES,
        &[TELEMETRY_VARIABLES],
    ];
    services.into_iter().flatten().copied().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_is_listed_once_with_the_default_that_applies_here() {
        let text = variables();

        for variable in OURS.iter().chain(of_services()) {
            let lines =
                text.lines().filter(|line| line.trim().split(' ').next() == Some(variable.name));
            assert_eq!(lines.count(), 1, "{}", variable.name);
        }
        assert!(text.contains("SIMULATOR_LISTEN [default: 127.0.0.1:8799]"));
        for (name, default) in DEFAULTS {
            assert!(text.contains(&format!("{name} [default: {default}]")), "{name}");
        }
    }
}
