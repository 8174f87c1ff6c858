//! When something is shown: the first word at once, later ones a few at a time.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use service_runtime::Shutdown;
use tokio::time::{Instant, sleep_until, timeout};

use crate::gateway_client::{Answering, Broken, Finish, Refused, Said};

/// Time between two updates: people read no faster, and a browser paints every second frame.
const PAUSE: Duration = Duration::from_millis(33);
/// A connection on which nothing travels is cut by proxies sooner or later.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Longest answer. The form has to carry it back.
const LONGEST_BYTES: usize = 4 * 1024 * 1024;

/// A question on its way.
type Asking = BoxFuture<'static, Result<Answering, Refused>>;

/// What to do next.
#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    /// Show this.
    Show(Vec<Said>),
    /// Show that somebody is still there.
    Wait,
    /// Show how it ended. There is no step after this one.
    End(Ending),
}

/// How an answer ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The model has said what it says.
    Complete(Finish),
    /// The reader has heard enough.
    Stopped,
    /// There is no answer.
    Refused(Refused),
    /// There is no more of it.
    Broken(Broken),
    /// It is longer than we carry.
    TooLong,
    /// This process ends.
    Closing,
}

/// One answer as steps in time. Dropping it stops the model.
pub(crate) struct Flow {
    source: Source,
    stop: Shutdown,
    closing: Shutdown,
    held: Vec<Said>,
    finish: Finish,
    bytes: usize,
    not_before: Instant,
    heard: Instant,
    ending: Option<Ending>,
}

enum Source {
    Asking(Asking),
    Answering(Box<Answering>),
}

impl Flow {
    /// Begins to ask. `stop` is the reader's wish, `closing` that of the process.
    pub(crate) fn new(
        asking: impl Future<Output = Result<Answering, Refused>> + Send + 'static,
        stop: Shutdown,
        closing: Shutdown,
    ) -> Self {
        let now = Instant::now();
        Self {
            source: Source::Asking(asking.boxed()),
            stop,
            closing,
            held: Vec::new(),
            finish: Finish::Stop,
            bytes: 0,
            not_before: now,
            heard: now,
            ending: None,
        }
    }

    /// Waits a while for the gateway to accept or refuse, so that a refusal can be a status.
    pub(crate) async fn opened(&mut self, patience: Duration) -> Result<(), Refused> {
        if let Source::Asking(asking) = &mut self.source
            && let Ok(answered) = timeout(patience, asking).await
        {
            self.source = Source::Answering(Box::new(answered?));
        }
        Ok(())
    }

    /// The next step; `None` after the end.
    pub(crate) async fn next(&mut self) -> Option<Step> {
        loop {
            if self.ending.is_some() {
                if self.held.is_empty() {
                    return self.ending.take().map(Step::End);
                }
                return Some(self.show());
            }
            let silent_at = self.heard + HEARTBEAT;
            tokio::select! {
                biased;
                () = self.stop.requested() => self.ending = Some(Ending::Stopped),
                () = self.closing.requested() => self.ending = Some(Ending::Closing),
                () = sleep_until(self.not_before), if !self.held.is_empty() => {
                    return Some(self.show());
                }
                heard = self.source.next() => match heard {
                    Ok(Some(said)) => self.hold(said),
                    Ok(None) => self.ending = Some(Ending::Complete(self.finish)),
                    Err(ending) => self.ending = Some(ending),
                },
                () = sleep_until(silent_at) => {
                    self.heard = Instant::now();
                    return Some(Step::Wait);
                }
            }
        }
    }

    fn show(&mut self) -> Step {
        self.not_before = Instant::now() + PAUSE;
        self.heard = Instant::now();
        Step::Show(std::mem::take(&mut self.held))
    }

    fn hold(&mut self, said: Said) {
        let more = match &said {
            Said::Text(text) | Said::Reasoning(text) | Said::Refusal(text) => text.len(),
            Said::Tool { arguments, .. } => arguments.len(),
            Said::Receipt(_) => 0,
            Said::Finished(finish) => {
                self.finish = *finish;
                return;
            }
        };
        self.bytes += more;
        if self.bytes > LONGEST_BYTES {
            self.ending = Some(Ending::TooLong);
            return;
        }
        match (self.held.last_mut(), &said) {
            (Some(Said::Text(so_far)), Said::Text(more))
            | (Some(Said::Reasoning(so_far)), Said::Reasoning(more)) => so_far.push_str(more),
            _ => self.held.push(said),
        }
    }
}

impl Source {
    async fn next(&mut self) -> Result<Option<Said>, Ending> {
        if let Self::Asking(asking) = self {
            let answering = asking.await.map_err(Ending::Refused)?;
            *self = Self::Answering(Box::new(answering));
        }
        match self {
            Self::Answering(answering) => answering.next().await.map_err(Ending::Broken),
            // Just replaced.
            Self::Asking(_) => Ok(None),
        }
    }
}

impl std::fmt::Debug for Flow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What was said is nobody's business.
        f.debug_struct("Flow").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> Flow {
        let ask = async { Err(Refused::Unreachable) };
        Flow::new(ask, Shutdown::manual(), Shutdown::manual())
    }

    #[tokio::test]
    async fn a_refusal_that_comes_soon_is_known_before_anything_is_shown() {
        assert_eq!(refused().opened(PAUSE).await, Err(Refused::Unreachable));
    }

    #[tokio::test]
    async fn the_end_comes_once() {
        let mut flow = refused();

        assert_eq!(flow.next().await, Some(Step::End(Ending::Refused(Refused::Unreachable))));
    }

    #[tokio::test]
    async fn a_question_without_an_answer_can_be_stopped() {
        let (stop, closing) = (Shutdown::manual(), Shutdown::manual());
        let mut flow = Flow::new(futures::future::pending(), stop.clone(), closing);
        assert_eq!(flow.opened(PAUSE).await, Ok(()));

        stop.request();

        assert_eq!(flow.next().await, Some(Step::End(Ending::Stopped)));
    }

    #[tokio::test]
    async fn words_that_come_together_are_shown_together() {
        let mut flow = refused();
        for word in ["a", "b"] {
            flow.hold(Said::Text(word.into()));
        }
        flow.hold(Said::Reasoning("c".into()));

        let step = flow.next().await;

        let said = vec![Said::Text("ab".into()), Said::Reasoning("c".into())];
        assert_eq!(step, Some(Step::Show(said)));
    }
}
