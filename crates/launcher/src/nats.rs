//! The nats-server behind everything: one of the user's, or one that we start.

use std::path::Path;

use bus::Credentials;
use nats_server::{Config, NatsServer, Places, Port};
use service_runtime::Env;

use crate::{data_dir, screen};

/// A server that answers, and what the services show it. `None` when it is the user's own, who has
/// said how it is reached.
pub(crate) async fn ready(
    env: &Env,
    data_dir: &Path,
) -> anyhow::Result<Option<(NatsServer, Credentials)>> {
    if env.get("NATS_URL").is_some() {
        return Ok(None);
    }
    let places = Places::from_lookup(|name| env.get(name).map(str::to_owned));
    let binary = nats_server::find_or_fetch(&places, &screen::step).await?;
    let credentials = Credentials::make(&data_dir::credentials(data_dir))?;
    let config = Config {
        port: Port::Preferred(4222),
        more: credentials.server_config(None),
        ..Config::new(binary, data_dir.join("nats"))
    };
    let server = NatsServer::start(config).await?;
    std::fs::write(data_dir::nats_url_file(data_dir), server.url())?;
    screen::step(&format!("nats-server listens on {}", server.url()));
    Ok(Some((server, credentials)))
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
