//! Text as HTML: escaped the way browsers and sanitizers write it, so that theirs equals ours.

/// Appends text.
pub(super) fn push(out: &mut String, text: &str) {
    push_with(out, text, |_| None);
}

/// Text.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    push(&mut out, text);
    out
}

/// Appends text to stand within the quotes of an attribute.
pub(super) fn push_attribute(out: &mut String, text: &str) {
    push_with(out, text, |character| (character == '"').then_some("&quot;"));
}

/// Appends code. What would hide in it, or turn the order around in which it is read, is shown.
pub(super) fn push_code(out: &mut String, code: &str) {
    let mut rest = code;
    while let Some(at) = rest.find(is_hidden) {
        push(out, &rest[..at]);
        let hidden = rest[at..].chars().next().unwrap_or_default();
        out.push_str(&format!("<span class=\"hidden\">U+{:04X}</span>", u32::from(hidden)));
        rest = &rest[at + hidden.len_utf8()..];
    }
    push(out, rest);
}

/// Whether a character changes the order of others.
pub(crate) fn turns_order(character: char) -> bool {
    matches!(character,
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a character cannot be seen, and code has no need of it.
fn is_hidden(character: char) -> bool {
    turns_order(character)
        || matches!(character,
            '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

fn push_with(out: &mut String, text: &str, other: impl Fn(char) -> Option<&'static str>) {
    for character in text.chars() {
        let entity = match character {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '\u{a0}' => "&nbsp;",
            // No HTML can hold it.
            '\0' => "\u{fffd}",
            // A parser of HTML makes this of it.
            '\r' => "\n",
            _ => match other(character) {
                Some(entity) => entity,
                None => {
                    out.push(character);
                    continue;
                }
            },
        };
        out.push_str(entity);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_shows_what_would_turn_it_around_and_text_keeps_it() {
        let mut code = String::new();
        push_code(&mut code, "a\u{202e}b<");

        assert_eq!(code, "a<span class=\"hidden\">U+202E</span>b&lt;");
        assert_eq!(escaped("a\u{202e}b\u{200d}\0"), "a\u{202e}b\u{200d}\u{fffd}");
    }
}
