//! The stack of compose.yaml, in containers: what it answers, and what becomes of it when they die.

use std::fs;

use anyhow::Context as _;
use serde_json::Value;

use crate::cases::Counts;
use crate::repository::Repository;
use crate::run::{Log, Run};
use crate::suites::black_box::{REQUIREMENTS, counted_by_pytest, pytest};
use crate::suites::{Endpoints, Suite};
use crate::tools::docker::Engine;
use crate::tools::nats;
use crate::tools::python::Python;

/// The tag of images that are made for tests, so that no other is mistaken for one of them.
const TAG: &str = "stack-under-test";
/// The images of others that these tests run; a model is not among them.
const OF_OTHERS: [&str; 3] = ["nats", "haproxy", "python"];
/// What names them.
const FILES: [&str; 2] = ["compose.yaml", "acceptance/compose/receiver.yaml"];

/// The short form: what takes no more than two minutes.
pub(super) fn suite(repository: &Repository, log: &mut Log) -> anyhow::Result<Counts> {
    let stack = Images::make(repository, log)?;
    stack.tested(Suite::Compose, &["-m", "not long"], |run| run, log)
}

/// The images of the stack, on an engine.
pub(crate) struct Images<'a> {
    repository: &'a Repository,
    engine: Engine,
    python: Python,
}

impl<'a> Images<'a> {
    /// Makes ours over the release programs, and sees that those of others are there.
    pub(crate) fn make(repository: &'a Repository, log: &mut Log) -> anyhow::Result<Self> {
        let engine = Engine::find(repository)?;
        let python = Python::with(repository, REQUIREMENTS, log)?;
        let images = Self { repository, engine, python };
        let programs = repository.release().display().to_string();
        // Elsewhere than on Linux, programs for containers are built in one.
        let built: &[&str] =
            if cfg!(target_os = "linux") { &["--programs", &programs] } else { &[] };
        let build = images.engine.run(images.python.program("python"));
        let build = build.arguments(["ci/build-images"]).arguments(built);
        let made = build.variable("CHAPPE_VERSION", TAG).succeeds(log)?;
        anyhow::ensure!(made, "the images are not built");
        have_images_of_others(repository, &FILES, &images.engine, log)?;
        Ok(images)
    }

    /// Runs the tests of a suite that starts containers of these images.
    pub(crate) fn tested(
        &self,
        suite: Suite,
        chosen: &[&str],
        told: impl FnOnce(Run) -> Run,
        log: &mut Log,
    ) -> anyhow::Result<Counts> {
        let run = pytest(&self.python, suite, self.repository).arguments(chosen);
        let logs = self.repository.made("logs").join(suite.name());
        if logs.exists() {
            // Of the run before.
            fs::remove_dir_all(&logs)?;
        }
        let run = run.variable("CHAPPE_VERSION", TAG).variable("ACCEPTANCE_LOGS", logs);
        let run = run.variable("ACCEPTANCE_PREVIOUS", self.repository.previous());
        counted_by_pytest(self.engine.told(told(run)), log)
    }

    /// Starts what a module of acceptance/support starts, asks it, and takes it down. It has two
    /// addresses: the entrance's, and that of one gateway, which speaks for itself about bad
    /// requests.
    pub(crate) fn with_a_stack<T>(
        &self,
        module: &str,
        told: impl Fn(Run) -> Run,
        ask: impl FnOnce(Endpoints, Endpoints) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let name = format!("chappe-black-box-{}", std::process::id());
        let stack = |word: &str| {
            let folder = self.repository.root().join("acceptance");
            let run = Run::new(self.python.program("python"), &folder);
            let run = run.arguments(["-m", module, word, &name]);
            self.engine.told(told(run)).variable("CHAPPE_VERSION", TAG).quietly()
        };
        let asked = stack("up").and_then(|said| {
            let said = serde_json::from_str(&said)?;
            ask(endpoints(&said, "gateway_url")?, endpoints(&said, "direct_url")?)
        });
        let ended = stack("down");
        let answer = asked?;
        ended?;
        Ok(answer)
    }
}

/// Sees that the images of others are there. What can be pulled from nowhere is stood in for.
pub(super) fn have_images_of_others(
    repository: &Repository,
    files: &[&str],
    engine: &Engine,
    log: &mut Log,
) -> anyhow::Result<()> {
    let docker = |arguments: &[&str]| engine.run("docker").arguments(arguments);
    let files = files.iter().flat_map(|file| ["--file", *file]);
    let named = docker(&["compose"]).arguments(files).arguments(["config", "--images"]);
    let named = named.variable("CHAPPE_RECEIVER_PORT", "0").quietly()?;
    for image in named.lines() {
        let (name, _tag) = image.split_once(':').unwrap_or((image, ""));
        let is_there = docker(&["image", "inspect", image]).quietly().is_ok();
        if is_there
            || !OF_OTHERS.contains(&name)
            || docker(&["pull", "--quiet", image]).quietly().is_ok()
        {
            continue;
        }
        let script = repository.root().join(".ci/stand-ins").join(name);
        let stand_in = engine.run(script).arguments([image]);
        let made = stand_in.variable("NATS_SERVER_BIN", nats::find()?).succeeds(log)?;
        anyhow::ensure!(made, "there is no image `{image}`");
    }
    Ok(())
}

/// Where a stack answers, as it says itself.
fn endpoints(said: &Value, gateway: &str) -> anyhow::Result<Endpoints> {
    let text = |name: &str| said[name].as_str().map(str::to_owned);
    Ok(Endpoints {
        gateway_url: text(gateway).context("no address of the gateway")?,
        web_url: text("web_url"),
        simulator_url: text("simulator_url"),
        api_key: text("api_key"),
    })
}
