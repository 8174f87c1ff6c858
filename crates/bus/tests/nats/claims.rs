//! What gateways and workers say to each other.

use bus::{ClaimError, ForWorker, Mail, Receipt};
use contract::window::Credit;
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
async fn mail_arrives_in_order_both_ways() {
    let (_nats, bus) = declared().await;
    let (gateway, worker) = (GatewayId::fresh(), WorkerId::fresh());
    let mut mail = bus.gateway_mail(gateway).await.unwrap();
    let mut for_worker = bus.worker_mail(worker).await.unwrap();

    for number in 0..100_u8 {
        let receipt = (number == 99).then_some(Receipt { worker, position: 7 });
        bus.send_events(gateway, vec![number].into(), receipt).await.unwrap();
    }
    let cancel = CancelJob { job: JobId::fresh(), claim: 3, why: CancelReason::CallerLeft };
    bus.cancel(worker, &cancel).await.unwrap();
    let credit = Credit { job: cancel.job, claim: 3, read: 5 };
    bus.credit(worker, &credit).await.unwrap();

    for number in 0..100_u8 {
        let Some(Mail::Events(packed, reply)) = mail.next().await else { panic!("no events") };
        assert_eq!(packed.as_ref(), [number]);
        if let Some(reply) = reply {
            bus.have_read(reply).await.unwrap();
        }
    }
    assert_eq!(for_worker.next().await, Some(ForWorker::Cancel(cancel)));
    assert_eq!(for_worker.next().await, Some(ForWorker::Credit(credit)));
    assert_eq!(for_worker.next().await, Some(ForWorker::Receipt(gateway, 7)));
}
