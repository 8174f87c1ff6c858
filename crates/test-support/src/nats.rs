//! A nats-server of a test's own, which can be killed and started again.

use std::fs;
use std::path::{Path, PathBuf};

use bus::Credentials;
use contract::permissions::Service;
use nats_server::{Config, NatsServer, Places, Port};
use tempfile::TempDir;

/// Whoever shows no credentials, such as the test itself: it may do everything.
const TEST: &str = "test";
/// What the server's log says of what it did not permit.
const REFUSED: &str = "Violation";
/// What it says of an answer to a question that it has forgotten, as it does when it restarts.
const LATE_ANSWER: [&str; 2] = ["Publish Violation", "\"_INBOX_"];

/// A server with JetStream, its data in a folder of its own. Dropping it kills it.
///
/// Services have their own credentials, and may do with them what they need and nothing else. What
/// was refused fails the test, unless it says that it expects that.
#[derive(Debug)]
pub struct TestNats {
    server: Option<NatsServer>,
    config: Config,
    credentials: Credentials,
    expects_refusals: bool,
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
        let credentials =
            Credentials::make(&folder.path().join("credentials")).expect("credentials");
        let binary = nats_server::find_or_fetch(&places(), &|_step: &str| {}).await;
        let mut config = Config {
            port: Port::Free,
            max_payload_bytes: bytes,
            more: with_the_test(&credentials.server_config(None)),
            ..Config::new(binary.expect("a nats-server"), folder.path().join("nats"))
        };
        let server = NatsServer::start(config.clone()).await.expect("a running nats-server");
        config.port = Port::Exactly(server.port());
        Self { server: Some(server), config, credentials, expects_refusals: false, folder }
    }

    /// Says that the test is about what is not permitted.
    #[must_use]
    pub fn expecting_refusals(mut self) -> Self {
        self.expects_refusals = true;
        self
    }

    /// Its address, the same after a restart.
    pub fn url(&self) -> String {
        match self.config.port {
            Port::Exactly(port) => format!("nats://127.0.0.1:{port}"),
            Port::Preferred(_) | Port::Free => panic!("the port is known once it has started"),
        }
    }

    /// How a service reaches it, with its own credentials.
    pub fn settings(&self, service: Service) -> bus::Settings {
        let nkey = self.credentials.key(service).cloned();
        assert!(nkey.is_some(), "{service:?} has credentials");
        bus::Settings { nkey, ..bus::Settings::bare(self.url()) }
    }

    /// The file with the seed of a service.
    pub fn nkey_file(&self, service: Service) -> PathBuf {
        self.credentials.seed_file(service)
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.server.as_ref().and_then(NatsServer::pid).expect("a running nats-server")
    }

    /// Kills it (SIGKILL).
    pub async fn kill(&mut self) {
        self.server.take().expect("a running nats-server").kill().await;
        self.has_refused_nothing();
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

    fn has_refused_nothing(&self) {
        let log = fs::read_to_string(self.config.data_dir.join("nats-server.log"));
        let log = log.unwrap_or_default();
        let is_late = |line: &str| LATE_ANSWER.iter().all(|part| line.contains(part));
        let refused = log.lines().filter(|line| line.contains(REFUSED) && !is_late(line));
        let refused: Vec<&str> = refused.collect();
        assert!(self.expects_refusals || refused.is_empty(), "not permitted: {refused:#?}");
    }
}

impl Drop for TestNats {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.has_refused_nothing();
        }
    }
}

/// The same users and one more, who may do everything and shows nothing.
fn with_the_test(config: &str) -> String {
    let user = format!("users: [\n    {{ user: {TEST}, password: {TEST} }}\n");
    let with = config.replacen("users: [\n", &user, 1);
    assert_ne!(with, config, "users are listed otherwise by now");
    format!("{with}no_auth_user: {TEST}\n")
}

#[expect(clippy::disallowed_methods, reason = "tests have no settings of their own")]
fn places() -> Places {
    Places::from_lookup(|name| std::env::var(name).ok())
}
