//! What is stored of somebody is erased, and nobody else's.

use contract::permissions::Service;
use contract::{Owner, streams};

use contract::JobId;
use contract::log::LogId;

use crate::support::{append, declared};

#[tokio::test]
async fn whatever_is_stored_of_an_owner_is_erased_and_nothing_of_others() {
    let (nats, bus) = declared().await;
    let [theirs, others] =
        ["a", "b"].map(|name| Owner { tenant: "t".parse().unwrap(), name: name.parse().unwrap() });
    let mut kept = Vec::new();
    for owner in [&theirs, &others] {
        let log = LogId { owner: owner.clone(), job: JobId::fresh() };
        append(&bus, &log, 0..2).await;
        for bucket in [streams::CONVERSATIONS, streams::RESPONSES, streams::IDEMPOTENCY] {
            let key = contract::subjects::response_key(&log);
            bus.records(bucket).await.unwrap().put(&key, "kept".into()).await.unwrap();
        }
        kept.push(log);
    }

    let operator = bus::Bus::connect("operator", &nats.settings(Service::Operator)).await.unwrap();
    let erased = operator.forget(&theirs).await.unwrap();

    assert_eq!(erased, 5);
    assert!(bus.last_entry(&kept[0]).await.unwrap().is_none());
    assert!(bus.last_entry(&kept[1]).await.unwrap().is_some());
    for bucket in [streams::CONVERSATIONS, streams::RESPONSES, streams::IDEMPOTENCY] {
        let records = bus.records(bucket).await.unwrap();
        let found = |log| contract::subjects::response_key(log);
        assert!(records.get(&found(&kept[0])).await.unwrap().is_none(), "{bucket}");
        assert!(records.get(&found(&kept[1])).await.unwrap().is_some(), "{bucket}");
    }
    assert_eq!(operator.refusals(), 0);
    assert_eq!(operator.forget(&theirs).await.unwrap(), 0, "nothing is left");
}
