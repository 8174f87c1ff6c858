//! A stream that is there and acknowledges nothing, as one does whose disk is full.

use std::time::Duration;

use bus::{AppendError, Required};
use contract::streams;
use service_runtime::{Health, Shutdown};

use crate::support::{change_logs, declared, fresh_log, record};

/// Longer than it takes to look.
const LIMIT: Duration = Duration::from_secs(30);

async fn becomes(health: &Health, ready: bool) {
    let looking = async {
        while health.is_ready() != ready {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(LIMIT, looking).await.expect("another readiness");
}

#[tokio::test]
async fn a_stream_that_acknowledges_nothing_is_noticed_and_so_is_its_end() {
    let (nats, bus) = declared().await;
    let (health, until) = (Health::new(), Shutdown::manual());
    health.started();
    let (watched, seen, end) = (bus.clone(), health.clone(), until.clone());
    #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
    let watching = tokio::spawn(async move {
        let required = Required { streams: vec![streams::LOGS.to_owned()], queues: Vec::new() };
        watched.watch_required(&required, &seen, &end).await;
    });

    change_logs(&nats, |config| config.no_ack = true).await;
    for _try in 0..2 {
        let silent = bus.append(&fresh_log(), 0, record(0)).await.unwrap_err();
        let AppendError::Unknown(why) = silent else { panic!("{silent}") };
        assert!(why.contains("the stream `LOGS` acknowledges nothing"), "{why}");
    }
    assert!(!bus.is_storing());
    becomes(&health, false).await;

    change_logs(&nats, |config| config.no_ack = false).await;
    bus.append(&fresh_log(), 0, record(0)).await.unwrap();
    assert!(bus.is_storing());
    becomes(&health, true).await;
    until.request();
    watching.await.unwrap();
}
