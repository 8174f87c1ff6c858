//! What is logged while a test runs.

use std::cell::RefCell;
use std::io::Write;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

use tracing_subscriber::filter::{LevelFilter, dynamic_filter_fn};
use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;

/// Far longer than any line takes.
const LIMIT: Duration = Duration::from_secs(60);

thread_local! {
    /// Who listens on this thread, and to how much. The last one hears.
    static LISTENERS: RefCell<Vec<(LevelFilter, Log)>> = const { RefCell::new(Vec::new()) };
}

/// What is logged on threads that are listened to. Cheap to clone.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

/// It listens until this is dropped.
#[must_use = "it listens until this is dropped"]
pub struct Listening(Log);

impl Log {
    /// Listens on this thread to everything from this level up.
    pub fn listen(&self, level: LevelFilter) -> Listening {
        hear_all_threads();
        LISTENERS.with_borrow_mut(|listeners| listeners.push((level, self.clone())));
        Listening(self.clone())
    }

    /// Everything.
    pub fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Lines with all of these in them.
    pub fn lines(&self, parts: &[&str]) -> Vec<String> {
        let text = self.text();
        let has_all = |line: &&str| parts.iter().all(|part| line.contains(part));
        text.lines().filter(has_all).map(str::to_owned).collect()
    }

    /// Waits for such a line.
    pub async fn says(&self, parts: &[&str]) {
        let said = async {
            while self.lines(parts).is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let in_time = tokio::time::timeout(LIMIT, said).await;
        assert!(in_time.is_ok(), "no line with {parts:?} in:\n{}", self.text());
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        LISTENERS.with_borrow_mut(|listeners| {
            listeners.retain(|(_, log)| !Arc::ptr_eq(&log.0, &self.0.0));
        });
    }
}

/// One subscriber for the process. What each place in the code is asked for is remembered for all
/// threads, so subscribers that come and go with tests would silence each other now and then.
fn hear_all_threads() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let heard = dynamic_filter_fn(|metadata, _| {
            let heard = LISTENERS.try_with(|listeners| {
                listeners.borrow().last().is_some_and(|(most, _)| metadata.level() <= most)
            });
            // A thread that ends has nobody who listens.
            heard.unwrap_or(false)
        });
        let lines = fmt::layer().with_ansi(false).with_writer(listener).with_filter(heard);
        tracing_subscriber::registry().with(lines).init();
    });
}

fn listener() -> Log {
    LISTENERS
        .with_borrow(|listeners| listeners.last().map(|(_, log)| log.clone()).unwrap_or_default())
}

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(line)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
