//! Whether streams store what is sent to them.
//!
//! A server whose disk is full answers questions about its streams and acknowledges nothing: whoever
//! publishes hears that time is over, each time, and never why. So what was heard last from each
//! stream is kept. A server that was full stores nothing until it is started again, so nobody asks
//! it all the time: now and then is enough, and when it is back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use tokio::time::Instant;

use crate::Bus;

/// A stream that acknowledges nothing for longer, while others ask about it and get answers, has no
/// leader to wait for.
const SILENT_FOR: Duration = Duration::from_secs(5);
/// When nobody has tried for so long, somebody may.
const TRIED_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// The streams whose last word was none. Cheap to clone; all clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Silences(Arc<Mutex<BTreeMap<&'static str, Silence>>>);

#[derive(Debug, Clone, Copy)]
struct Silence {
    /// The first publish that was not acknowledged since one was.
    began: Instant,
    /// The newest one.
    newest: Instant,
}

impl Silences {
    /// Takes what came of a publish.
    pub(crate) fn hear<T>(&self, stream: &'static str, stored: &Result<T, PublishError>) {
        match stored {
            Ok(_) => drop(self.known().remove(stream)),
            Err(error) if error.kind() == PublishErrorKind::TimedOut => {
                self.was_silent(stream, Instant::now());
            }
            // Refused, or not sent at all: that says nothing about a disk.
            Err(_) => {}
        }
    }

    /// A connection was made anew: what it leads to may be another server, or the same one with
    /// room on its disk.
    pub(crate) fn forget(&self) {
        self.known().clear();
    }

    fn was_silent(&self, stream: &'static str, now: Instant) {
        let first = Silence { began: now, newest: now };
        self.known().entry(stream).or_insert(first).newest = now;
    }

    /// A stream that stores nothing, as far as is known.
    pub(crate) fn stuck(&self, now: Instant) -> Option<&'static str> {
        let known = self.known();
        let stuck = known.iter().find(|(_stream, silence)| {
            silence.newest - silence.began >= SILENT_FOR && now - silence.newest < TRIED_AGAIN_AFTER
        });
        stuck.map(|(stream, _silence)| *stream)
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<&'static str, Silence>> {
        // Plain values: a panic elsewhere cannot have left them half-written.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bus {
    /// Whether streams store what is published, as far as is known: false while one of them
    /// acknowledges nothing, although it is there. Once a minute it is true all the same, so that
    /// somebody finds out.
    pub fn is_storing(&self) -> bool {
        self.silences.stuck(Instant::now()).is_none()
    }
}

/// What is wrong with a stream that answers, and never acknowledges.
pub(crate) fn remedy(stream: &str) -> String {
    format!(
        "the stream `{stream}` is there and stores nothing: is the disk of its nats-server full? \
         The log of that server says so; make room, then start it again"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::streams;

    fn after(seconds: u64) -> Instant {
        Instant::now() + Duration::from_secs(seconds)
    }

    #[test]
    fn a_stream_is_stuck_when_it_stays_silent_and_is_tried_again_after_a_minute() {
        let silences = Silences::default();
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);

        silences.was_silent(streams::LOGS, at(0));
        assert_eq!(silences.stuck(at(30)), None, "one silence may be an election");

        silences.was_silent(streams::LOGS, at(4));
        assert_eq!(silences.stuck(at(4)), None, "so may several at once");

        silences.was_silent(streams::LOGS, at(6));
        assert_eq!(silences.stuck(at(6)), Some(streams::LOGS));
        assert_eq!(silences.stuck(at(65)), Some(streams::LOGS));
        assert_eq!(silences.stuck(at(66)), None, "somebody may try");

        silences.was_silent(streams::LOGS, at(70));
        assert_eq!(silences.stuck(at(70)), Some(streams::LOGS), "in vain");
    }

    #[test]
    fn one_acknowledgement_is_enough_and_refusals_say_nothing() {
        let silences = Silences::default();
        silences.was_silent(streams::LOGS, Instant::now());
        silences.was_silent(streams::LOGS, after(7));

        let refused = PublishError::new(PublishErrorKind::WrongLastSequence);
        silences.hear::<()>(streams::LOGS, &Err(refused));
        assert_eq!(silences.stuck(after(8)), Some(streams::LOGS));

        silences.hear(streams::LOGS, &Ok(()));
        assert_eq!(silences.stuck(after(8)), None);

        silences.hear::<()>(streams::LOGS, &Err(PublishError::new(PublishErrorKind::TimedOut)));
        assert_eq!(silences.stuck(after(8)), None, "it begins anew");
    }
}
