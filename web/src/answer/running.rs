//! The answers that are being written, so that a form can stop one.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use service_runtime::Shutdown;
use tokio::time::Instant;

/// How long an answer that has ended can still be asked for.
const KEPT_FOR: Duration = Duration::from_secs(600);
/// How many of those there may be, and how much text in all of them.
const MOST_KEPT: usize = 256;
const MOST_KEPT_BYTES: usize = 8 * 1024 * 1024;

/// Names one answer. Nobody can guess it, so only its reader can stop it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct AnswerId(String);

impl AnswerId {
    fn new() -> Self {
        Self(format!("{:032x}", rand::random::<u128>()))
    }

    /// As a form gives it back.
    pub(crate) fn from_field(value: &str) -> Self {
        Self(value.to_owned())
    }
}

impl fmt::Display for AnswerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// All answers of this process that a form can stop, and for a while those that have ended: a
/// browser leaves the page it is reading before it sends the form that stops it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Running(Arc<Mutex<HashMap<AnswerId, Known>>>);

struct Known {
    stop: Shutdown,
    text: String,
    left: Option<Instant>,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(crate) struct Stoppable {
    id: AnswerId,
    stop: Shutdown,
    running: Running,
}

impl Running {
    /// Adds an answer.
    pub(crate) fn begin(&self) -> Stoppable {
        let (id, stop) = (AnswerId::new(), Shutdown::manual());
        let known = Known { stop: stop.clone(), text: String::new(), left: None };
        self.answers().insert(id.clone(), known);
        Stoppable { id, stop, running: self.clone() }
    }

    /// Stops an answer and gives what was said, if it is known here.
    pub(crate) fn stop(&self, id: &AnswerId) -> Option<String> {
        let mut answers = self.answers();
        forget_old(&mut answers, Instant::now());
        let known = answers.get(id)?;
        known.stop.request();
        Some(known.text.clone())
    }

    fn answers(&self) -> MutexGuard<'_, HashMap<AnswerId, Known>> {
        // Each change is one call: a panic elsewhere cannot have left the map half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stoppable {
    /// Its name.
    pub(crate) fn id(&self) -> &AnswerId {
        &self.id
    }

    /// The wish that it ends.
    pub(crate) fn stop(&self) -> Shutdown {
        self.stop.clone()
    }

    /// Remembers what was said so far; `text` is all of it.
    pub(crate) fn heard(&self, text: &str) {
        if let Some(known) = self.running.answers().get_mut(&self.id)
            && let Some(more) = text.get(known.text.len()..)
        {
            known.text.push_str(more);
        }
    }
}

impl Drop for Stoppable {
    fn drop(&mut self) {
        let mut answers = self.running.answers();
        if let Some(known) = answers.get_mut(&self.id) {
            known.left = Some(Instant::now());
        }
        forget_old(&mut answers, Instant::now());
    }
}

/// Forgets the oldest of those that have ended, until all limits are kept.
fn forget_old(answers: &mut HashMap<AnswerId, Known>, now: Instant) {
    let over = |known: &Known| known.left.is_some_and(|left| now - left > KEPT_FOR);
    answers.retain(|_, known| !over(known));
    loop {
        let ended = answers.iter().filter_map(|(id, known)| Some((known.left?, id, &known.text)));
        let (count, bytes) = ended
            .clone()
            .fold((0, 0), |(count, bytes), (_, _, text)| (count + 1, bytes + text.len()));
        if count <= MOST_KEPT && bytes <= MOST_KEPT_BYTES {
            return;
        }
        let Some((_, oldest, _)) = ended.min_by_key(|(left, _, _)| *left) else { return };
        let oldest = oldest.clone();
        answers.remove(&oldest);
    }
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What was said is nobody's business.
        f.debug_struct("Known").field("bytes", &self.text.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_can_be_stopped_and_is_known_for_a_while_after_its_reader_left() {
        let running = Running::default();
        let answer = running.begin();
        answer.heard("Hel");
        answer.heard("Hello");
        let id = AnswerId::from_field(&answer.id().to_string());

        assert_eq!(running.stop(&id).as_deref(), Some("Hello"));
        assert!(answer.stop().is_requested());

        drop(answer);
        assert_eq!(running.stop(&id).as_deref(), Some("Hello"));
        forget_old(&mut running.answers(), Instant::now() + KEPT_FOR * 2);
        assert_eq!(running.stop(&id), None);
        assert_eq!(running.stop(&AnswerId::from_field("guessed")), None);
    }

    #[test]
    fn what_is_kept_is_bounded_and_the_oldest_goes_first() {
        let running = Running::default();
        let text = "x".repeat(MOST_KEPT_BYTES / 4);
        let mut ids = Vec::new();
        for _ in 0..6 {
            let answer = running.begin();
            answer.heard(&text);
            ids.push(answer.id().clone());
        }

        let known: Vec<_> = ids.iter().map(|id| running.stop(id).is_some()).collect();

        assert_eq!(known, [false, false, true, true, true, true]);
    }
}
