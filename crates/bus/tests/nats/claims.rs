//! What gateways and workers say to each other.

use bus::{ClaimError, Mail};
use contract::{CancelJob, CancelReason, ClaimRequest, GatewayId, JobId, Verdict, WorkerId};
use futures::StreamExt as _;

use crate::support::declared;

#[tokio::test]
async fn a_claim_is_answered_by_the_gateway_it_names() {
    let (_nats, bus) = declared().await;
    let gateway = GatewayId::fresh();
    let mut mail = bus.gateway_mail(gateway).await.unwrap();
    let claim = ClaimRequest { job: JobId::fresh(), worker: WorkerId::fresh(), delivery: 1 };

    let answer = async {
        let Some(Mail::Claim(asked, reply)) = mail.next().await else { panic!("no claim came") };
        bus.reply(reply, &Verdict::Go { claim: 1 }).await.unwrap();
        asked
    };
    let (verdict, asked) = tokio::join!(bus.claim(gateway, &claim), answer);

    assert_eq!(verdict.unwrap(), Verdict::Go { claim: 1 });
    assert_eq!(asked, claim);
}

#[tokio::test]
async fn a_gateway_that_is_gone_is_told_at_once() {
    let (_nats, bus) = declared().await;
    let claim = ClaimRequest { job: JobId::fresh(), worker: WorkerId::fresh(), delivery: 1 };

    let error = bus.claim(GatewayId::fresh(), &claim).await.unwrap_err();

    assert!(matches!(error, ClaimError::NoGateway), "{error}");
}

#[tokio::test]
async fn events_and_cancellations_arrive_in_order() {
    let (_nats, bus) = declared().await;
    let (gateway, worker) = (GatewayId::fresh(), WorkerId::fresh());
    let mut mail = bus.gateway_mail(gateway).await.unwrap();
    let mut cancellations = bus.cancellations(worker).await.unwrap();

    for number in 0..100_u8 {
        bus.send_events(gateway, vec![number].into()).await.unwrap();
    }
    let cancel = CancelJob { job: JobId::fresh(), claim: 3, why: CancelReason::CallerLeft };
    bus.cancel(worker, &cancel).await.unwrap();

    for number in 0..100_u8 {
        let Some(Mail::Events(packed)) = mail.next().await else { panic!("no events came") };
        assert_eq!(packed.as_ref(), [number]);
    }
    assert_eq!(cancellations.next().await, Some(cancel));
}
