//! What is logged while a test runs.

use std::cell::RefCell;
use std::io::Write;
use std::sync::{Arc, Mutex, Once};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;

thread_local! {
    /// Who listens on this thread, and to how much.
    static LISTENER: RefCell<Option<(LevelFilter, Log)>> = const { RefCell::new(None) };
}

/// What is logged on this thread, on which everything of a test runs.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

/// It listens until this is dropped.
pub(crate) struct Listening;

impl Log {
    pub(crate) fn listen(&self, level: LevelFilter) -> Listening {
        hear_all_threads();
        LISTENER.set(Some((level, self.clone())));
        Listening
    }

    pub(crate) fn lines_with(&self, text: &str) -> Vec<String> {
        let log = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        log.lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        LISTENER.set(None);
    }
}

/// One subscriber for the process. What each place in the code is asked for is remembered for all
/// threads, so subscribers that come and go with tests would silence each other now and then.
fn hear_all_threads() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let heard = dynamic_filter_fn(|metadata, _| {
            let heard = LISTENER.try_with(|listener| {
                listener.borrow().as_ref().is_some_and(|(most, _)| metadata.level() <= most)
            });
            // A thread that ends has nobody who listens.
            heard.unwrap_or(false)
        });
        let lines = fmt::layer().with_ansi(false).with_writer(listener).with_filter(heard);
        tracing_subscriber::registry().with(lines).init();
    });
}

fn listener() -> Log {
    LISTENER
        .with_borrow(|listener| listener.as_ref().map(|(_, log)| log.clone()).unwrap_or_default())
}

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(line)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
