//! Finds or installs what the suites need from outside. What cannot be had is [`Missing`]: the
//! suite is then skipped by name, and in a pipeline that is a failure.

pub(crate) mod apt;
pub(crate) mod cargo;
pub(crate) mod chromium;
pub(crate) mod debian;
pub(crate) mod docker;
pub(crate) mod faketime;
pub(crate) mod haproxy;
pub(crate) mod nats;
pub(crate) mod node;
pub(crate) mod python;
pub(crate) mod supply;

use std::fs;
use std::path::Path;

/// An outside program that is not here, with what to do about it.
#[derive(Debug)]
pub(crate) struct Missing(pub(crate) String);

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Missing {}

/// Whether something was made from exactly this.
fn made_from(stamp: &Path, what: &str) -> bool {
    fs::read_to_string(stamp).is_ok_and(|made_from| made_from == what)
}
