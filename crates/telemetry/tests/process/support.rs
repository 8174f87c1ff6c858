//! A collector that listens on loopback, and a way to run one child test as a process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use telemetry::Identity;

pub(crate) const ALPHA: Identity =
    Identity { name: "alpha", version: "1.0.0", crate_target: "alpha" };
pub(crate) const BETA: Identity = Identity { name: "beta", version: "2.0.0", crate_target: "beta" };

const CHILD: &str = "TELEMETRY_TEST_CHILD";

/// Runs the test of this name in a process of its own, with these variables, and gives what it
/// wrote. In that process: runs `inside`, and gives nothing.
///
/// `inside` runs on a runtime of one thread, where a flush on that thread would wait for itself.
pub(crate) fn in_process<F: Future<Output = ()>>(
    test: &str,
    variables: &[(&str, &str)],
    inside: impl FnOnce() -> F,
) -> Option<Output> {
    if is_child() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(inside());
        return None;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env_remove("OTEL_EXPORTER_OTLP_ENDPOINT")
        .env("NO_PROXY", "127.0.0.1")
        .env(CHILD, "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{output:?}");
    Some(output)
}

#[expect(clippy::disallowed_methods, reason = "says which of its two parts a test plays")]
fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// Takes what exporters send, and answers 200.
pub(crate) struct Collector {
    pub(crate) endpoint: String,
    requests: Receiver<Request>,
}

/// One export.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
}

impl Collector {
    pub(crate) fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (sender, requests) = channel();
        thread::spawn(move || {
            for connection in listener.incoming() {
                let sender = sender.clone();
                thread::spawn(move || {
                    let mut connection = BufReader::new(connection.unwrap());
                    while let Some(request) = read(&mut connection) {
                        let _ = sender.send(request);
                        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                        connection.get_mut().write_all(answer).unwrap();
                    }
                });
            }
        });
        Self { endpoint, requests }
    }

    /// What was sent by a process that has ended: each request is kept before it is answered.
    pub(crate) fn received(&self) -> Vec<Request> {
        self.requests.try_iter().collect()
    }
}

fn read(connection: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    connection.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let (mut length, mut content_type) = (0, String::new());
    loop {
        line.clear();
        connection.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "content-type" => content_type = value.to_owned(),
            _ => (),
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).ok()?;
    Some(Request { path, content_type, body })
}
