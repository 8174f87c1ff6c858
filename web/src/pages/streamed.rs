//! A page that is sent while its answer is written, for browsers without scripts.
//!
//! Nothing can be taken back here. Whole blocks come as they are sealed, code line by line, and of
//! a paragraph each word that will most likely stand; if it does not, the paragraph follows once
//! more as it should be, and the style sheet hides the first one. What another worker says anew
//! follows in an answer of its own.

use maud::html;

use super::view::{Chat, actions_of};
use crate::answer::Update;
use crate::components;
use crate::conversation::Turn;
use crate::error::Words;
use crate::markdown::{Sealed, escaped};
use crate::texts;
use crate::waiting::Waiting;

/// A comment, which keeps a connection alive.
pub(crate) const HEARTBEAT: &str = "<!-- -->\n";

const PART: &str = "<div class=\"part\">";
const PART_ENDS: &str = "</div>\n";

/// Tells one answer as a page.
#[derive(Debug)]
pub(crate) struct StreamedPage {
    chat: Chat,
    turn: Turn,
    /// What was sent of a block that is not sealed.
    part: String,
    /// Why nothing is said yet, as the page says it.
    waiting: Option<Waiting>,
    body: Body,
    /// Whether the body ends within code.
    in_code: bool,
}

/// Which part of the answer is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Body {
    NotYet,
    Thoughts,
    Text,
}

impl StreamedPage {
    /// A page of `chat`, whose last turn is `turn`.
    pub(crate) fn new(chat: Chat, turn: Turn) -> Self {
        let (part, body) = (String::new(), Body::NotYet);
        Self { chat, turn, part, waiting: None, body, in_code: false }
    }

    /// Everything before the answer.
    pub(crate) fn begin(&self) -> String {
        let page = html! {
            (self.chat.begin(true, false))
            (components::answer_begin(&self.turn, None))
        };
        page.into_string()
    }

    /// What is new, as far as it can be shown.
    pub(crate) fn update(&mut self, update: &Update) -> String {
        let mut out = String::new();
        if update.anew && self.body != Body::NotYet {
            self.end_body(&mut out);
            let anew = html! {
                (components::note(texts::answers::BEGUN_ANEW))
                (components::answer_end(None))
                (components::answer_begin(&self.turn, None))
            };
            out.push_str(&anew.into_string());
        }
        if let Some(why) = update.waiting
            && self.waiting.is_none_or(|before| why.is_news_behind(before))
            && (self.body, update.thoughts.is_empty()) == (Body::NotYet, true)
        {
            // The style sheet shows the last of them.
            out.push_str(&components::waiting(why, None).into_string());
            self.waiting = Some(why);
        }
        if !update.thoughts.is_empty() {
            self.end_text(&mut out);
            if self.body != Body::Thoughts {
                out.push_str(&components::thoughts_begin().into_string());
                self.body = Body::Thoughts;
            }
            out.push_str(&escaped(&update.thoughts));
        }
        for piece in &update.add {
            self.begin_text(&mut out);
            self.add(piece.as_html(), &mut out);
            self.in_code = matches!(&**piece, Sealed::CodeBegins(_) | Sealed::Code(_));
        }
        if let Some(settled) = &update.settled {
            self.begin_text(&mut out);
            self.extend_part(settled, &mut out);
        }
        out
    }

    /// The rest of the page, behind the last update.
    pub(crate) fn end(&mut self, update: &Update) -> String {
        let mut out = String::new();
        self.end_body(&mut out);
        let open = self.chat.open.as_ref();
        let actions = open.and_then(|open| actions_of(open.id(), &self.turn.id, update, None));
        out.push_str(&components::answer_end(actions.as_ref()).into_string());
        out.push_str(&self.chat.end(None, false).into_string());
        out
    }

    /// The rest of a page whose answer goes on elsewhere.
    pub(crate) fn leave(&mut self, words: &Words) -> String {
        let mut out = String::new();
        self.end_body(&mut out);
        out.push_str(&components::answer_end(None).into_string());
        out.push_str(&self.chat.end(Some(words), false).into_string());
        out
    }

    fn begin_text(&mut self, out: &mut String) {
        if self.body == Body::Text {
            return;
        }
        self.end_thoughts(out);
        out.push_str(components::BODY);
        self.body = Body::Text;
    }

    fn add(&mut self, html: &str, out: &mut String) {
        if self.part.is_empty() {
            out.push_str(html);
            return;
        }
        let part = std::mem::take(&mut self.part);
        match html.strip_prefix(part.as_str()) {
            Some(rest) => out.push_str(rest),
            None => {
                out.push_str(PART_ENDS);
                out.push_str("<div class=\"instead\">");
                out.push_str(html);
            }
        }
        out.push_str(PART_ENDS);
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

    fn end_body(&mut self, out: &mut String) {
        self.end_thoughts(out);
        self.end_text(out);
    }

    fn end_text(&mut self, out: &mut String) {
        if self.body != Body::Text {
            return;
        }
        if std::mem::take(&mut self.in_code) {
            out.push_str(Sealed::CodeEnds.as_html());
        }
        if !std::mem::take(&mut self.part).is_empty() {
            out.push_str(PART_ENDS);
        }
        out.push_str(components::BODY_ENDS);
        self.body = Body::NotYet;
    }

    fn end_thoughts(&mut self, out: &mut String) {
        if self.body == Body::Thoughts {
            out.push_str(&components::thoughts_end().into_string());
            self.body = Body::NotYet;
        }
    }
}
