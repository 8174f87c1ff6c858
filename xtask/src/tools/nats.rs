//! A nats-server, found or fetched by the same code as `cargo run` uses.

use std::path::PathBuf;

use nats_server::{FindError, Places};

use crate::environment;
use crate::screen;
use crate::tools::Missing;

/// The program.
pub(crate) fn find() -> anyhow::Result<PathBuf> {
    let places = Places::from_lookup(environment::variable);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match runtime.block_on(nats_server::find_or_fetch(&places, &screen::step)) {
        Ok(path) => Ok(path),
        Err(nowhere @ FindError::Nowhere { .. }) => Err(Missing(nowhere.to_string()).into()),
        Err(named) => Err(named.into()),
    }
}
