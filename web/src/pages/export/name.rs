//! What the file of a chat is called: by the chat's title, as any disk can bear it.

use std::fmt::Write as _;

/// Most characters of a name before its ending. Each is four bytes at most, and disks know 255.
const LONGEST: usize = 60;
/// What a chat is called whose title has no letter.
const ANY: &str = "chat";

/// The header's value: a name of ASCII for everyone, and the real one where that is another.
pub(super) fn attachment(title: Option<&str>, ending: &str) -> String {
    let name = words_of(title.unwrap_or_default(), is_kept);
    let ascii = words_of(&name, |character| character.is_ascii_alphanumeric());
    let or_any = |name: String| if name.is_empty() { ANY.to_owned() } else { name };
    let (name, ascii) = (or_any(name), or_any(ascii));
    let mut value = format!("attachment; filename=\"{ascii}.{ending}\"");
    if name != ascii {
        let encoded = encoded(&name);
        // Writing to memory cannot fail.
        let _infallible = write!(value, "; filename*=UTF-8''{encoded}.{ending}");
    }
    value
}

/// As a header can bear it (RFC 8187).
fn encoded(name: &str) -> String {
    let mut encoded = String::new();
    for byte in name.bytes() {
        let _infallible = match byte {
            b'-' | b'0'..=b'9' | b'a'..=b'z' => write!(encoded, "{}", char::from(byte)),
            _ => write!(encoded, "%{byte:02X}"),
        };
    }
    encoded
}

/// Letters, digits, and what belongs to them in any script: no spaces, no common signs, and nothing
/// that turns text around.
fn is_kept(character: char) -> bool {
    let is_sign = matches!(character,
        '\0'..='\u{bf}' | '\u{61c}' | '\u{2000}'..='\u{206f}' | '\u{3000}'..='\u{303f}' | '\u{feff}');
    character.is_alphanumeric() || !is_sign && !character.is_whitespace()
}

/// The words of a title, in small letters, with a dash between each two.
fn words_of(title: &str, is_letter: impl Fn(char) -> bool) -> String {
    let small = title.to_lowercase();
    let words = small.split(|character| !is_letter(character)).filter(|word| !word.is_empty());
    let name: String = words.collect::<Vec<_>>().join("-").chars().take(LONGEST).collect();
    name.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_called_as_its_chat() {
        for (title, expected) in [
            ("Bees and eyes?", "filename=\"bees-and-eyes.md\""),
            ("", "filename=\"chat.md\""),
            (" \u{202e}\u{200b} ", "filename=\"chat.md\""),
            ("../../etc/passwd", "filename=\"etc-passwd.md\""),
            ("a\"; filename=\"b.exe\r\nX: y", "filename=\"a-filename-b-exe-x-y.md\""),
            ("Bär 1", "filename=\"b-r-1.md\"; filename*=UTF-8''b%C3%A4r-1.md"),
            ("שלום", "filename=\"chat.md\"; filename*=UTF-8''%D7%A9%D7%9C%D7%95%D7%9D.md"),
        ] {
            let value = attachment(Some(title), "md");
            assert_eq!(value, format!("attachment; {expected}"), "{title:?}");
        }
        let long = attachment(Some(&"word ".repeat(80)), "json");
        assert!(long.ends_with("-word.json\"") && long.len() < 100, "{long}");
        assert_eq!(attachment(None, "json"), "attachment; filename=\"chat.json\"");
    }
}
