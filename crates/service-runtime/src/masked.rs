//! Texts that quote what somebody else wrote, without what looks like a secret.
//!
//! A last guard: whoever writes a key where a model's name belongs, or a password into an address,
//! is told what is wrong with it, and the key is not repeated. A secret that has no form of its own
//! is not recognised; what is known to be one is never quoted in the first place.

use std::borrow::Cow;

/// What stands where a secret stood.
const MASK: &str = "…";
/// Fewest characters of a key behind its `sk-`.
const SHORTEST_KEY: usize = 20;
/// Characters of a seed of NATS.
const SEED: usize = 58;
/// Parts of the names of parameters whose values are secrets.
const SECRET_NAMES: [&str; 4] = ["key", "token", "secret", "password"];

/// A secret in a text: its bytes.
type Secret = std::ops::Range<usize>;

/// The text without API keys (`sk-…`), seeds of NATS, what stands before the `@` of an address, and
/// the values of parameters that are named like secrets.
pub fn masked(text: &str) -> Cow<'_, str> {
    let mut shown = String::new();
    let (mut copied, mut at, mut words) = (0, 0, Words::of(text));
    while at < text.len() {
        let found = api_key(text, at, &mut words);
        let found =
            found.or_else(|| [seed, userinfo, parameter].iter().find_map(|look| look(text, at)));
        let Some(Secret { start, end }) = found else {
            at += 1;
            continue;
        };
        // Both are beside ASCII characters, so between two characters.
        shown.push_str(text.get(copied..start).unwrap_or_default());
        shown.push_str(MASK);
        (copied, at) = (end, end);
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    shown.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(shown)
}

/// `sk-` and a word that nobody would write by hand. Its `-` may be percent-encoded, or something
/// that is easily taken for one.
fn api_key(text: &str, at: usize, words: &mut Words<'_>) -> Option<Secret> {
    let rest = text.as_bytes().get(at..)?;
    if !rest.get(..2)?.eq_ignore_ascii_case(b"sk") {
        return None;
    }
    let behind = rest.get(2..)?;
    let dash = match behind {
        [b'-' | b'_', ..] => 1,
        [b'%', b'2', b'd' | b'D', ..] => 3,
        _ => return None,
    };
    let start = at + 2 + dash;
    let (end, last_digit) = words.from(start);
    let ours = behind[dash..].get(..6).is_some_and(|begins| begins.eq_ignore_ascii_case(b"chappe"));
    let drawn = !is_within_a_word(text, at) && last_digit >= Some(start);
    (end - start >= SHORTEST_KEY && (ours || drawn)).then_some(start..end)
}

/// The words that keys may be in. Each is looked through once, however many beginnings of keys it
/// has: the text may be anybody's, and long.
struct Words<'a> {
    text: &'a [u8],
    /// The last that was looked through, from where it was entered.
    known: Secret,
    /// Its last digit.
    last_digit: Option<usize>,
}

impl<'a> Words<'a> {
    fn of(text: &'a str) -> Self {
        Self { text: text.as_bytes(), known: 0..0, last_digit: None }
    }

    /// Where the word ends that goes on at `start`, and its last digit, which may be before.
    fn from(&mut self, start: usize) -> (usize, Option<usize>) {
        if !self.known.contains(&start) {
            let within =
                |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'%');
            let rest = &self.text[start..];
            let length = rest.iter().position(|byte| !within(byte)).unwrap_or(rest.len());
            self.known = start..start + length;
            self.last_digit =
                rest[..length].iter().rposition(u8::is_ascii_digit).map(|digit| start + digit);
        }
        (self.known.end, self.last_digit)
    }
}

fn seed(text: &str, at: usize) -> Option<Secret> {
    let rest = text.as_bytes().get(at..)?;
    if rest.first() != Some(&b'S') || is_within_a_word(text, at) {
        return None;
    }
    // No further than decides it.
    let rest = &rest[..rest.len().min(SEED + 1)];
    let word = rest.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(rest.len());
    let base32 = |byte: &u8| byte.is_ascii_uppercase() || matches!(byte, b'2'..=b'7');
    (word == SEED && rest[..word].iter().all(base32)).then(|| at + 2..at + word)
}

/// What stands between `://` and the last `@` of the authority.
fn userinfo(text: &str, at: usize) -> Option<Secret> {
    let authority = text.get(at..)?.strip_prefix("://")?;
    let ends = |character: char| character.is_whitespace() || "/?#`\"'".contains(character);
    let authority = &authority[..authority.find(ends).unwrap_or(authority.len())];
    let start = at + "://".len();
    authority.rfind('@').filter(|length| *length > 0).map(|length| start..start + length)
}

/// The value behind a `?key=`.
fn parameter(text: &str, at: usize) -> Option<Secret> {
    let rest = text.get(at..)?.strip_prefix(['?', '&'])?;
    // Only as far as a name goes: the next `=` may be far away, and not there at all.
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let (name, behind) = rest.split_at(rest.bytes().position(|byte| !is_name(byte))?);
    let value = behind.strip_prefix('=')?;
    let name_lower = name.to_ascii_lowercase();
    if !SECRET_NAMES.iter().any(|secret| name_lower.contains(secret)) {
        return None;
    }
    let ends = |character: char| character.is_whitespace() || "&#`\"'".contains(character);
    let length = value.find(ends).unwrap_or(value.len());
    let start = at + 1 + name.len() + 1;
    (length > 0).then(|| start..start + length)
}

/// Within a word, as in `task-`. An encoded character before it ends one.
fn is_within_a_word(text: &str, at: usize) -> bool {
    let before = &text.as_bytes()[..at];
    let encoded = before.len() >= 3 && before[before.len() - 3] == b'%';
    before.last().is_some_and(u8::is_ascii_alphanumeric) && !encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Put together here: a scan for secrets reads this file too.
    fn of_ours() -> String {
        format!("sk-{}-{}-{}", "chappe", "abcdefghijklmnop", "q2r3s4t5".repeat(6) + "uvwx")
    }

    #[test]
    fn keys_are_masked_wherever_they_stand_and_however_they_are_spelt() {
        let key = of_ours();
        let secret = &key[27..];
        for spelt in [
            key.clone(),
            key.to_uppercase(),
            format!("{key}x"),
            key[..60].to_owned(),
            key.replacen('-', "_", 2),
            key.replace('-', "%2d"),
            key.replace('-', "%2D"),
            format!("{key},{key}"),
            format!("x{key}"),
            format!("sk-{}", &secret[..30]),
            format!("sk-proj-{secret}"),
        ] {
            for text in [
                spelt.clone(),
                format!("The model `{spelt}` does not exist."),
                format!("GET /v1/%20{spelt}/é"),
                format!("{{\"key\":\"{spelt}\"}}"),
            ] {
                let shown = masked(&text);
                let lower = shown.to_lowercase();
                assert!(!lower.contains(&secret[..12]), "{text}: {shown}");
                assert!(lower.contains("sk") && shown.contains(MASK), "{text}: {shown}");
            }
        }
    }

    #[test]
    fn other_secrets_that_have_a_form_are_masked_and_nothing_around_them() {
        let seed = format!("{}{}", "SU", "AB2C3D4E".repeat(7));
        for (text, shown) in [
            (format!("there is no file `{seed}`"), "there is no file `SU…`"),
            ("`nats://me:hunter2@h:1,tls://b` is".to_owned(), "`nats://…@h:1,tls://b` is"),
            ("http://a@b@c/d@e".to_owned(), "http://…@c/d@e"),
            ("x://t@h y://u@h".to_owned(), "x://…@h y://…@h"),
            ("`http://h/v1?a=b&api_key=x-y&c=d`".to_owned(), "`http://h/v1?a=b&api_key=…&c=d`"),
            ("h?token=é#x".to_owned(), "h?token=…#x"),
        ] {
            assert_eq!(masked(&text), shown);
        }
    }

    #[test]
    fn what_is_none_stays_as_it_is() {
        for text in [
            "",
            "sk-…",
            "the key begins with sk-chappe-",
            "sk-this-is-how-a-key-is-written-here",
            "task-0123456789012345678901234567",
            "sk",
            "s",
            "S",
            "http://h/@x",
            "://@h",
            "https://h:1/v1?stream=true&starting_after=4",
            "ann@example.org",
            "?key=",
            "ein Schlüssel – keiner",
        ] {
            assert!(matches!(masked(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn a_long_text_takes_no_longer_than_its_length_asks_for() {
        const LENGTH: usize = 1_000_000;
        let (tell, told) = std::sync::mpsc::channel();
        let shapes = ["sk-", "sk%2d", "sk-x%", "&", "&a=", "?key", "S"];
        std::thread::spawn(move || {
            for shape in shapes {
                let text = shape.repeat(LENGTH / shape.len());
                let shown = masked(&format!("{text}=")).len();
                tell.send((shape, shown)).unwrap();
            }
        });
        for shape in shapes {
            // Many times what all of them take, and a fraction of what the square of it would.
            let limit = std::time::Duration::from_secs(30);
            let (done, shown) = told.recv_timeout(limit).unwrap_or_else(|_| panic!("{shape}"));
            assert_eq!(done, shape);
            assert!(shown <= LENGTH + 1, "{shape}");
        }
    }

    #[test]
    fn no_text_makes_it_panic_and_twice_is_once() {
        let parts = ["sk-", "é", "%2d", "://", "@", "?key=", "S", "2", "…", "\0", "chappe-"];
        let key = of_ours();
        for first in parts {
            for second in parts {
                for third in parts {
                    let text = format!("{first}{second}{key}{third}{first}");
                    let once = masked(&text).into_owned();
                    assert_eq!(masked(&once), once, "{text}");
                }
            }
        }
    }
}
