//! What the script of the page makes of the events.

use proptest::prelude::*;
use serde_json::Value;

use super::super::{Cursor, Told};
use super::*;
use crate::markdown::Colours;
use crate::said::Said;

/// What a page shows after these events: the same that `static/app.js` does.
#[derive(Default)]
struct Page {
    html: String,
    tail: Vec<u16>,
    thoughts: String,
    cursor: Cursor,
}

impl Page {
    fn take(&mut self, frame: &str) {
        let (id, data) = frame.split_once('\n').unwrap();
        self.cursor = id.strip_prefix("id: ").unwrap().parse().unwrap();
        let json = data.strip_prefix("data: ").unwrap().strip_suffix("\n\n").unwrap();
        let event: Value = serde_json::from_str(json).unwrap();
        if event["anew"] == true {
            *self = Self { cursor: self.cursor, ..Self::default() };
        }
        self.thoughts += event["thoughts"].as_str().unwrap_or_default();
        for added in event["add"].as_array().into_iter().flatten() {
            let html = added[1].as_str().unwrap();
            let end = Sealed::CodeEnds.as_html();
            match added[0].as_str().unwrap() {
                "open" => self.html += html.strip_suffix(end).unwrap(),
                "close" => self.html += end,
                _ => self.html += html,
            }
        }
        if let Some(tail) = event["tail"].as_array() {
            self.tail.truncate(usize::try_from(tail[0].as_u64().unwrap()).unwrap());
            self.tail.extend(tail[1].as_str().unwrap().encode_utf16());
        }
    }
}

/// The page after these pieces; `leaves` says behind which of them its reader is away for one.
fn read(pieces: &[Said], leaves: &[bool]) -> Page {
    let (mut told, mut events, mut page) = (Told::default(), Events::default(), Page::default());
    for (at, piece) in pieces.iter().enumerate() {
        told.hear(std::slice::from_ref(piece));
        told.render();
        if leaves.get(at).copied().unwrap_or_default() {
            events = Events::default();
            continue;
        }
        page.take(&events.frame(&told.since(page.cursor), String::new));
        assert_eq!(String::from_utf16(&page.tail).unwrap(), *told.since(page.cursor).tail);
    }
    told.hear(&[Said::End(Ending::Length)]);
    told.render();
    page.take(&events.frame(&told.since(page.cursor), String::new));
    page
}

fn text(pieces: &[String]) -> Vec<Said> {
    pieces.iter().map(|piece| Said::Text(piece.clone())).collect()
}

#[test]
fn a_word_more_costs_a_word_and_not_the_paragraph() {
    let (mut told, mut events) = (Told::default(), Events::default());
    told.hear(&[Said::Text("word ".repeat(400))]);
    told.render();
    events.frame(&told.since(Cursor::default()), String::new);
    let cursor = told.since(Cursor::default()).cursor;
    told.hear(&[Said::Text("more".into())]);
    told.render();

    let frame = events.frame(&told.since(cursor), String::new);

    assert!(frame.len() < 80, "{} bytes: {frame}", frame.len());
}

#[test]
fn what_another_worker_says_takes_the_place_of_what_was_cut_short() {
    let said = [
        Said::Reasoning("hm".into()),
        Said::Text("Old.\n\nOld".into()),
        Said::CutShort,
        Said::Text("New.\n\nNew".into()),
    ];

    let page = read(&said, &[]);

    assert!(page.html.contains("New") && !page.html.contains("Old"), "{}", page.html);
    assert_eq!((page.thoughts.as_str(), page.cursor.take), ("", 1));
    let ended = read(&said[..3], &[]);
    assert!(ended.html.contains("Old"), "nothing followed: it stays");
}

proptest! {
    #[test]
    fn the_page_ends_with_the_whole_text_however_it_came_and_was_read(
        pieces in proptest::collection::vec("[a-z\u{1f600}é*`#|\\-\n ]{0,12}", 1..24),
        leaves in proptest::collection::vec(any::<bool>(), 24),
    ) {
        let once = read(&text(&[pieces.concat()]), &[]);
        let page = read(&text(&pieces), &leaves);

        prop_assert_eq!(page.html, once.html);
        prop_assert!(page.tail.is_empty());
    }

    #[test]
    fn no_cursor_is_too_strange(take in 0_u32..3, pieces in 0_usize..9, thoughts in 0_usize..9) {
        let told = Told::of(&[
            Said::Reasoning("é€".into()),
            Said::Text("a\n\nb\n\nc".into()),
            Said::End(Ending::Complete),
        ], Colours::On);
        let update = told.since(Cursor { take, pieces, thoughts });
        prop_assert_eq!(update.cursor, told.since(Cursor::default()).cursor);
    }
}
