//! What a browser loads for the chat page, compressed.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

/// What pages for operators load besides.
const OF_OPERATORS: &str = "operate";

/// Bytes after `gzip -9`, by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Assets {
    pub(crate) javascript: u64,
    pub(crate) css: u64,
}

/// All scripts and style sheets of the chat in `folder`, each compressed by itself, as it is sent.
pub(crate) fn measure(folder: &Path) -> anyhow::Result<Option<Assets>> {
    let mut assets = Assets::default();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.file_stem().is_some_and(|name| name == OF_OPERATORS) {
            continue;
        }
        let sum = match path.extension().and_then(|extension| extension.to_str()) {
            Some("js") => &mut assets.javascript,
            Some("css") => &mut assets.css,
            _ => continue,
        };
        // Read from standard input, so that no file name is in the result.
        let gzip = Command::new("gzip").args(["-9", "-c"]).stdin(fs::File::open(&path)?).output();
        let output = gzip.context("cannot run gzip")?;
        anyhow::ensure!(output.status.success(), "gzip failed on {}", path.display());
        *sum += output.stdout.len() as u64;
    }
    Ok(Some(assets))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_and_styles_are_counted_apart_and_pictures_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        for (name, size) in [("a.js", 5_000), ("b.js", 5_000), ("c.css", 100), ("d.svg", 9_000)] {
            fs::write(folder.path().join(name), "x".repeat(size)).unwrap();
        }

        // Not of the chat. Nothing of it would be compressed away.
        let of_operators: String = (0..5_000).map(|number| number.to_string()).collect();
        fs::write(folder.path().join("operate.js"), of_operators).unwrap();

        let assets = measure(folder.path()).unwrap().unwrap();

        assert!(assets.javascript > assets.css && assets.css > 18, "{assets:?}");
        assert!(assets.javascript < 200, "they are compressed: {assets:?}");
    }
}
