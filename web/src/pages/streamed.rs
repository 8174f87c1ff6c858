//! A page that is sent while its answer is written, for browsers without scripts.
//!
//! Nothing can be taken back here. Whole blocks come as they are sealed, code line by line, and of
//! a paragraph each word that will most likely stand; if it does not, the paragraph follows once
//! more as it should be, and the style sheet hides the first one.

use maud::html;

use super::view::{Chat, StopButton};
use crate::answer::{AnswerId, Ending, Narrator};
use crate::components;
use crate::error::Words;
use crate::gateway_client::Said;
use crate::markdown::{Sealed, escaped};

/// A comment, which keeps a connection alive.
pub(crate) const HEARTBEAT: &str = "<!-- -->\n";

const PART: &str = "<div class=\"part\">";
const PART_ENDS: &str = "</div>\n";

/// Tells one answer as a page.
#[derive(Debug)]
pub(crate) struct StreamedPage {
    chat: Chat,
    narrator: Narrator,
    /// What was sent of a block that is not sealed.
    part: String,
    thinking: bool,
}

impl StreamedPage {
    /// A page of `chat`, whose last turn is the question.
    pub(crate) fn new(chat: Chat) -> Self {
        Self { chat, narrator: Narrator::default(), part: String::new(), thinking: false }
    }

    /// Everything before the answer.
    pub(crate) fn begin(&self, answer: &AnswerId) -> String {
        let page = html! {
            (self.chat.begin(Some(answer)))
            (components::answer_begin())
        };
        page.into_string()
    }

    /// What the model said, as far as it can be shown.
    pub(crate) fn said(&mut self, said: &[Said]) -> String {
        let mut out = String::new();
        let thoughts = self.narrator.hear(said);
        if !thoughts.is_empty() {
            // Sealed blocks may stand before thoughts, and words of a paragraph may not.
            self.end_part(&mut out);
            if !std::mem::replace(&mut self.thinking, true) {
                out.push_str(&components::thoughts_begin().into_string());
            }
            out.push_str(&escaped(&thoughts));
        }
        let sealed = self.narrator.sealed();
        let settled = self.narrator.settled();
        if self.thinking && (!sealed.is_empty() || settled.is_some()) {
            self.end_thoughts(&mut out);
        }
        self.add(&sealed, &mut out);
        if let Some(settled) = settled {
            self.extend_part(&settled, &mut out);
        }
        out
    }

    /// Everything that was said, as the model wrote it.
    pub(crate) fn text(&self) -> &str {
        self.narrator.text()
    }

    /// The rest of the page.
    pub(crate) fn end(mut self, ending: &Ending) -> String {
        let mut out = String::new();
        let sealed = self.narrator.end(ending);
        self.end_thoughts(&mut out);
        self.add(&sealed, &mut out);
        self.end_part(&mut out);
        let kept = self.narrator.is_kept(ending);
        if kept {
            let (mark, receipt) = (self.narrator.mark(ending), self.narrator.receipt().cloned());
            self.chat.conversation.add_answer(self.narrator.text(), mark, receipt);
        } else {
            self.chat.draft = self.chat.conversation.take_back();
        }
        let alert = Words::of_ending(ending, kept);
        out.push_str(&components::answer_end().into_string());
        out.push_str(&self.chat.end(alert.as_ref(), StopButton::Before).into_string());
        out
    }

    fn add(&mut self, sealed: &[Sealed], out: &mut String) {
        for piece in sealed {
            let html = piece.as_html();
            if self.part.is_empty() {
                out.push_str(html);
                continue;
            }
            let part = std::mem::take(&mut self.part);
            match html.strip_prefix(part.as_str()) {
                Some(rest) => {
                    out.push_str(rest);
                    out.push_str(PART_ENDS);
                }
                None => {
                    out.push_str(PART_ENDS);
                    out.push_str("<div class=\"instead\">");
                    out.push_str(html);
                    out.push_str(PART_ENDS);
                }
            }
        }
    }

    fn extend_part(&mut self, settled: &str, out: &mut String) {
        // What does not go on from what was sent waits until it is sealed.
        let Some(more) = settled.strip_prefix(self.part.as_str()) else { return };
        if self.part.is_empty() {
            out.push_str(PART);
        }
        out.push_str(more);
        settled.clone_into(&mut self.part);
    }

    fn end_part(&mut self, out: &mut String) {
        if !std::mem::take(&mut self.part).is_empty() {
            out.push_str(PART_ENDS);
        }
    }

    fn end_thoughts(&mut self, out: &mut String) {
        if std::mem::take(&mut self.thinking) {
            out.push_str(&components::thoughts_end().into_string());
        }
    }
}
