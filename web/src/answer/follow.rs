//! Follows one answer over whatever breaks on the way: connections, gateways, workers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::gateway_client::{Following, Interrupted, OnBehalf, Refused};
use crate::ids::{ConversationId, ResponseId};
use crate::said::{Ending, Said, Why};

/// Pauses between tries grow from one to the other.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// Longest wait that a gateway may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// Longest wait for a gateway to begin.
const BEGINS_WITHIN: Duration = Duration::from_secs(15);
/// After so long without a gateway, readers are told. The answer may go on all the same.
const GIVES_UP_AFTER: Duration = Duration::from_secs(120);
/// Whoever deletes a chat stops its answers first. When to look whether it is gone then.
const LOOKS: [Duration; 2] = [Duration::from_millis(150), Duration::from_millis(450)];
/// An end is not held back for longer.
const LOOKS_WITHIN: Duration = Duration::from_secs(2);

/// Everything that is said, in order, each once.
pub(super) struct Follower {
    gateway: OnBehalf,
    conversation: ConversationId,
    response: ResponseId,
    /// Whether somebody has stopped it here.
    stopped: Arc<AtomicBool>,
    following: Option<Box<Following>>,
    /// The number of the last event that was taken.
    last: Option<u64>,
    pause: Duration,
    /// Since when nothing was heard of a gateway.
    lost_since: Option<Instant>,
    over: bool,
}

impl Follower {
    /// `begun` is a connection over which it is told already, from its beginning.
    pub(super) fn new(
        gateway: OnBehalf,
        (conversation, response): (&ConversationId, &ResponseId),
        begun: Option<Box<Following>>,
        stopped: Arc<AtomicBool>,
    ) -> Self {
        Self {
            gateway,
            conversation: conversation.clone(),
            response: response.clone(),
            stopped,
            following: begun,
            last: None,
            pause: FIRST_PAUSE,
            lost_since: None,
            over: false,
        }
    }

    /// What is said next; `None` behind the end. Nothing is lost when this is dropped.
    pub(super) async fn next(&mut self) -> Option<Vec<Said>> {
        while !self.over {
            let Some(following) = &mut self.following else {
                if let Some(ending) = self.connect().await {
                    self.over = true;
                    return Some(vec![Said::End(self.why(ending).await)]);
                }
                continue;
            };
            match following.next().await {
                Ok((number, mut said)) => {
                    (self.last, self.lost_since, self.pause) = (Some(number), None, FIRST_PAUSE);
                    self.over = matches!(said.last(), Some(Said::End(_)));
                    if let Some(Said::End(ending)) = said.last_mut() {
                        *ending = self.why(ending.clone()).await;
                    }
                    return Some(said);
                }
                Err(Interrupted) => {
                    self.following = None;
                    if let Some(ending) = self.is_lost() {
                        self.over = true;
                        return Some(vec![Said::End(ending)]);
                    }
                }
            }
        }
        None
    }

    /// Tries to read on; an ending where that is of no use.
    async fn connect(&mut self) -> Option<Ending> {
        if self.lost_since.is_some() {
            sleep(self.pause).await;
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
        let following = self.gateway.follow(&self.response, self.last);
        match timeout(BEGINS_WITHIN, following).await.unwrap_or(Err(Refused::Silent)) {
            Ok(following) => {
                self.following = Some(Box::new(following));
                None
            }
            Err(Refused::Answered { status: 404, .. }) => Some(Ending::Lost(Why::Gone)),
            Err(Refused::Key(_)) => Some(Ending::Lost(Why::Key)),
            Err(refused) => {
                if let Refused::Answered { retry_after: Some(wait), .. } = refused {
                    self.pause = wait.clamp(self.pause, LONGEST_WAIT);
                }
                self.is_lost()
            }
        }
    }

    /// The same ending, unless it came because the chat was deleted.
    async fn why(&self, ending: Ending) -> Ending {
        let looks: &[Duration] = match ending {
            Ending::Stopped if !self.stopped.load(Ordering::Relaxed) => &LOOKS,
            Ending::Lost(Why::Gone) => &[Duration::ZERO],
            _ => &[],
        };
        let is_deleted = async {
            for pause in looks {
                sleep(*pause).await;
                let looked = self.gateway.conversation(&self.conversation).await;
                if matches!(looked, Err(Refused::Answered { status: 404, .. })) {
                    return true;
                }
            }
            false
        };
        match timeout(LOOKS_WITHIN, is_deleted).await {
            Ok(true) => Ending::Lost(Why::Deleted),
            Ok(false) | Err(_) => ending,
        }
    }

    /// It is not heard at the moment; an ending if that has lasted too long.
    fn is_lost(&mut self) -> Option<Ending> {
        let since = *self.lost_since.get_or_insert_with(Instant::now);
        (since.elapsed() > GIVES_UP_AFTER).then_some(Ending::Lost(Why::Gateway))
    }
}
