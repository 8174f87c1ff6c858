//! Updates of an answer for the script of the page: what to add, and the tail as what changed.

use std::sync::Arc;

use serde::Serialize;

use super::Update;
use crate::markdown::Sealed;
use crate::said::Ending;
use crate::waiting::Waiting;

/// A comment, which keeps a connection alive.
pub(crate) const HEARTBEAT: &str = ": \n\n";

/// Tells one reader.
#[derive(Debug, Default)]
pub(crate) struct Events {
    /// The tail as the page has it; of a page that has just come it is not known.
    tail: Option<Arc<str>>,
    /// Why there is nothing to be read yet, as it was told last.
    waiting: Option<Waiting>,
}

/// One event. What is empty is left out.
#[derive(Debug, Default, Serialize)]
struct Event<'a> {
    /// What the page has counts no more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    anew: bool,
    /// Why there is nothing to be read yet: of which kind, and in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<(&'static str, String)>,
    /// More thoughts, as text.
    #[serde(skip_serializing_if = "str::is_empty")]
    thoughts: &'a str,
    /// HTML to be added, each with where it belongs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    add: Vec<(&'static str, String)>,
    /// How much of the tail stays, in UTF-16 units as scripts count, and what follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    tail: Option<(usize, &'a str)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<End>,
}

/// How it ended.
#[derive(Debug, Serialize)]
struct End {
    /// In a word: `done`, `stopped` or `failed`.
    how: &'static str,
    words: usize,
    /// What can be done with the answer, as HTML.
    actions: String,
}

impl Events {
    /// An update as an event. `actions` is asked for what can be done with an answer that is over.
    pub(crate) fn frame(&mut self, update: &Update, actions: impl FnOnce() -> String) -> String {
        let before = self.tail.take().filter(|_| !update.anew);
        let (same, units) = common_start(before.as_deref().unwrap_or_default(), &update.tail);
        let kept = before.is_some_and(|before| same == before.len() && same == update.tail.len());
        let waiting = update.waiting.filter(|waiting| self.waiting != Some(*waiting));
        self.waiting = update.waiting;
        let event = Event {
            anew: update.anew,
            status: waiting.map(|waiting| (waiting.kind(), waiting.words())),
            thoughts: &update.thoughts,
            add: placed(&update.add),
            tail: (!kept).then(|| (units, &update.tail[same..])),
            end: update.ending.as_ref().map(|ending| End {
                how: match ending {
                    Ending::Stopped => "stopped",
                    Ending::Failed { .. } | Ending::Lost(_) => "failed",
                    _ => "done",
                },
                words: update.words,
                actions: actions(),
            }),
        };
        // Strings and numbers: this cannot fail. JSON holds no line end, so one line is one event.
        let json = serde_json::to_string(&event).unwrap_or_default();
        self.tail = Some(Arc::clone(&update.tail));
        format!("id: {}\ndata: {json}\n\n", update.cursor)
    }
}

/// Where each piece belongs; pieces that follow each other at the same place are one.
fn placed(sealed: &[Arc<Sealed>]) -> Vec<(&'static str, String)> {
    let mut placed: Vec<(&'static str, String)> = Vec::new();
    for piece in sealed {
        let (place, html) = match &**piece {
            Sealed::Block(html) => ("block", html.clone()),
            // A script adds whole elements: the code's end comes with its beginning.
            Sealed::CodeBegins(html) => ("open", format!("{html}{}", Sealed::CodeEnds.as_html())),
            Sealed::Code(html) => ("code", html.clone()),
            Sealed::CodeEnds => ("close", String::new()),
        };
        match placed.last_mut() {
            Some((last, so_far)) if *last == place && matches!(place, "block" | "code") => {
                so_far.push_str(&html);
            }
            _ => placed.push((place, html)),
        }
    }
    placed
}

/// How much two texts share from the beginning, in bytes and in UTF-16 units.
fn common_start(before: &str, after: &str) -> (usize, usize) {
    let same = before.chars().zip(after.chars()).take_while(|(a, b)| a == b);
    same.fold((0, 0), |(bytes, units), (c, _)| (bytes + c.len_utf8(), units + c.len_utf16()))
}

#[cfg(test)]
mod tests;
