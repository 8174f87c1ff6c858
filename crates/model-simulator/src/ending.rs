//! How a body ends: as it should, in the middle, or never.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use service_runtime::Shutdown;

/// What stands at the end of a body.
pub(crate) enum Ending {
    /// It is complete.
    Clean,
    /// The connection is cut, after what was written has left.
    Cut {
        /// Whether the connection had the time to send it.
        flushed: bool,
    },
    /// Nothing more, until the simulator stops.
    Stall(Pin<Box<dyn Future<Output = ()> + Send>>),
}

impl Ending {
    pub(crate) fn cut() -> Self {
        Self::Cut { flushed: false }
    }

    /// The connection is cut before a byte is sent: an answer's headers leave with the first
    /// flush, which an error at once forestalls.
    pub(crate) fn reset() -> Self {
        Self::Cut { flushed: true }
    }

    pub(crate) fn stall(stopping: &Shutdown) -> Self {
        let stopping = stopping.clone();
        Self::Stall(Box::pin(async move { stopping.requested().await }))
    }

    /// As a stream that has nothing more to give.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        match self {
            Self::Clean => Poll::Ready(None),
            Self::Cut { flushed: flushed @ false } => {
                *flushed = true;
                // The connection flushes when a body has nothing at the moment.
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Self::Cut { flushed: true } => {
                *self = Self::Clean;
                Poll::Ready(Some(Err(io::Error::other("cut on order"))))
            }
            Self::Stall(stopping) => {
                std::task::ready!(stopping.as_mut().poll(cx));
                *self = Self::reset();
                self.poll(cx)
            }
        }
    }
}

impl fmt::Debug for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clean => "Clean",
            Self::Cut { .. } => "Cut",
            Self::Stall(_) => "Stall",
        })
    }
}
