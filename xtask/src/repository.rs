//! Where things are: the source, cargo's target folder, and our part of it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use serde_json::Value;

/// The checkout, as cargo sees it.
#[derive(Debug)]
pub(crate) struct Repository {
    root: PathBuf,
    target: PathBuf,
    test_targets: Vec<TestTarget>,
}

/// An integration test of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TestTarget {
    pub(crate) package: String,
    pub(crate) name: String,
}

impl Repository {
    /// Asks cargo.
    pub(crate) fn open() -> anyhow::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = root.parent().context("xtask lies in the workspace")?.to_path_buf();
        let output = Command::new("cargo")
            .args(["metadata", "--no-deps", "--locked", "--format-version", "1"])
            .current_dir(&root)
            .output()
            .context("cannot run `cargo metadata`")?;
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "`cargo metadata` failed:\n{said}");
        let metadata: Value = serde_json::from_slice(&output.stdout)?;
        let target = metadata["target_directory"].as_str().context("no target directory")?;
        Ok(Self { root, target: PathBuf::from(target), test_targets: test_targets(&metadata) })
    }

    /// The checkout.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The release programs.
    pub(crate) fn release(&self) -> PathBuf {
        self.built("release")
    }

    /// The programs that were built with this profile.
    pub(crate) fn built(&self, profile: &str) -> PathBuf {
        self.target.join(profile)
    }

    /// What measuring makes: results, logs, what others are installed into.
    pub(crate) fn bench(&self) -> PathBuf {
        self.target.join("bench")
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
