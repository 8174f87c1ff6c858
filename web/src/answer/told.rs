//! What is shown of an answer so far. Pure.

use std::sync::Arc;

use super::{Cursor, Narrator};
use crate::markdown::{Colours, Sealed};
use crate::said::{Ending, Said, Why};
use crate::waiting::Waiting;

/// Longest answer that is shown while it comes.
const LONGEST_BYTES: usize = 4 * 1024 * 1024;

/// Everything that was told so far, and can be told to whoever comes.
#[derive(Debug, Default)]
pub(crate) struct Told {
    narrator: Narrator,
    take: u32,
    begun: bool,
    /// Why nothing is said, as somebody has told.
    waits: Option<Waiting>,
    cut_short: bool,
    bytes: usize,
    pieces: Vec<Arc<Sealed>>,
    thoughts: String,
    tail: Arc<str>,
    /// Whether anybody reads it to whom nothing can be shown twice.
    settles: bool,
    settled: Option<Arc<str>>,
    words: usize,
    ending: Option<Ending>,
    /// Whether what was rendered last is what there is.
    rendered: bool,
}

/// What a viewer has not seen yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Update {
    /// Where the viewer is with it.
    pub(crate) cursor: Cursor,
    /// What the viewer has is of an earlier take, and counts no more.
    pub(crate) anew: bool,
    /// Why there is nothing to be read yet, if there is not.
    pub(crate) waiting: Option<Waiting>,
    pub(crate) thoughts: String,
    pub(crate) add: Vec<Arc<Sealed>>,
    pub(crate) tail: Arc<str>,
    /// The beginning of what comes next that will most likely stand, if anybody asked for it.
    pub(crate) settled: Option<Arc<str>>,
    pub(crate) ending: Option<Ending>,
    /// How many words the whole has, once it is over.
    pub(crate) words: usize,
}

impl Told {
    /// Takes what is said. Nothing is said behind the end.
    pub(crate) fn hear(&mut self, said: &[Said]) {
        self.rendered = false;
        for one in said {
            if self.ending.is_some() {
                return;
            }
            match one {
                Said::Begun => (self.begun, self.waits) = (true, None),
                Said::CutShort => self.cut_short = true,
                Said::NothingLeft if self.bytes > 0 => self.begin_anew(),
                Said::NothingLeft => {}
                Said::End(ending) => {
                    let sealed = self.narrator.end(ending);
                    self.pieces.extend(sealed.into_iter().map(Arc::new));
                    self.words = self.narrator.text().split_whitespace().count();
                    self.ending = Some(ending.clone());
                }
                said => self.say(said),
            }
        }
    }

    fn say(&mut self, said: &Said) {
        if self.cut_short && said.bytes() > 0 {
            // Another worker has.
            self.begin_anew();
        }
        self.begun = true;
        let room = LONGEST_BYTES - self.bytes;
        self.bytes += said.bytes().min(room);
        if said.bytes() > room {
            self.hear_all(&said.cut(room));
            self.hear(&[Said::End(Ending::TooLong)]);
        } else {
            self.hear_all(said);
        }
    }

    fn hear_all(&mut self, said: &Said) {
        let thoughts = self.narrator.hear(said);
        self.thoughts.push_str(thoughts);
    }

    fn begin_anew(&mut self) {
        let (take, settles) = (self.take.saturating_add(1), self.settles);
        *self = Self { take, settles, begun: true, ..Self::default() };
    }

    /// From now on what settles is rendered as well, for readers to whom nothing can be shown twice:
    /// it costs as much as the tail.
    pub(crate) fn settle(&mut self) {
        self.rendered &= self.settles;
        self.settles = true;
    }

    /// Renders what was heard since this was last called.
    pub(crate) fn render(&mut self) {
        if std::mem::replace(&mut self.rendered, true) {
            return;
        }
        let sealed = self.narrator.sealed();
        // What stands behind the end was sealed with it.
        if self.ending.is_none() {
            self.pieces.extend(sealed.into_iter().map(Arc::new));
            self.tail = self.narrator.tail().into();
            self.settled = if self.settles { self.narrator.settled() } else { None }.map(Arc::from);
        } else {
            self.tail = Arc::default();
            self.settled = None;
        }
    }

    /// Whether there is no such answer.
    pub(crate) fn is_gone(&self) -> bool {
        let is_gone = matches!(self.ending, Some(Ending::Lost(Why::Gone | Why::Deleted)));
        self.bytes == 0 && is_gone
    }

    /// Whether a viewer has more than was read so far, and has only to wait.
    pub(crate) fn is_behind(&self, cursor: Cursor) -> bool {
        let more = cursor.pieces > self.pieces.len() || cursor.thoughts > self.thoughts.len();
        let later = cursor.take > self.take || (cursor.take == self.take && more);
        self.ending.is_none() && later
    }

    /// What a viewer who is at `cursor` has not seen yet.
    pub(crate) fn since(&self, cursor: Cursor) -> Update {
        let fits = cursor.take == self.take
            && cursor.pieces <= self.pieces.len()
            && self.thoughts.is_char_boundary(cursor.thoughts);
        let from = if fits { cursor } else { Cursor::default() };
        Update {
            cursor: Cursor {
                take: self.take,
                pieces: self.pieces.len(),
                thoughts: self.thoughts.len(),
            },
            anew: !fits,
            waiting: self.waiting(),
            thoughts: self.thoughts[from.thoughts..].to_owned(),
            add: self.pieces[from.pieces..].to_vec(),
            tail: Arc::clone(&self.tail),
            settled: self.settled.clone(),
            ending: self.ending.clone(),
            words: self.words,
        }
    }

    /// Whether nothing was said yet, and something may be.
    pub(crate) fn is_silent(&self) -> bool {
        self.bytes == 0 && self.ending.is_none()
    }

    /// Takes why nothing is said yet. True if that is news.
    pub(crate) fn wait(&mut self, why: Waiting) -> bool {
        // What was on its way when a worker took it.
        let is_late = self.begun && matches!(why, Waiting::Queued(_));
        if is_late || !self.is_silent() {
            return false;
        }
        let before = self.waiting();
        self.waits = Some(why);
        self.waiting() != before
    }

    fn waiting(&self) -> Option<Waiting> {
        let is_shown = !self.pieces.is_empty() || !self.tail.is_empty();
        if is_shown || self.ending.is_some() {
            return None;
        }
        if self.bytes > 0 {
            return Some(Waiting::Thinking);
        }
        let first = if self.begun { Waiting::Starting } else { Waiting::Queued(None) };
        Some(self.waits.unwrap_or(first))
    }

    /// The answer as the model wrote it.
    pub(crate) fn text(&self) -> &str {
        self.narrator.text()
    }

    /// Whether the model's words are in the conversation, be it that they end too early.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self.ending, Some(Ending::Complete | Ending::Length | Ending::Filtered))
    }

    /// Everything that a response that is over has said.
    pub(crate) fn of(said: &[Said], colours: Colours) -> Self {
        let mut told = Self { narrator: Narrator::new(colours), ..Self::default() };
        told.hear(said);
        told.render();
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(told: &mut Told) -> Option<Arc<str>> {
        told.render();
        told.since(Cursor::default()).settled
    }

    #[test]
    fn what_settles_is_rendered_once_somebody_needs_it() {
        let mut told = Told::default();
        told.hear(&[Said::Text("Some words and".into())]);
        assert_eq!(settled(&mut told), None);

        told.settle();
        let some = settled(&mut told);
        assert!(some.is_some_and(|html| html.ends_with("Some words")), "what was heard before");

        told.hear(&[Said::CutShort, Said::Text("Other words and".into())]);
        let other = settled(&mut told);
        assert!(other.is_some_and(|html| html.ends_with("Other words")), "another take");
    }
}
