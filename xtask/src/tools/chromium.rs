//! Chromium, for the browser suite.

use std::path::PathBuf;

use crate::environment;
use crate::run::Log;
use crate::tools::{Missing, apt};

/// What it is called, in the order in which we try.
const NAMES: &[&str] = &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/// Where macOS keeps programs with windows.
const MACOS: &[&str] = &[
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/// The program: `CHROMIUM_BIN`, one on PATH, or installed where we may install.
pub(crate) fn find(log: &mut Log) -> anyhow::Result<PathBuf> {
    if let Some(named) = environment::variable("CHROMIUM_BIN") {
        let path = PathBuf::from(&named);
        anyhow::ensure!(path.is_file(), "CHROMIUM_BIN names `{named}`, which is no file");
        return Ok(path);
    }
    if let Some(found) = installed() {
        return Ok(found);
    }
    // Without a font every letter of a page is an empty box.
    if apt::install(&["chromium", "fonts-dejavu-core"], log)?
        && let Some(found) = installed()
    {
        return Ok(found);
    }
    Err(Missing("no Chromium: install it (Debian: apt-get install chromium; macOS: brew install --cask chromium) or name one with CHROMIUM_BIN".to_owned()).into())
}

fn installed() -> Option<PathBuf> {
    let on_path = NAMES.iter().find_map(|name| environment::on_path(name));
    on_path.or_else(|| MACOS.iter().map(PathBuf::from).find(|path| path.is_file()))
}
