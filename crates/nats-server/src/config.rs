//! What a server is started with.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// What all streams together may reserve, in bytes: far more than ours do. Left to itself the
/// server takes three quarters of what is free when it starts, so streams that exist could no
/// longer be declared once the disk has filled up. Nothing is set aside for it on the disk.
const MAX_FILE_STORE: u64 = 1024 * 1024 * 1024 * 1024;

/// The port to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// This one, or a free one when it is taken.
    Preferred(u16),
    /// This one, or an error.
    Exactly(u16),
    /// A free one.
    Free,
}

/// What a server is started with. It listens on loopback and has JetStream.
#[derive(Debug, Clone)]
pub struct Config {
    /// The program.
    pub binary: PathBuf,
    /// Streams, log and configuration; made if it is not there. One server at a time.
    pub data_dir: PathBuf,
    /// The port.
    pub port: Port,
    /// Largest message; 8 MiB when nothing is said.
    pub max_payload_bytes: usize,
    /// More of the server's configuration, as it reads it: users and what each may do, TLS. None:
    /// whoever reaches it may do everything.
    pub more: String,
}

impl Config {
    /// A server of this program with its data there, on port 4222 if it is free.
    pub fn new(binary: impl Into<PathBuf>, data_dir: impl Into<PathBuf>) -> Self {
        Self {
            binary: binary.into(),
            data_dir: data_dir.into(),
            port: Port::Preferred(4222),
            max_payload_bytes: 8 * 1024 * 1024,
            more: String::new(),
        }
    }

    /// The text of the server's configuration file.
    pub(crate) fn text(&self, port: u16) -> String {
        let mut text = String::from("# Written at each start; changes are lost.\n");
        let store = quoted(&self.data_dir.join("jetstream"));
        let _infallible = write!(
            text,
            "listen: \"127.0.0.1:{port}\"\nserver_name: \"chappe\"\nmax_payload: {}\n\
             jetstream {{ store_dir: {store}, max_file_store: {MAX_FILE_STORE} }}\n",
            self.max_payload_bytes,
        );
        text.push_str(&self.more);
        text
    }
}

fn quoted(path: &Path) -> String {
    format!("\"{}\"", path.display().to_string().replace('\\', "\\\\").replace('"', "\\\""))
}
