//! An answer as the body of a stream: each token when it is due, then the end that was ordered.
//!
//! One timer for a stream, set to absolute deadlines. Whatever is due is written into one buffer,
//! so a stream without pauses, or one that is late, costs few wake-ups.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::Stream;
use service_runtime::Shutdown;
use tokio::time::{Instant, Sleep};

use crate::answer::Answer;
use crate::ending::Ending;
use crate::fault::{Break, Fault};
use crate::frames::Frames;
use crate::journal::{Ended, Entry, Phase};
use crate::pace::Deadlines;

/// Enough for one write; more of what is due follows in the next.
const WRITE_BYTES: usize = 8 * 1024;

/// A stream that is being sent.
pub(crate) struct Playback {
    answer: Answer,
    frames: Frames,
    deadlines: Deadlines,
    /// When the next token is due.
    due: Instant,
    timer: Option<Pin<Box<Sleep>>>,
    /// The token that is next, and how many there are.
    next: u64,
    tokens: u64,
    role_with_first_token: bool,
    fault: Fault,
    break_after: Option<(u64, Break)>,
    broken: bool,
    /// Set when nothing is written any more.
    ending: Option<Ending>,
    stopping: Shutdown,
    entry: Entry,
}

/// Whether more can be written now.
enum Turn {
    More,
    NotNow,
}

impl Playback {
    pub(crate) fn new(
        answer: Answer,
        frames: Frames,
        mut deadlines: Deadlines,
        fault: Fault,
        stopping: Shutdown,
        entry: Entry,
    ) -> Self {
        Self {
            tokens: answer.longest(),
            answer,
            frames,
            due: deadlines.next(),
            deadlines,
            timer: None,
            next: 0,
            role_with_first_token: false,
            break_after: fault.break_after(),
            broken: false,
            ending: fault.reset_on_accept.then(Ending::reset),
            fault,
            stopping,
            entry,
        }
    }

    /// Says the role with the first token and not before it.
    pub(crate) fn with_role_in_first_token(mut self, so: bool) -> Self {
        self.role_with_first_token = so;
        self
    }

    /// Writes the next token, or what comes in its place.
    fn write_next(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Turn {
        if let Some((after, how)) = self.break_after
            && self.next >= after.min(self.tokens)
        {
            self.break_after = None;
            self.break_off(how, out);
            return Turn::More;
        }
        if self.next == self.tokens {
            self.finish(out);
            return Turn::More;
        }
        if !self.is_due(cx) {
            return Turn::NotNow;
        }
        if self.next == 0 {
            self.begin(out);
        }
        let with_role = self.next == 0 && self.role_with_first_token;
        for (index, choice) in self.answer.choices.iter().enumerate() {
            self.frames.token(out, index, choice, self.next, with_role);
        }
        self.next += 1;
        self.due = self.deadlines.next();
        self.entry.tokens(self.next);
        Turn::More
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        self.entry.phase(Phase::Stream);
        if !self.role_with_first_token {
            (0..self.answer.choices.len()).for_each(|index| self.frames.role(out, index));
        }
        if self.fault.huge_line_bytes > 0 {
            self.frames.huge(out, self.fault.huge_line_bytes);
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        for (index, choice) in self.answer.choices.iter().enumerate() {
            self.frames.finish(out, index, choice.finish);
        }
        self.frames.end(out, &self.answer);
        self.ending = Some(Ending::Clean);
        // A caller may close at `[DONE]`, so this is the end of it, whoever asks again.
        self.end();
    }

    fn break_off(&mut self, how: Break, out: &mut Vec<u8>) {
        self.broken = true;
        match how {
            Break::Malformed => self.frames.malformed(out),
            Break::Stall => self.ending = Some(Ending::stall(&self.stopping)),
            Break::Cut => self.ending = Some(Ending::cut()),
            Break::CloseWithoutDone => self.ending = Some(Ending::Clean),
            Break::ErrorChunk => {
                self.frames.error(out, &self.fault.mid_stream_error());
                self.ending = Some(Ending::Clean);
            }
        }
    }

    fn end(&mut self) {
        let ended = if self.broken || self.fault.wrong_content_type || self.fault.reset_on_accept {
            Ended::Fault
        } else {
            Ended::Complete
        };
        self.entry.end(ended);
    }

    fn is_due(&mut self, cx: &mut Context<'_>) -> bool {
        if self.due <= Instant::now() {
            return true;
        }
        let due = self.due;
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
        if timer.deadline() != due {
            timer.as_mut().reset(due);
        }
        timer.as_mut().poll(cx).is_ready()
    }
}

impl Stream for Playback {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let mut out = Vec::new();
        while this.ending.is_none() && out.len() < WRITE_BYTES {
            if let Turn::NotNow = this.write_next(cx, &mut out) {
                break;
            }
        }
        if !out.is_empty() {
            return Poll::Ready(Some(Ok(out.into())));
        }
        let Some(ending) = &mut this.ending else { return Poll::Pending };
        let last = std::task::ready!(ending.poll(cx));
        this.end();
        Poll::Ready(last)
    }
}
