//! Inputs that are kept in files.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::Target;

/// Bytes and where they are from.
#[derive(Debug, Clone)]
pub struct Input {
    /// The file.
    pub path: PathBuf,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// The seeds and the cases of a target, in order of their names.
///
/// # Errors
///
/// When a folder cannot be read, or there is no seed.
pub fn inputs_of(target: Target) -> anyhow::Result<Vec<Input>> {
    let mut found = read(&folder("seeds", target))?;
    anyhow::ensure!(!found.is_empty(), "`{}` has no seeds", target.name);
    let cases = folder("cases", target);
    if cases.is_dir() {
        found.extend(read(&cases)?);
    }
    Ok(found)
}

fn folder(kind: &str, target: Target) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(kind).join(target.name)
}

fn read(folder: &Path) -> anyhow::Result<Vec<Input>> {
    let mut inputs = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        inputs.push(Input { path, bytes });
    }
    inputs.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(inputs)
}
