//! The wish to stop, shared by everything in a process.

use tokio_util::sync::CancellationToken;

/// Whether the process was asked to stop. Cheap to clone; all clones see the same request.
#[derive(Debug, Clone, Default)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    /// One that only [`Shutdown::request`] triggers.
    pub fn manual() -> Self {
        Self::default()
    }

    /// One that Ctrl-C (SIGINT) or SIGTERM triggers.
    ///
    /// # Errors
    ///
    /// When the signal handlers cannot be installed.
    pub fn on_signal() -> std::io::Result<Self> {
        let shutdown = Self::default();
        let requested = shutdown.clone();
        let mut signals = Signals::install()?;
        #[expect(clippy::disallowed_methods, reason = "outlives every tracked task by design")]
        tokio::spawn(async move {
            let name = signals.next().await;
            tracing::info!(signal = name, "stopping after {name}");
            requested.request();
        });
        Ok(shutdown)
    }

    /// Asks for the end. Asking twice is the same as once.
    pub fn request(&self) {
        self.0.cancel();
    }

    /// Whether the end was asked for.
    pub fn is_requested(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Completes when the end is asked for.
    pub async fn requested(&self) {
        self.0.cancelled().await;
    }

    /// What `future` gives; `None` when the end was asked for first: nobody waits for a start
    /// that is not wanted any more.
    pub async fn unless_requested<F: Future>(&self, future: F) -> Option<F::Output> {
        tokio::select! {
            biased;
            () = self.requested() => None,
            output = future => Some(output),
        }
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn install() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn install() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> &'static str {
        // Without a handler there is nothing better to do than to stop.
        let _handler_missing = tokio::signal::ctrl_c().await;
        "Ctrl-C"
    }
}
