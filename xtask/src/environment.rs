//! The environment, read here and nowhere else.
#![expect(clippy::disallowed_methods, reason = "a command for developers has no settings to read")]

use std::path::{Path, PathBuf};

/// A variable that is set and not empty.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether a pipeline runs this: then nothing may be skipped.
pub(crate) fn in_pipeline() -> bool {
    variable("CI").is_some_and(|value| value != "false" && value != "0")
}

/// The folders of PATH.
pub(crate) fn path() -> Vec<PathBuf> {
    variable("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

/// PATH with `folder` before all others.
pub(crate) fn path_with(folder: &Path) -> String {
    joined(std::iter::once(folder.to_path_buf()).chain(path()))
}

/// Folders as PATH has them.
pub(crate) fn joined(folders: impl IntoIterator<Item = PathBuf>) -> String {
    let joined = std::env::join_paths(folders).unwrap_or_default();
    joined.to_string_lossy().into_owned()
}

/// Where programs are kept from one checkout to the next.
pub(crate) fn cache() -> PathBuf {
    let home = || PathBuf::from(variable("HOME").unwrap_or_default()).join(".cache");
    variable("XDG_CACHE_HOME").map_or_else(home, PathBuf::from).join("chappe")
}

/// The program `name` on PATH.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    path().into_iter().map(|folder| folder.join(&file)).find(|path| path.is_file())
}

/// Takes away what `cargo xtask` tells this program about its own package. Build scripts that ask
/// for the same names would run again, and everything above them be compiled again, whenever a
/// build is started from here and then by hand.
pub(crate) fn forget_this_package(command: &mut std::process::Command) {
    for (name, _value) in std::env::vars_os() {
        let told = name.to_string_lossy();
        if told.starts_with("CARGO_PKG_") || told.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
}
