//! Links: which are followed, and addresses that stand in the text as they are.

use super::escaped;

/// Where a link may lead. Anything else is text.
const SCHEMES: [&str; 3] = ["http://", "https://", "mailto:"];

/// The start tag of a link to `address`, if one may be followed.
pub(super) fn start_tag(address: &str) -> Option<String> {
    let allowed = SCHEMES.iter().any(|scheme| {
        address.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    allowed.then(|| {
        let address = escaped(address);
        format!("<a href=\"{address}\" rel=\"noopener noreferrer nofollow\" target=\"_blank\">")
    })
}

/// Text with its addresses made links, as HTML.
pub(super) fn linked(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut rest = text;
    while let Some((at, address)) = next_address(rest) {
        out.push_str(&escaped(&rest[..at]));
        if let Some(tag) = start_tag(address) {
            out.push_str(&tag);
            out.push_str(&escaped(address));
            out.push_str("</a>");
        }
        rest = &rest[at + address.len()..];
    }
    out.push_str(&escaped(rest));
    out
}

fn next_address(text: &str) -> Option<(usize, &str)> {
    let mut from = 0;
    while let Some(found) = text[from..].find("http") {
        let at = from + found;
        let candidate = &text[at..];
        let scheme = ["https://", "http://"].into_iter().find(|s| candidate.starts_with(s));
        let after_word = text[..at].ends_with(|before: char| before.is_alphanumeric());
        if let Some(scheme) = scheme.filter(|_| !after_word) {
            let ends = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '`');
            let length = candidate.find(ends).unwrap_or(candidate.len());
            let address = without_punctuation(&candidate[..length]);
            if address.len() > scheme.len() {
                return Some((at, address));
            }
        }
        from = at + "http".len();
    }
    None
}

/// Without what belongs to the sentence around it. A bracket stays where its partner is inside.
fn without_punctuation(address: &str) -> &str {
    let mut address = address;
    loop {
        let shorter = address.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '*', '_', '~']);
        let unpaired = [('(', ')'), ('[', ']'), ('{', '}')].into_iter().find(|(open, close)| {
            shorter.ends_with(*close)
                && shorter.matches(*close).count() > shorter.matches(*open).count()
        });
        let shorter = if unpaired.is_some() { &shorter[..shorter.len() - 1] } else { shorter };
        if shorter.len() == address.len() {
            return address;
        }
        address = shorter;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_browsers_open_elsewhere_are_followed() {
        for address in ["https://example.com", "HTTP://x", "mailto:a@b.c"] {
            assert!(start_tag(address).is_some(), "{address}");
        }
        for address in ["javascript:alert(1)", "data:text/html,x", "/stop", "//x", "http:x", ""] {
            assert!(start_tag(address).is_none(), "{address}");
        }
    }

    #[test]
    fn an_address_ends_where_the_sentence_goes_on() {
        for (text, address) in [
            ("see https://a.b/c. Then", "https://a.b/c"),
            ("(https://a.b/c)", "https://a.b/c"),
            ("https://a.b/c_(d) e", "https://a.b/c_(d)"),
            ("<https://a.b>", "https://a.b"),
        ] {
            assert_eq!(next_address(text).map(|(_, address)| address), Some(address), "{text}");
        }
        assert_eq!(next_address("xhttp://a http:// https"), None);
    }
}
