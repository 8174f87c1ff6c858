//! The settings of everything in this process, checked before anything is started.

use std::path::PathBuf;

use bus::{Credentials, MODELS_FILE};
use contract::Catalogue;
use contract::permissions::Service;
use gateway::Gateway;
use llm_worker::Worker;
use model_simulator::Simulator;
use service_runtime::{Env, Problems, Process, telemetry_settings};
use web::Web;

use crate::data_dir;
use crate::flags::Flags;
use crate::model_choice::{self, Wish};

/// What is known before a model is chosen.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) telemetry: telemetry::Settings,
    pub(crate) data_dir: PathBuf,
    pub(crate) wish: Wish,
}

/// Reads all settings.
///
/// # Errors
///
/// Every problem at once, those of the services included.
pub(crate) fn read(flags: &Flags, env: &Env) -> Result<Asked, Problems> {
    let mut read = env.reader();
    let telemetry = read.include(telemetry_settings(env));
    let data_dir = read.include(data_dir::of(env));
    let wish = model_choice::wish(flags, &mut read);
    if matches!(wish, Some(Wish::Simulator | Wish::Anything)) {
        read.include(<Simulator as Process>::settings(env));
    }
    let services = match wish {
        Some(Wish::File(_)) => Services::read(env).map(|_settings| ()),
        _ => without_catalogue(env),
    };
    let services = read.include(services);
    read.finish(|| {
        services?;
        Some(Asked { telemetry: telemetry?, data_dir: data_dir?, wish: wish? })
    })
}

/// Checks the services' settings while their catalogue is still to be written.
fn without_catalogue(env: &Env) -> Result<(), Problems> {
    let env = env.clone().with(MODELS_FILE.name, "");
    let Err(Problems(mut problems)) = Services::read(&env) else { return Ok(()) };
    problems.retain(|problem| problem.name != MODELS_FILE.name);
    if problems.is_empty() { Ok(()) } else { Err(Problems(problems)) }
}

/// What the services are built with.
#[derive(Debug)]
pub(crate) struct Services {
    pub(crate) catalogue: Catalogue,
    pub(crate) nats: bus::Settings,
    /// Of whoever makes the key of the chat page.
    pub(crate) operator: bus::Settings,
    pub(crate) gateway: gateway::Settings,
    pub(crate) worker: llm_worker::Settings,
    pub(crate) web: web::Settings,
}

impl Services {
    /// Reads those of all services.
    ///
    /// # Errors
    ///
    /// Every problem at once.
    pub(crate) fn read(env: &Env) -> Result<Self, Problems> {
        let mut read = env.reader();
        let catalogue = bus::read_catalogue(&mut read);
        let nats = bus::Settings::read(&mut read);
        let gateway = read.include(<Gateway as Process>::settings(env));
        let worker = read.include(<Worker as Process>::settings(env));
        let web = read.include(<Web as Process>::settings(env));
        read.finish(|| {
            Some(Self {
                catalogue: catalogue?,
                operator: nats.clone()?,
                nats: nats?,
                gateway: gateway?,
                worker: worker?,
                web: web?,
            })
        })
    }

    /// Has all of them use the server at `url`, which knows these credentials.
    pub(crate) fn use_nats(&mut self, url: &str, credentials: &Credentials) {
        for (nats, service) in [
            (&mut self.nats, Service::NatsInit),
            (&mut self.operator, Service::Operator),
            (&mut self.gateway.nats, Service::Gateway),
            (&mut self.worker.nats, Service::LlmWorker),
        ] {
            nats.servers = bus::Servers::one(url);
            nats.nkey = credentials.key(service).cloned();
            nats.ca_file = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    fn problems(arguments: &[&str], env: Env) -> Vec<String> {
        let flags = Flags::parse_from([&["chappe"], arguments].concat());
        let env = env.with("HOME", "/home/user");
        let problems = read(&flags, &flags.over(env)).map(|_asked| ()).err();
        problems.into_iter().flat_map(|problems| problems.0).map(|one| one.name).collect()
    }

    #[test]
    fn all_problems_are_told_at_once_whoever_reads_the_setting() {
        let env = Env::from([
            ("LOG_FORMAT", "xml"),
            ("SIMULATOR_LISTEN", "here"),
            ("GATEWAY_LISTEN", "there"),
            ("WEB_HEALTH_LISTEN", "elsewhere"),
            ("NATS_URL", "ftp://x"),
        ]);

        let names = problems(&["--simulator"], env);

        let expected =
            ["LOG_FORMAT", "SIMULATOR_LISTEN", "NATS_URL", "GATEWAY_LISTEN", "WEB_HEALTH_LISTEN"];
        assert_eq!(names, expected);
    }

    #[test]
    fn only_a_catalogue_that_is_used_has_to_be_good() {
        let nowhere = || Env::from([("MODELS_FILE", "/nowhere/models.toml")]);

        assert_eq!(problems(&[], nowhere()), ["MODELS_FILE"], "once, though three read it");
        assert!(problems(&["--simulator"], nowhere()).is_empty());
        assert!(problems(&["--model-url", "http://127.0.0.1:1/v1"], nowhere()).is_empty());
        assert!(problems(&[], Env::default()).is_empty());
    }

    #[test]
    fn only_a_simulator_that_may_answer_has_to_be_set_up_well() {
        let bad = || Env::from([("SIMULATOR_TTFT_MS", "soon")]);

        assert_eq!(problems(&[], bad()), ["SIMULATOR_TTFT_MS"]);
        assert!(problems(&["--model-url", "http://127.0.0.1:1/v1"], bad()).is_empty());
    }

    #[test]
    fn an_address_and_its_key_are_checked_together() {
        let names = problems(
            &["--model-url", "127.0.0.1:1/v1"],
            Env::from([("MODEL_API_KEY_FILE", "/nowhere/key")]),
        );

        assert_eq!(names, ["MODEL_API_KEY_FILE", "--model-url"]);
    }
}
