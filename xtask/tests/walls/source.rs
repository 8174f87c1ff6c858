//! The repository as the walls see it: files, members, dependencies.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One Rust file.
pub(crate) struct RustFile {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl RustFile {
    /// The text without comment lines: a comment may mention what the code may not.
    pub(crate) fn code(&self) -> String {
        let code = self.text.lines().filter(|line| !line.trim_start().starts_with("//"));
        code.collect::<Vec<_>>().join("\n")
    }
}

/// One package of the workspace.
pub(crate) struct Member {
    pub(crate) name: String,
    /// Its folder, relative to the repository.
    pub(crate) folder: String,
    pub(crate) manifest: String,
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The Rust files below `folder`.
pub(crate) fn rust_files(folder: &str) -> Vec<RustFile> {
    let prefix = if folder == "." { String::new() } else { format!("{folder}/") };
    let paths = tracked().into_iter().filter(|path| path.ends_with(".rs"));
    let paths = paths.filter(|path| path.starts_with(&prefix));
    paths.map(|path| RustFile { text: read(&path), path }).collect()
}

/// Every text file of the repository.
pub(crate) fn tracked_files() -> Vec<(String, String)> {
    let read = |path: String| Some((path.clone(), fs::read_to_string(root().join(path)).ok()?));
    tracked().into_iter().filter_map(read).collect()
}

/// What git tracks or would: so that a file counts before it is committed.
fn tracked() -> Vec<String> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git");
    assert!(output.status.success(), "git ls-files failed");
    let paths = String::from_utf8(output.stdout).unwrap();
    paths.lines().filter(|path| root().join(path).is_file()).map(str::to_owned).collect()
}

/// The packages of the workspace.
pub(crate) fn members() -> Vec<Member> {
    let manifests = tracked().into_iter().filter(|path| path.ends_with("/Cargo.toml"));
    let members = manifests.map(|path| {
        let manifest = read(&path);
        let name = manifest.lines().find_map(|line| line.strip_prefix("name = \""));
        let name = name.unwrap_or_else(|| panic!("{path} has no name")).trim_end_matches('"');
        let folder = path.trim_end_matches("/Cargo.toml").to_owned();
        Member { name: name.to_owned(), folder, manifest: manifest.clone() }
    });
    members.collect()
}

/// What somebody depends on for what.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dependencies {
    /// To run, on some system at least.
    Normal,
    /// To be tested.
    Dev,
    /// To be built.
    Build,
}

impl Member {
    /// The names of its dependencies.
    pub(crate) fn dependencies(&self, kind: Dependencies) -> Vec<String> {
        let name = match kind {
            Dependencies::Normal => "dependencies",
            Dependencies::Dev => "dev-dependencies",
            Dependencies::Build => "build-dependencies",
        };
        names_in(&self.manifest, |section| {
            let of_a_system = section.starts_with("target.");
            section == name || (of_a_system && section.ends_with(&format!(".{name}")))
        })
    }
}

/// The names in the root manifest.
pub(crate) fn workspace_dependencies() -> Vec<String> {
    names_in(&read("Cargo.toml"), |section| section == "workspace.dependencies")
}

/// The names in some sections of a manifest. A value over several lines is indented.
fn names_in(manifest: &str, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let mut inside = false;
    let mut names = Vec::new();
    for line in manifest.lines() {
        if let Some(section) = line.strip_prefix('[') {
            inside = wanted(section.trim_end_matches(']'));
        } else if inside && line.starts_with(|first: char| first.is_ascii_alphanumeric()) {
            names.extend(line.split(['.', ' ', '=']).next().map(str::to_owned));
        }
    }
    names
}
