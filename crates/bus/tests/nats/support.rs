//! What the tests start with.

use std::time::Duration;

use bus::{Bus, Delivery, JobSource, Pulled, Settings};
use bytes::Bytes;
use contract::{JobId, Lane, QueueName, TenantName};
use test_support::TestNats;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tracing::Span;

/// A declared bus over a server of its own.
pub(crate) async fn declared() -> (TestNats, Bus) {
    let nats = TestNats::start().await;
    let bus = connect(&nats).await;
    bus::declare(&bus, &[queue()], 1).await.unwrap();
    (nats, bus)
}

pub(crate) async fn connect(nats: &TestNats) -> Bus {
    Bus::connect("test", &Settings::bare(nats.url())).await.unwrap()
}

pub(crate) fn queue() -> QueueName {
    QueueName::default_queue()
}

pub(crate) async fn jobs(bus: &Bus) -> JobSource {
    bus.jobs(Lane::Chat, &queue()).await.unwrap()
}

pub(crate) async fn publish(bus: &Bus, job: JobId, payload: &str) -> Result<(), bus::BusError> {
    let payload = Bytes::from(payload.to_owned());
    bus.publish_job(Lane::Chat, &queue(), &TenantName::local(), job, payload, &Span::none()).await
}

/// The next delivery, asked for again whenever the request was lost.
pub(crate) async fn next(source: &mut JobSource) -> Delivery {
    let limit = Duration::from_secs(60);
    let job = async {
        loop {
            if source.outstanding() == 0 {
                source.request(1).await.unwrap();
            }
            if let Pulled::Job(delivery) = source.next().await {
                return delivery;
            }
        }
    };
    tokio::time::timeout(limit, job).await.expect("a job within a minute")
}

/// Greets as a nats-server of that kind does, and answers pings.
pub(crate) async fn greeting_with(info: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("nats://{}", listener.local_addr().unwrap());
    let info = format!(
        "INFO {{\"server_id\":\"x\",\"server_name\":\"x\",\"host\":\"127.0.0.1\",\"port\":1,\
         \"headers\":true,\"max_payload\":1048576,\"proto\":1,{info}}}\r\n"
    );
    #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
    tokio::spawn(async move {
        let (mut stream, _peer) = listener.accept().await.unwrap();
        stream.write_all(info.as_bytes()).await.unwrap();
        let mut buffer = [0_u8; 4096];
        while let Ok(read @ 1..) = stream.read(&mut buffer).await {
            if buffer[..read].windows(4).any(|window| window == b"PING") {
                stream.write_all(b"PONG\r\n").await.unwrap();
            }
        }
    });
    url
}
