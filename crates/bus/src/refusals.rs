//! What the server refused because it is not permitted: counted, and told without flooding the log.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use contract::permissions::INBOXES;
use tokio::time::Instant;

/// Refusals that are told within [`WITHIN`]. The others are counted.
const TOLD: u32 = 10;
const WITHIN: Duration = Duration::from_secs(60);

const PUBLISH: &str = "publish";
const SUBSCRIBE: &str = "subscribe";

/// The refusals of one connection.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    count: AtomicU64,
    window: Mutex<Window>,
}

#[derive(Debug, Default)]
struct Window {
    began: Option<Instant>,
    told: u32,
    /// Those that were not told since the last one that was.
    silent: u64,
}

/// A refusal as the server words it.
#[derive(Debug, PartialEq, Eq)]
struct Refusal<'a> {
    operation: &'static str,
    subject: &'a str,
}

impl Refusals {
    /// Takes what the server says, if it is a refusal. An answer that comes too late is none of a
    /// subject: nobody waits for it.
    pub(crate) fn hear(&self, said: &str) -> bool {
        let Some(Refusal { operation, subject }) = read(said) else { return false };
        if operation == PUBLISH && subject.starts_with(INBOXES) {
            // The server has forgotten the question: it was long ago, or on another connection.
            tracing::warn!(nats.subject = subject, "an answer came too late to be permitted");
            return true;
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        telemetry::refusals::count();
        if let Some(silent) = self.is_told(Instant::now()) {
            tracing::error!(
                nats.subject = subject,
                messaging.operation.name = operation,
                app.refusals.untold = silent,
                "NATS does not permit us to {operation} on `{subject}`: were the permissions of \
                 this service made by another version?"
            );
        }
        true
    }

    /// How many there were.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Whether this one is told, and how many were not since the last one that was.
    fn is_told(&self, now: Instant) -> Option<u64> {
        // A poisoned count is still a count.
        let mut window = self.window.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if window.began.is_none_or(|began| now - began >= WITHIN) {
            window.began = Some(now);
            window.told = 0;
        }
        if window.told == TOLD {
            window.silent += 1;
            return None;
        }
        window.told += 1;
        Some(std::mem::take(&mut window.silent))
    }
}

/// Reads `Permissions Violation for Publish to "subject"` and the like.
fn read(said: &str) -> Option<Refusal<'_>> {
    let (before, rest) = said.split_once('"')?;
    let before = before.to_ascii_lowercase();
    if !before.contains("permissions violation") {
        return None;
    }
    let operation = if before.contains("subscription") { SUBSCRIBE } else { PUBLISH };
    let (subject, _more) = rest.split_once('"')?;
    Some(Refusal { operation, subject })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_from_other_words_of_the_server() {
        for (said, expected) in [
            (r#"Permissions Violation for Publish to "job.x""#, Some(("publish", "job.x"))),
            (
                r#"Permissions Violation for Publish with Reply of "_INBOX.x""#,
                Some(("publish", "_INBOX.x")),
            ),
            (r#"Permissions Violation for Subscription to "job.>""#, Some(("subscribe", "job.>"))),
            (
                r#"Permissions Violation for Subscription to "a" using queue "q""#,
                Some(("subscribe", "a")),
            ),
            ("Stale Connection", None),
            (r#"invalid "subject""#, None),
        ] {
            let read = read(said).map(|refusal| (refusal.operation, refusal.subject));
            assert_eq!(read, expected, "{said}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn many_are_counted_and_few_are_told() {
        let refusals = Refusals::default();
        let tell = |times: u32| {
            (0..times).filter_map(|_time| refusals.is_told(Instant::now())).collect::<Vec<_>>()
        };

        assert_eq!(tell(1_000), [0; TOLD as usize]);
        tokio::time::advance(WITHIN).await;
        assert_eq!(tell(2), [990, 0], "the first one of the next minute tells how many were not");
        assert!(refusals.hear(r#"Permissions Violation for Publish to "x""#));
        assert!(!refusals.hear("Stale Connection"));
        let too_late = r#"Permissions Violation for Publish to "_INBOX_llm-worker.x.1""#;
        assert!(refusals.hear(too_late), "told, and not counted");
        assert_eq!(refusals.count(), 1);
    }
}
