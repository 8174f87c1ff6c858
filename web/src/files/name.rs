//! What a file is called: words of whoever sends it, and nothing more.

use crate::{markdown, unseen};

/// Most characters of a name.
const LONGEST: usize = 100;

/// How much of a name is looked at, from its end: it may be as long as a form.
const LOOKED_AT: usize = 4096;
/// How many characters at its end say what it is.
const ENDING: usize = 10;

/// A name that can be shown: the last part of a path, in one line that reads in one direction. Empty
/// when nothing would be seen of it.
pub(super) fn shown(name: &str) -> String {
    let name = &name[name.ceil_char_boundary(name.len().saturating_sub(LOOKED_AT))..];
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let visible = last.chars().filter(|character| !is_unseen(*character));
    let line: String = visible.map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words = line.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.chars().all(unseen::is_invisible) {
        return String::new();
    }
    let count = words.chars().count();
    if count <= LONGEST {
        return words;
    }
    let beginning = words.chars().take(LONGEST - ENDING - 1);
    beginning.chain(['…']).chain(words.chars().skip(count - ENDING)).collect()
}

/// Characters that make a name look like another one.
fn is_unseen(character: char) -> bool {
    let has_no_width =
        matches!(character, '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{feff}');
    has_no_width || markdown::turns_order(character)
}

/// A name as browsers write it in a form: they encode what would end it.
pub(super) fn from_form(name: &str) -> String {
    name.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_short_line_and_no_path() {
        for (name, expected) in [
            ("a b.png", "a b.png"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\me\\notes.txt", "notes.txt"),
            ("cat\u{202e}gnp.exe", "catgnp.exe"),
            ("two\r\nlines\t.txt", "two lines .txt"),
            ("\"><script>.txt", "\"><script>.txt"),
            ("שלום.txt", "שלום.txt"),
            ("a/", ""),
            (" \u{200b} ", ""),
            ("\u{3164}\u{ad}\u{e0041}", ""),
        ] {
            assert_eq!(shown(name), expected, "{name:?}");
        }
        let long = shown(&format!("{}.png", "é".repeat(50_000)));
        assert_eq!(long.chars().count(), LONGEST);
        assert!(long.starts_with("ééé"), "{long}");
        assert_eq!(shown(&from_form("say %22hi%22.txt")), "say \"hi\".txt");
    }
}
