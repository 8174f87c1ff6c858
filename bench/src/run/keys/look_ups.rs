//! How often keys are looked up on NATS: everything that is asked of their bucket is heard along.
//!
//! Spoken here is as much of NATS's protocol as hearing takes: the client of the services is part of
//! what is measured.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Every way to ask for what is in the bucket of keys, and every change of it.
const SUBJECTS: [&str; 6] = [
    "$JS.API.STREAM.MSG.GET.KV_KEYS",
    "$JS.API.DIRECT.GET.KV_KEYS",
    "$JS.API.DIRECT.GET.KV_KEYS.>",
    "$JS.API.CONSUMER.*.KV_KEYS.>",
    "$JS.API.CONSUMER.MSG.NEXT.KV_KEYS.>",
    "$KV.KEYS.>",
];
/// Whoever listens. It may do nothing else, so that everybody may know its password.
const NAME: &str = "watch";
/// Longest wait for the server's first words.
const WITHIN: Duration = Duration::from_secs(10);

/// The users of a nats-server, and the watch.
pub(crate) fn with_the_watch(users: &str) -> anyhow::Result<String> {
    const BEGIN: &str = "users: [\n";
    let subjects = SUBJECTS.map(|subject| format!("\"{subject}\""));
    let user = format!(
        "{BEGIN}    {{ user: {NAME}, password: {NAME}, permissions: {{\n      \
         publish: {{ deny: [\">\"] }}\n      subscribe: {{ allow: [{}] }}\n    }} }}\n",
        subjects.join(", ")
    );
    anyhow::ensure!(users.contains(BEGIN), "users of nats-server are listed otherwise by now");
    Ok(users.replacen(BEGIN, &user, 1))
}

/// Hears and counts until it is dropped.
#[derive(Debug)]
pub(super) struct Watch {
    seen: Rc<Cell<u64>>,
    ended: Rc<RefCell<Option<anyhow::Error>>>,
    _hearing: JoinSet<()>,
}

impl Watch {
    /// Begins, at a server on this machine. Must run inside a [`tokio::task::LocalSet`].
    pub(super) async fn start(port: u16) -> anyhow::Result<Self> {
        let greeted = timeout(WITHIN, greet(port)).await;
        let (reader, writer) = greeted.context("nats-server does not greet")??;
        let (seen, ended) = (Rc::new(Cell::new(0)), Rc::new(RefCell::new(None)));
        let mut hearing = JoinSet::new();
        let (count, end) = (Rc::clone(&seen), Rc::clone(&ended));
        hearing.spawn_local(async move {
            if let Err(error) = hear(reader, writer, &count).await {
                *end.borrow_mut() = Some(error);
            }
        });
        Ok(Self { seen, ended, _hearing: hearing })
    }

    /// How many questions there were so far.
    pub(super) fn seen(&self) -> anyhow::Result<u64> {
        match self.ended.borrow_mut().take() {
            Some(error) => Err(error.context("the watch has ended")),
            None => Ok(self.seen.get()),
        }
    }
}

/// Connects and subscribes; what was published before is not heard.
async fn greet(port: u16) -> anyhow::Result<(BufReader<OwnedReadHalf>, OwnedWriteHalf)> {
    let (reader, mut writer) = TcpStream::connect(("127.0.0.1", port)).await?.into_split();
    let mut reader = BufReader::new(reader);
    let mut hello = format!(
        "CONNECT {{\"verbose\":false,\"pedantic\":false,\"headers\":true,\"lang\":\"bench\",\
         \"version\":\"0\",\"user\":\"{NAME}\",\"pass\":\"{NAME}\"}}\r\n"
    );
    for (number, subject) in SUBJECTS.iter().enumerate() {
        hello.push_str(&format!("SUB {subject} {number}\r\n"));
    }
    hello.push_str("PING\r\n");
    writer.write_all(hello.as_bytes()).await?;
    loop {
        let mut line = String::new();
        let read = reader.read_line(&mut line).await?;
        anyhow::ensure!(read > 0 && !line.starts_with("-ERR"), "nats-server says `{line}`");
        if line.trim_end() == "PONG" {
            return Ok((reader, writer));
        }
    }
}

async fn hear(
    mut reader: BufReader<OwnedReadHalf>,
    mut writer: OwnedWriteHalf,
    seen: &Cell<u64>,
) -> anyhow::Result<()> {
    let mut message = Vec::new();
    loop {
        let mut line = String::new();
        let read = reader.read_line(&mut line).await?;
        anyhow::ensure!(read > 0, "nats-server has closed the connection");
        match Said::of(&line)? {
            Said::Message { bytes } => {
                seen.set(seen.get() + 1);
                // Behind each stands the end of a line.
                message.resize(bytes + 2, 0);
                reader.read_exact(&mut message).await?;
            }
            Said::Ping => writer.write_all(b"PONG\r\n").await?,
            Said::Other => {}
        }
    }
}

/// A line of the server.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Message { bytes: usize },
    Ping,
    Other,
}

impl Said {
    fn of(line: &str) -> anyhow::Result<Self> {
        let mut words = line.split_ascii_whitespace();
        match words.next() {
            Some("MSG" | "HMSG") => {
                let bytes = words.last().and_then(|bytes| bytes.parse().ok());
                Ok(Self::Message { bytes: bytes.with_context(|| line.to_owned())? })
            }
            Some("PING") => Ok(Self::Ping),
            Some("-ERR") => anyhow::bail!("nats-server says `{}`", line.trim_end()),
            _ => Ok(Self::Other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_with_headers_and_without_say_how_long_they_are() {
        let plain = "MSG $JS.API.STREAM.MSG.GET.KV_KEYS 0 _INBOX_gateway.x.1 33\r\n";
        assert_eq!(Said::of(plain).unwrap(), Said::Message { bytes: 33 });
        assert_eq!(Said::of("HMSG $KV.KEYS.a 5 12 45\r\n").unwrap(), Said::Message { bytes: 45 });
        assert_eq!(Said::of("PING\r\n").unwrap(), Said::Ping);
        assert_eq!(Said::of("INFO {}\r\n").unwrap(), Said::Other);
        assert!(Said::of("-ERR 'Permissions Violation'\r\n").is_err());
    }

    #[test]
    fn the_watch_stands_before_the_users_that_are_there() {
        let users = "authorization {\n  users: [\n    # gateway\n    { nkey: U }\n  ]\n}\n";

        let with = with_the_watch(users).unwrap();

        assert!(with.contains("users: [\n    { user: watch,"), "{with}");
        assert!(with.ends_with("    # gateway\n    { nkey: U }\n  ]\n}\n"), "{with}");
        assert!(with_the_watch("authorization {}").is_err());
    }
}
