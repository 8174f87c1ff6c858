//! Where things are: the source, cargo's target folder, and our part of it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use serde_json::Value;

use crate::run::Run;

/// The flags of a program that needs no library of the system, as in the Dockerfile.
const STATIC: &str = "-C target-feature=+crt-static";

/// The checkout, as cargo sees it.
#[derive(Debug)]
pub(crate) struct Repository {
    root: PathBuf,
    target: PathBuf,
    test_targets: Vec<TestTarget>,
    static_for: Option<String>,
}

/// An integration test of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TestTarget {
    pub(crate) package: String,
    pub(crate) name: String,
}

/// The checkout.
pub(crate) fn root() -> anyhow::Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(here.parent().context("xtask lies in the workspace")?.to_path_buf())
}

impl Repository {
    /// Asks cargo.
    pub(crate) fn open() -> anyhow::Result<Self> {
        let root = root()?;
        let output = Command::new("cargo")
            .args(["metadata", "--no-deps", "--locked", "--format-version", "1"])
            .current_dir(&root)
            .output()
            .context("cannot run `cargo metadata`")?;
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "`cargo metadata` failed:\n{said}");
        let metadata: Value = serde_json::from_slice(&output.stdout)?;
        let target = metadata["target_directory"].as_str().context("no target directory")?;
        let target = PathBuf::from(target);
        let static_for = static_for(&root)?;
        Ok(Self { root, target, test_targets: test_targets(&metadata), static_for })
    }

    /// The checkout.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The release programs.
    pub(crate) fn release(&self) -> PathBuf {
        self.built("release")
    }

    /// The programs that [`Self::build`] built with this profile.
    pub(crate) fn built(&self, profile: &str) -> PathBuf {
        let folder = self.static_for.as_ref().map(|triple| self.target.join(triple));
        folder.as_ref().unwrap_or(&self.target).join(profile)
    }

    /// What cargo builds without being told how: it runs here and goes nowhere.
    pub(crate) fn of_this_machine(&self, profile: &str) -> PathBuf {
        self.target.join(profile)
    }

    /// Builds the programs of some packages as they ship: on Linux, where they go into images
    /// that hold nothing else, static.
    pub(crate) fn build(&self, profile: &str, packages: &[&str]) -> Run {
        let mut run = Run::new("cargo", &self.root);
        run = run.arguments(["build", "--profile", profile, "--locked", "--bins"]);
        if let Some(triple) = &self.static_for {
            // With a target named, flags are not for what runs during the build: procedural
            // macros cannot be static.
            run = run.arguments(["--target", triple]).variable("RUSTFLAGS", STATIC);
        }
        for package in packages {
            run = run.arguments(["--package", package]);
        }
        run
    }

    /// What measuring makes: results, logs, what others are installed into.
    pub(crate) fn bench(&self) -> PathBuf {
        self.target.join("bench")
    }

    /// What is made of earlier commits, to be compared with.
    pub(crate) fn previous(&self) -> PathBuf {
        self.target.join("previous")
    }

    /// What we make: logs, reports, screenshots, tools.
    pub(crate) fn made(&self, what: &str) -> PathBuf {
        self.target.join("xtask").join(what)
    }

    /// Every integration test.
    pub(crate) fn test_targets(&self) -> &[TestTarget] {
        &self.test_targets
    }
}

/// What a static build is built for: this machine, if its programs can be put into images.
fn static_for(root: &Path) -> anyhow::Result<Option<String>> {
    if !cfg!(all(target_os = "linux", target_env = "gnu")) {
        return Ok(None);
    }
    let host = Run::new("rustc", root).arguments(["--print", "host-tuple"]).quietly()?;
    Ok(Some(host.trim().to_owned()))
}

fn test_targets(metadata: &Value) -> Vec<TestTarget> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut found = Vec::new();
    for package in list(&metadata["packages"]) {
        for target in list(&package["targets"]) {
            if list(&target["kind"]).iter().any(|kind| kind == "test") {
                let (package, name) = (text(&package["name"]), text(&target["name"]));
                found.push(TestTarget { package, name });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn integration_tests_are_read_from_cargos_metadata() {
        let metadata = json!({"packages": [{"name": "bus", "targets": [
            {"name": "bus", "kind": ["lib"]},
            {"name": "jobs", "kind": ["test"]},
        ]}]});

        let expected = TestTarget { package: "bus".to_owned(), name: "jobs".to_owned() };
        assert_eq!(test_targets(&metadata), [expected]);
    }
}
