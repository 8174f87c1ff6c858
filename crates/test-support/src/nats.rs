//! A nats-server of a test's own, which can be killed and started again.

use std::path::Path;

use nats_server::{Config, NatsServer, Places, Port};
use tempfile::TempDir;

/// A server with JetStream, its data in a folder of its own. Dropping it kills it.
#[derive(Debug)]
pub struct TestNats {
    server: Option<NatsServer>,
    config: Config,
    folder: TempDir,
}

impl TestNats {
    /// Starts one on a free port.
    pub async fn start() -> Self {
        Self::with_max_payload(8 * 1024 * 1024).await
    }

    /// Starts one that takes messages of at most `bytes`.
    pub async fn with_max_payload(bytes: usize) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let binary = nats_server::find_or_fetch(&places(), &|_step: &str| {}).await;
        let mut config = Config {
            port: Port::Free,
            max_payload_bytes: bytes,
            ..Config::new(binary.expect("a nats-server"), folder.path().join("nats"))
        };
        let server = NatsServer::start(config.clone()).await.expect("a running nats-server");
        config.port = Port::Exactly(server.port());
        Self { server: Some(server), config, folder }
    }

    /// Its address, the same after a restart.
    pub fn url(&self) -> String {
        match self.config.port {
            Port::Exactly(port) => format!("nats://127.0.0.1:{port}"),
            Port::Preferred(_) | Port::Free => panic!("the port is known once it has started"),
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.server.as_ref().and_then(NatsServer::pid).expect("a running nats-server")
    }

    /// Kills it (SIGKILL).
    pub async fn kill(&mut self) {
        self.server.take().expect("a running nats-server").kill().await;
    }

    /// Starts it again with the same port and data.
    pub async fn restart(&mut self) {
        let server = NatsServer::start(self.config.clone()).await;
        self.server = Some(server.expect("a nats-server that starts again"));
    }

    /// Stops it in order.
    pub async fn stop(mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
    }

    /// A folder that lives as long as this server.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

#[expect(clippy::disallowed_methods, reason = "tests have no settings of their own")]
fn places() -> Places {
    Places::from_lookup(|name| std::env::var(name).ok())
}
