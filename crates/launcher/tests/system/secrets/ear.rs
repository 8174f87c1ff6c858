//! Hears every message on a nats-server, byte for byte: subjects, headers and payloads.

use std::sync::{Arc, Mutex, PoisonError};

use service_runtime::Tasks;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What was heard so far.
#[derive(Clone, Default)]
pub(crate) struct Ear(Arc<Mutex<Vec<u8>>>);

impl Ear {
    /// Listens to everything, as an administrator may, from now on and until the server ends.
    pub(crate) async fn at(url: &str, tasks: &Tasks) -> Self {
        let address = url.strip_prefix("nats://").unwrap();
        let mut server = TcpStream::connect(address).await.unwrap();
        server
            .write_all(b"CONNECT {\"verbose\":false,\"headers\":true}\r\nSUB > 1\r\nPING\r\n")
            .await
            .unwrap();
        let ear = Self::default();
        let mut buffer = vec![0; 64 * 1024];
        while !ear.has_heard(b"PONG") {
            let length = server.read(&mut buffer).await.unwrap();
            assert!(length > 0, "the server does not let us listen");
            ear.hear(&buffer[..length]);
        }
        let listening = ear.clone();
        tasks.spawn_detached(async move {
            while let Ok(length) = server.read(&mut buffer).await {
                if length == 0 {
                    return;
                }
                let heard = &buffer[..length];
                listening.hear(heard);
                // One too many does no harm: it could be a payload that says so.
                if heard.windows(6).any(|window| window == b"PING\r\n") {
                    let _answered = server.write_all(b"PONG\r\n").await;
                }
            }
        });
        ear
    }

    fn hear(&self, bytes: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
    }

    pub(crate) fn has_heard(&self, text: &[u8]) -> bool {
        self.heard().windows(text.len()).any(|window| window == text)
    }

    pub(crate) fn heard(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
