//! Text that is still being written, made presentable: markers that are open are closed for now,
//! and characters that may turn out to be anything are held back.

use std::borrow::Cow;

use super::blocks::is_list_item;

/// The tail's text to be rendered for the moment.
pub(super) fn presentable<'a>(block: &'a str, line: &'a str) -> Cow<'a, str> {
    // `Text` and then `-` would be a heading for as long as the list's first word is missing.
    let line = if is_undecided(line) { "" } else { line };
    if block.is_empty() && open_marker(line).is_none() {
        return Cow::Borrowed(line);
    }
    let mut text = format!("{block}{line}");
    let paragraph = text.rfind("\n\n").map_or(0, |at| at + 2);
    if let Some(marker) = open_marker(&text[paragraph..]) {
        if text.ends_with(marker) {
            text.truncate(text.len() - marker.len());
        } else if text.ends_with(char::is_whitespace) {
            // A marker after a space closes nothing.
            text.truncate(text.trim_end().len());
            text.push_str(marker);
        } else {
            text.push_str(marker);
        }
    }
    Cow::Owned(text)
}

/// The whole words of a paragraph of one line in which nothing is open.
pub(super) fn settled<'a>(block: &'a str, line: &'a str) -> Option<&'a str> {
    let paragraph = if block.is_empty() { line } else { block.trim_end() };
    let begins = paragraph.chars().next()?;
    if !begins.is_alphanumeric() || is_list_item(paragraph) || paragraph.contains(['|', '\n']) {
        return None;
    }
    let words = if block.is_empty() { &line[..line.rfind(' ')?] } else { paragraph };
    // What may become a formula, or be escaped, waits.
    let words = match words.find(['$', '\\']) {
        Some(at) => &words[..words[..at].rfind(' ')?],
        None => words,
    };
    let words = words.trim_end();
    let open = |marker: char| words.matches(marker).count() % 2 == 1;
    let undecided = ['*', '_', '`', '~'].into_iter().any(open)
        || words.matches("**").count() % 2 == 1
        || words.contains("``")
        || words.matches('[').count() != words.matches(']').count()
        || words.ends_with([']', ')', '\\', '&', '<'])
        || words.contains("://") && line.len() == words.len();
    (!undecided).then_some(words)
}

fn is_undecided(line: &str) -> bool {
    let line = line.trim();
    let markers = |byte: u8| b"-=*+#|:>`~_. ".contains(&byte) || byte.is_ascii_digit();
    line.len() < 80 && line.bytes().all(markers) && !line.ends_with(|c: char| c.is_ascii_digit())
}

/// The marker that is open at the end of a paragraph.
fn open_marker(paragraph: &str) -> Option<&'static str> {
    let ticks = paragraph.bytes().filter(|byte| *byte == b'`').count();
    if ticks % 2 == 1 {
        return Some("`");
    }
    (ticks == 0 && paragraph.matches("**").count() % 2 == 1).then_some("**")
}
