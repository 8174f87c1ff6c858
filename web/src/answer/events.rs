//! An answer as events for the script of the page: what to add, and the tail as what changed.

use serde::Serialize;

use super::{Ending, Narrator};
use crate::components;
use crate::conversation::Mark;
use crate::error::Words;
use crate::gateway_client::Said;
use crate::markdown::Sealed;
use crate::receipt::Receipt;

/// A comment, which keeps a connection alive.
pub(crate) const HEARTBEAT: &str = ": \n\n";

/// Tells one answer as events.
#[derive(Debug, Default)]
pub(crate) struct Events {
    narrator: Narrator,
    /// The tail as the page has it.
    tail: String,
}

/// One event. What is empty is left out.
#[derive(Debug, Default, Serialize)]
struct Event<'a> {
    /// More of the answer as the model wrote it.
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
    /// More thoughts, as text.
    #[serde(skip_serializing_if = "String::is_empty")]
    thoughts: String,
    /// HTML to be added, each with where it belongs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    add: Vec<(&'static str, String)>,
    /// How much of the tail stays, in UTF-16 units as scripts count, and what follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    tail: Option<(usize, &'a str)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<End<'a>>,
}

/// How it ended.
#[derive(Debug, Serialize)]
struct End<'a> {
    /// Whether the turn is kept; if not, the question goes back to its author.
    kept: bool,
    /// How it ended, as the conversation carries it.
    #[serde(skip_serializing_if = "Option::is_none")]
    mark: Option<Mark>,
    /// What it took, as the conversation carries it.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<&'a Receipt>,
    /// What went wrong, as HTML.
    #[serde(skip_serializing_if = "Option::is_none")]
    alert: Option<String>,
}

impl Events {
    /// What the model said, as an event.
    pub(crate) fn said(&mut self, said: &[Said]) -> String {
        let before = self.narrator.text().len();
        let thoughts = self.narrator.hear(said);
        let add = placed(self.narrator.sealed());
        let tail = self.narrator.tail();
        let (same, units) = common_start(&self.tail, &tail);
        let changed = same < tail.len() || same < self.tail.len();
        let event = Event {
            text: self.narrator.text()[before..].to_owned(),
            thoughts,
            add,
            tail: changed.then(|| (units, &tail[same..])),
            end: None,
        };
        let frame = frame(&event);
        self.tail = tail;
        frame
    }

    /// How it ended, as an event.
    pub(crate) fn ended(&mut self, ending: &Ending) -> String {
        let add = placed(self.narrator.end(ending));
        let kept = self.narrator.is_kept(ending);
        let alert = Words::of_ending(ending, kept);
        let alert = alert.map(|words| components::alert(&words).into_string());
        let (mark, receipt) = (self.narrator.mark(ending), self.narrator.receipt());
        let end = Some(End { kept, mark, receipt, alert });
        frame(&Event { add, tail: Some((0, "")), end, ..Event::default() })
    }
}

/// The only event of a question that cannot be asked.
pub(crate) fn refusal(words: &Words) -> String {
    let alert = Some(components::alert(words).into_string());
    frame(&Event {
        end: Some(End { kept: false, mark: None, receipt: None, alert }),
        ..Event::default()
    })
}

/// Where each piece belongs; pieces that follow each other at the same place are one.
fn placed(sealed: Vec<Sealed>) -> Vec<(&'static str, String)> {
    let mut placed: Vec<(&'static str, String)> = Vec::new();
    for piece in sealed {
        let (place, html) = match piece {
            Sealed::Block(html) => ("block", html),
            // A script adds whole elements: the code's end comes with its beginning.
            Sealed::CodeBegins(html) => ("open", html + Sealed::CodeEnds.as_html()),
            Sealed::Code(html) => ("code", html),
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

fn frame(event: &Event<'_>) -> String {
    // Strings and numbers: this cannot fail. JSON holds no line end, so one line is one event.
    format!("data: {}\n\n", serde_json::to_string(event).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::gateway_client::Finish;

    /// What a page shows after these events: the same that `static/app.js` does.
    #[derive(Default)]
    struct Page {
        html: String,
        tail: Vec<u16>,
        text: String,
        in_code: bool,
    }

    impl Page {
        fn take(&mut self, frame: &str) {
            let json = frame.strip_prefix("data: ").unwrap().strip_suffix("\n\n").unwrap();
            let event: Value = serde_json::from_str(json).unwrap();
            self.text += event["text"].as_str().unwrap_or_default();
            for added in event["add"].as_array().into_iter().flatten() {
                let html = added[1].as_str().unwrap();
                let end = Sealed::CodeEnds.as_html();
                match added[0].as_str().unwrap() {
                    "open" => self.html += html.strip_suffix(end).unwrap(),
                    "close" => self.html += end,
                    _ => self.html += html,
                }
                self.in_code = matches!(added[0].as_str().unwrap(), "open" | "code");
            }
            if let Some(tail) = event["tail"].as_array() {
                self.tail.truncate(usize::try_from(tail[0].as_u64().unwrap()).unwrap());
                self.tail.extend(tail[1].as_str().unwrap().encode_utf16());
            }
        }
    }

    fn told(pieces: &[String]) -> Page {
        let (mut events, mut page) = (Events::default(), Page::default());
        for piece in pieces {
            page.take(&events.said(&[Said::Text(piece.clone())]));
            assert_eq!(String::from_utf16(&page.tail).unwrap(), events.narrator.tail());
        }
        page.take(&events.ended(&Ending::Complete(Finish::Length)));
        page
    }

    #[test]
    fn a_word_more_costs_a_word_and_not_the_paragraph() {
        let mut events = Events::default();
        events.said(&[Said::Text("word ".repeat(400))]);

        let frame = events.said(&[Said::Text("more".into())]);

        assert!(frame.len() < 80, "{} bytes: {frame}", frame.len());
    }

    #[test]
    fn a_question_that_failed_goes_back_to_its_author() {
        let mut events = Events::default();
        let frame = events.ended(&Ending::Closing);
        assert!(frame.contains("\"kept\":false"), "{frame}");
        assert!(frame.contains("alert"), "{frame}");
    }

    proptest! {
        #[test]
        fn the_page_ends_with_the_whole_text_however_it_came(
            pieces in proptest::collection::vec("[a-z\u{1f600}é*`#|\\-\n ]{0,12}", 1..24),
        ) {
            let page = told(&pieces);
            let once = told(&[pieces.concat()]);

            prop_assert_eq!(page.text, pieces.concat());
            prop_assert_eq!(page.html, once.html);
            prop_assert!(page.tail.is_empty());
        }
    }
}
