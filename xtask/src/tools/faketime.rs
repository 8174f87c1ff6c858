//! What gives a program another time than its machine has.

use std::fs;
use std::path::PathBuf;

use crate::environment;
use crate::run::Log;
use crate::tools::{Missing, apt};

const NONE: &str = "no libfaketime: what becomes of wrong clocks is not known (Debian: apt-get install libfaketime), or name it with LIBFAKETIME";

/// The library: `LIBFAKETIME`, or where Debian has it, installed where we may install.
pub(crate) fn find(log: &mut Log) -> anyhow::Result<PathBuf> {
    if let Some(named) = environment::variable("LIBFAKETIME") {
        let path = PathBuf::from(&named);
        anyhow::ensure!(path.is_file(), "LIBFAKETIME names `{named}`, which is no file");
        return Ok(path);
    }
    if installed().is_none() {
        apt::install(&["libfaketime"], log)?;
    }
    installed().ok_or_else(|| Missing(NONE.to_owned()).into())
}

fn installed() -> Option<PathBuf> {
    // A folder for each kind of machine.
    let folders = fs::read_dir("/usr/lib").ok()?.filter_map(Result::ok);
    let mut found = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    found.find(|path| path.is_file())
}
