//! nats-server is killed and comes back.

use bus::{LinkState, Pulled};
use contract::JobId;

use crate::support::{declared, jobs, next, publish};

#[tokio::test]
async fn jobs_survive_the_death_of_the_server_and_everything_recovers_by_itself() {
    let (mut nats, bus) = declared().await;
    let mut source = jobs(&bus).await;
    let mut state = bus.state();
    publish(&bus, JobId::fresh(), "before").await.unwrap();

    nats.kill().await;
    state.wait_for(|state| *state == LinkState::Disconnected).await.unwrap();
    assert!(publish(&bus, JobId::fresh(), "during").await.is_err(), "an outage is no success");
    nats.restart().await;
    state.wait_for(|state| *state == LinkState::Connected).await.unwrap();

    let first = next(&mut source).await;
    assert_eq!(first.payload().as_ref(), b"before");
    first.ack().await.unwrap();
    publish(&bus, JobId::fresh(), "after").await.unwrap();
    let after = async {
        // What was published during the outage may or may not have been stored.
        loop {
            let delivery = next(&mut source).await;
            delivery.ack().await.unwrap();
            if delivery.payload().as_ref() == b"after" {
                break;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), after).await.unwrap();
}

#[tokio::test]
async fn a_standing_pull_notices_that_its_server_is_gone() {
    let (mut nats, bus) = declared().await;
    let mut source = jobs(&bus).await;
    source.request(4).await.unwrap();

    nats.kill().await;
    nats.restart().await;

    let limit = std::time::Duration::from_secs(30);
    let ended = tokio::time::timeout(limit, source.next()).await;
    let ended = ended.expect("a lost request is noticed, to be made again");
    assert!(matches!(ended, Pulled::Lost(_)), "{ended:?}");
    assert_eq!(source.outstanding(), 0);
    publish(&bus, JobId::fresh(), "after").await.unwrap();
    assert_eq!(next(&mut source).await.payload().as_ref(), b"after");
}

#[tokio::test]
async fn many_standing_requests_share_a_source_and_lose_no_job() {
    let (_nats, bus) = declared().await;
    let mut source = jobs(&bus).await;
    for slots in [1, 5, 10, 100] {
        source.request(slots).await.unwrap();
    }
    assert_eq!(source.outstanding(), 116);

    for number in 0..116 {
        publish(&bus, JobId::fresh(), &number.to_string()).await.unwrap();
    }

    for number in 0..116 {
        let delivery = next(&mut source).await;
        assert_eq!(delivery.payload().as_ref(), number.to_string().as_bytes());
        delivery.ack().await.unwrap();
    }
    assert_eq!(source.outstanding(), 0, "not one more than was asked for");
}
