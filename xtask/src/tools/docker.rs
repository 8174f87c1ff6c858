//! A Docker engine: the one that `docker` talks to, or one of our own.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::environment;
use crate::repository::Repository;
use crate::run::Run;
use crate::screen;
use crate::tools::apt;

/// Starts and stops an engine, as root on Debian.
const OWN: &str = ".ci/docker-engine";

/// What to do about it where there is none.
const NONE: &str = "no Docker engine answers `docker info`: start one (Docker Desktop; Debian: apt-get install docker.io docker-buildx), or leave this suite out by naming others with `--only`";

/// An engine that answers. One of our own ends when this is dropped, and what runs in it too.
#[derive(Debug)]
pub(crate) struct Engine {
    root: PathBuf,
    /// What the `docker` command has to find in its environment.
    variables: Vec<(String, String)>,
    /// The folder of an engine of our own.
    own: Option<PathBuf>,
}

impl Engine {
    /// One that runs, or else a new one where we may start it.
    ///
    /// Without one nothing is known of the images: that is a failure, and no suite that is left
    /// out.
    pub(crate) fn find(repository: &Repository) -> anyhow::Result<Self> {
        let root = repository.root().to_path_buf();
        let docker =
            Run::new("docker", &root).arguments(["info", "--format", "{{.ServerVersion}}"]);
        if environment::on_path("docker").is_some() && docker.quietly().is_ok() {
            return Ok(Self { root, variables: Vec::new(), own: None });
        }
        anyhow::ensure!(apt::is_for_us(), "{NONE}");
        let folder = repository.made("engine");
        screen::step("starting a Docker engine, since `docker info` finds none");
        let started = Run::new(root.join(OWN), &root)
            .arguments(["start", &folder.display().to_string()])
            .quietly();
        let said = started.context(NONE)?;
        Ok(Self { root, variables: exported(&said), own: Some(folder) })
    }

    /// A program that talks to it, or starts one that does.
    pub(crate) fn run(&self, program: impl AsRef<std::path::Path>) -> Run {
        self.told(Run::new(program, &self.root))
    }

    /// The same for a command that is made elsewhere.
    pub(crate) fn told(&self, run: Run) -> Run {
        self.variables.iter().fold(run, |run, (name, value)| run.variable(name, value))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(folder) = &self.own {
            let stop = Run::new(self.root.join(OWN), &self.root)
                .arguments(["stop", &folder.display().to_string()]);
            if let Err(error) = stop.quietly() {
                screen::line(&format!("the Docker engine does not stop: {error:#}"));
            }
        }
    }
}

/// The variables of lines such as `export PATH=/of/ours:$PATH`.
fn exported(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
    let path = environment::variable("PATH").unwrap_or_default();
    lines.map(|(name, value)| (name.to_owned(), value.replace("$PATH", &path))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_engine_of_our_own_exports_is_understood() {
        let read = exported("unpacking\nexport DOCKER_HOST=unix:///a\nexport PATH=/b/bin:$PATH\n");

        assert_eq!(read[0], ("DOCKER_HOST".to_owned(), "unix:///a".to_owned()));
        let (name, value) = &read[1];
        assert_eq!(name, "PATH");
        assert!(value.starts_with("/b/bin:/"), "{value}");
    }
}
