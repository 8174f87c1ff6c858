//! A first question that was not taken: the conversation that was begun for it is not left empty.

use std::time::Duration;

use service_runtime::Tasks;
use tokio::time::{sleep, timeout};

use super::NotSent;
use crate::gateway_client::{OnBehalf, Once, Refused};
use crate::ids::ConversationId;

/// How long whoever asked waits for it to be put away.
const PATIENCE: Duration = Duration::from_secs(3);
/// When it is tried again behind their back: a gateway that is away may be long in coming back.
const AGAIN_AFTER: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(10),
    Duration::from_secs(60),
    Duration::from_secs(600),
];
/// The same where the question may have been taken: whoever sends it again has done so by then, and
/// then it stands in this very conversation.
const LOOKS_AFTER: [Duration; 2] = [Duration::from_secs(600), Duration::from_secs(3600)];

/// Why a question was not sent for which this conversation was begun.
pub(super) async fn not_taken(
    tasks: &Tasks,
    gateway: &OnBehalf,
    conversation: ConversationId,
    refused: Refused,
) -> NotSent {
    let is_open = refused.may_have_been_done();
    if is_open && timeout(PATIENCE, is_empty(gateway, &conversation)).await != Ok(true) {
        put_away_later(tasks, gateway, conversation, &LOOKS_AFTER, If::Empty);
        return NotSent::Refused(refused);
    }
    if timeout(PATIENCE, is_deleted(gateway, &conversation)).await != Ok(true) {
        put_away_later(tasks, gateway, conversation, &AGAIN_AFTER, If::Anyhow);
    }
    NotSent::NotTaken(refused)
}

/// Why no conversation was begun. One that was, though nobody heard of it, is named by the same form.
pub(super) async fn not_begun(
    tasks: &Tasks,
    gateway: &OnBehalf,
    once: &Once,
    refused: Refused,
) -> NotSent {
    // A form without a name would begin another.
    if refused.may_have_been_done()
        && !once.as_str().is_empty()
        && let Ok(Ok(conversation)) = timeout(PATIENCE, gateway.begin(once)).await
    {
        return not_taken(tasks, gateway, conversation, refused).await;
    }
    NotSent::Refused(refused)
}

/// What has to be so before it is deleted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum If {
    /// Nothing stands in it.
    Empty,
    /// That nothing does is known.
    Anyhow,
}

/// Deletes it behind the reader's back, once that can be done.
fn put_away_later(
    tasks: &Tasks,
    gateway: &OnBehalf,
    conversation: ConversationId,
    after: &'static [Duration],
    condition: If,
) {
    let gateway = gateway.clone();
    // Of no span: that of the question would not end before it.
    tasks.spawn_detached(async move {
        for wait in after {
            sleep(*wait).await;
            let is_due = condition == If::Anyhow || is_empty(&gateway, &conversation).await;
            if is_due && is_deleted(&gateway, &conversation).await {
                return;
            }
        }
    });
}

/// Whether nothing was asked in it, as far as the gateway tells.
async fn is_empty(gateway: &OnBehalf, conversation: &ConversationId) -> bool {
    gateway.turns(conversation, None, None, 1).await.is_ok_and(|page| page.turns.is_empty())
}

async fn is_deleted(gateway: &OnBehalf, conversation: &ConversationId) -> bool {
    let deleted = gateway.delete(conversation).await;
    if let Err(error) = &deleted {
        tracing::debug!("an empty conversation was not deleted: {error:?}");
    }
    deleted.is_ok()
}
