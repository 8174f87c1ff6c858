//! The mock in this process, and a server that answers with what it is told.

use std::future::Future;
use std::time::Duration;

use bench::load::{Api, Caller, Load, Report, Rest, Target, generate};
use bench::tokens::Plan;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::LocalSet;

const PLAN: Plan = Plan { first: Duration::ZERO, gap: Duration::from_millis(2), tokens: 4 };

const HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

pub(crate) async fn locally<T>(work: impl Future<Output = T>) -> T {
    LocalSet::new().run_until(work).await
}

/// An address, and the listener for whoever serves it.
pub(crate) async fn listener() -> (String, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (listener.local_addr().unwrap().to_string(), listener)
}

pub(crate) async fn asked(address: &str, streaming: bool, clients: u32) -> Report {
    let load = Load {
        target: Target::plain(address),
        api: Api::Chat,
        plan: PLAN,
        model: PLAN.model(),
        streaming,
        clients,
        ramp: Duration::from_millis(20),
        warm_up: Duration::ZERO,
        measured: Duration::from_millis(200),
        patience: Duration::from_secs(20),
    };
    generate(load).await
}

/// Answers every connection with a stream of these pieces of text, and closes it.
async fn answer_with(listener: TcpListener, pieces: &'static [&'static str], end: &'static str) {
    loop {
        let (mut stream, _peer) = listener.accept().await.unwrap();
        let mut asked = [0; 4096];
        let _read = stream.read(&mut asked).await.unwrap();
        let chunk = |text: &&str| {
            format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
        };
        let body: String = pieces.iter().map(chunk).collect();
        stream.write_all(format!("{HEAD}{body}{end}").as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
    }
}

pub(crate) async fn heard(pieces: &'static [&'static str], end: &'static str) -> Report {
    locally(async move {
        let (address, listener) = listener().await;
        tokio::task::spawn_local(answer_with(listener, pieces, end));
        asked(&address, true, 1).await
    })
    .await
}

/// What is read of a response behind an event, when these are its events.
pub(crate) async fn read_on(after: u64, events: &'static [&'static str]) -> anyhow::Result<Rest> {
    locally(async move {
        let (address, listener) = listener().await;
        tokio::task::spawn_local(answer_with_events(listener, events));
        Caller::connect(&address).await?.read_on("resp_1", Some(after)).await
    })
    .await
}

async fn answer_with_events(listener: TcpListener, events: &'static [&'static str]) {
    let (mut stream, _peer) = listener.accept().await.unwrap();
    let mut asked = [0; 4096];
    let _read = stream.read(&mut asked).await.unwrap();
    let body: String = events.iter().map(|event| format!("event: x\ndata: {event}\n\n")).collect();
    stream.write_all(format!("{HEAD}{body}").as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
}
