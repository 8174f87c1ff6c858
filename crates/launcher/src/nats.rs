//! The nats-server behind everything: one of the user's, or one that we start.

use std::path::Path;

use nats_server::{Config, NatsServer, Places, Port};
use service_runtime::Env;

use crate::screen;

/// A server that answers, and its address. `None` when it is the user's own.
pub(crate) async fn ready(
    env: &Env,
    data_dir: &Path,
) -> anyhow::Result<(Option<NatsServer>, String)> {
    if let Some(url) = env.get("NATS_URL") {
        return Ok((None, url.to_owned()));
    }
    let places = Places::from_lookup(|name| env.get(name).map(str::to_owned));
    let binary = nats_server::find_or_fetch(&places, &screen::step).await?;
    let config =
        Config { port: Port::Preferred(4222), ..Config::new(binary, data_dir.join("nats")) };
    let server = NatsServer::start(config).await?;
    let url = server.url();
    screen::step(&format!("nats-server listens on {url}"));
    Ok((Some(server), url))
}

/// Completes when the server that we started ends; never when there is none.
pub(crate) async fn gone(server: &mut Option<NatsServer>) {
    match server {
        Some(server) => {
            let _status = server.exited().await;
        }
        None => std::future::pending().await,
    }
}
