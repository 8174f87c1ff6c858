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

/// What stands in the header of each of so many clients that have these keys.
pub(crate) async fn authorizations(keys: &[&str], clients: u32) -> Vec<String> {
    let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
    locally(async move {
        let (address, listener) = listener().await;
        tokio::task::spawn_local(generate(Load {
            target: Target { keys, ..Target::plain(&address) },
            api: Api::Chat,
            plan: PLAN,
            model: PLAN.model(),
            streaming: false,
            clients,
            ramp: Duration::ZERO,
            warm_up: Duration::ZERO,
            measured: Duration::from_secs(60),
            patience: Duration::from_secs(60),
        }));
        let (mut seen, mut held) = (Vec::new(), Vec::new());
        for _client in 0..clients {
            let (mut stream, _peer) = listener.accept().await.unwrap();
            let mut asked = String::new();
            while !asked.contains("\r\n\r\n") {
                let mut more = [0; 4096];
                let read = stream.read(&mut more).await.unwrap();
                asked.push_str(std::str::from_utf8(&more[..read]).unwrap());
            }
            let line = asked.lines().find_map(|line| line.strip_prefix("authorization: "));
            seen.push(line.unwrap().to_owned());
            // Each stays with its client, which would come again.
            held.push(stream);
        }
        seen.sort();
        seen
    })
    .await
}

/// Whether a key was admitted, when this is the status.
pub(crate) async fn admits(status: &'static str) -> anyhow::Result<bool> {
    locally(async move {
        let (address, listener) = listener().await;
        tokio::task::spawn_local(async move {
            let (mut stream, _peer) = listener.accept().await.unwrap();
            let mut asked = [0; 4096];
            let _read = stream.read(&mut asked).await.unwrap();
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        Caller::connect(&address).await?.admits("/", "key").await
    })
    .await
}
