//! Asks again and again why an answer has said nothing yet.

use std::time::Duration;

use futures::{Stream, stream};
use tokio::time::sleep;

use crate::gateway_client::{OnBehalf, Refused};
use crate::ids::ResponseId;
use crate::waiting::Waiting;

/// Most answers have begun by then.
const FIRST_AFTER: Duration = Duration::from_secs(1);
const EVERY: Duration = Duration::from_secs(2);

/// What is heard, until something was said. Dropping it leaves no question on its way. Nobody is told
/// of what goes wrong here: that is seen where the answer is followed.
pub(super) fn asking(
    gateway: OnBehalf,
    response: ResponseId,
) -> impl Stream<Item = Waiting> + Send {
    stream::unfold(FIRST_AFTER, move |pause| {
        let (gateway, response) = (gateway.clone(), response.clone());
        async move {
            sleep(pause).await;
            loop {
                match gateway.waiting(&response).await {
                    Ok(Some(waiting)) => return Some((waiting, EVERY)),
                    Ok(None) => return None,
                    // Too many ask, and others with them: what stands there would be told for ever.
                    Err(Refused::Answered { status: 429, retry_after, .. }) => {
                        sleep(retry_after.unwrap_or(EVERY).max(EVERY)).await;
                    }
                    // It is gone, or its gateway does not know the question.
                    Err(Refused::Answered { status: 400..=499, .. }) => return None,
                    Err(_for_now) => sleep(EVERY).await,
                }
            }
        }
    })
}
