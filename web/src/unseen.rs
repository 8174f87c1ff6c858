//! Names out of somebody's own words, which stand in lines of ours: they read in one direction, and
//! there is something to be seen of them.

use crate::markdown::turns_order;

/// Whether nothing is seen of a character that stands alone. Some of them join others that are seen.
pub(crate) fn is_invisible(character: char) -> bool {
    turns_order(character)
        || character.is_whitespace()
        || character.is_control()
        || matches!(character,
            '\u{00ad}' | '\u{034f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200d}' | '\u{2028}' | '\u{2029}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// A name as it can stand in a line; `None` when nothing would be seen of it.
pub(crate) fn seen(name: &str) -> Option<String> {
    let name: String = name.chars().filter(|character| !turns_order(*character)).collect();
    let is_seen = name.chars().any(|character| !is_invisible(character));
    is_seen.then(|| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_turns_nothing_around_and_is_seen() {
        for (name, expected) in [
            ("Bees", Some("Bees")),
            (" a\u{202e}b\u{2067} ", Some("ab")),
            ("שלום", Some("שלום")),
            ("👩\u{200d}🚀", Some("👩\u{200d}🚀")),
            ("می\u{200c}خواهم", Some("می\u{200c}خواهم")),
            ("", None),
            (" \n", None),
            ("\u{200b}\u{2060}\u{feff}\u{3164}", None),
            ("\u{202e}\u{e0041}\u{fe0f}", None),
        ] {
            assert_eq!(seen(name).as_deref(), expected, "{name:?}");
        }
    }
}
