//! Links: which are followed, and addresses that stand in the text as they are.

use std::ops::Range;

use super::text;

/// Where a link may lead. Anything else is text.
const SCHEMES: [&str; 3] = ["http://", "https://", "mailto:"];

/// The start tag of a link to `address`, if one may be followed.
pub(crate) fn start_tag(address: &str) -> Option<String> {
    let allowed = SCHEMES.iter().any(|scheme| {
        address.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    // What is read must be where it leads.
    let hides = |character: char| character.is_control() || text::turns_order(character);
    if !allowed || address.contains(hides) || url::Url::parse(address).is_err() {
        return None;
    }
    let mut tag = "<a href=\"".to_owned();
    text::push_attribute(&mut tag, address);
    tag.push_str("\" rel=\"noopener noreferrer nofollow\" target=\"_blank\">");
    Some(tag)
}

/// Whether a text may hold an address: a look that costs little.
pub(super) fn may_hold(text: &str) -> bool {
    text.contains("://") || text.contains("www.") || text.contains('@')
}

/// Text with its addresses made links, as HTML.
pub(super) fn linked(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut copied = 0;
    let mut from = 0;
    while let Some(word) = next_word(text, from) {
        from = word.end;
        let Some((at, address)) = address_in(&text[word.clone()]) else { continue };
        let at = word.start + at;
        let shown = &text[at..at + address.shown];
        if let Some(tag) = start_tag(&format!("{}{shown}", address.scheme)) {
            text::push(&mut out, &text[copied..at]);
            out.push_str(&tag);
            text::push(&mut out, shown);
            out.push_str("</a>");
            copied = at + shown.len();
            // Behind a comma there may be another one.
            from = copied;
        }
    }
    text::push(&mut out, &text[copied..]);
    out
}

/// An address within a word.
#[derive(Debug, PartialEq, Eq)]
struct Address {
    /// What it lacks to be one.
    scheme: &'static str,
    /// How much of the word it is.
    shown: usize,
}

fn next_word(text: &str, from: usize) -> Option<Range<usize>> {
    let ends = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '`');
    let start = from + text[from..].find(|c| !ends(c))?;
    let length = text[start..].find(ends).unwrap_or(text.len() - start);
    Some(start..start + length)
}

/// The first address in a word.
fn address_in(word: &str) -> Option<(usize, Address)> {
    let begins = |at: &usize| !word[..*at].ends_with(char::is_alphanumeric);
    for (start, scheme) in [("https://", ""), ("http://", ""), ("www.", "http://")] {
        let found = word.match_indices(start).map(|(at, _)| at).find(begins);
        let Some(at) = found else { continue };
        let address = without_punctuation(&word[at..]);
        // Something has to follow.
        if address.len() > start.len() && (scheme.is_empty() || address[4..].contains('.')) {
            return Some((at, Address { scheme, shown: address.len() }));
        }
    }
    mailbox_in(word)
}

/// `somebody@example.com`: names, and a domain of at least two.
fn mailbox_in(word: &str) -> Option<(usize, Address)> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+');
    let (before, behind) = word.split_once('@')?;
    let at = before
        .rfind(|c| !is_name(c))
        .map_or(0, |last| last + before[last..].chars().next().map_or(0, char::len_utf8));
    let domain = behind.split(|c: char| !is_name(c) || c == '+').next().unwrap_or_default();
    let domain = domain.trim_end_matches(['.', '-', '_']);
    let is_domain = domain.contains('.') && domain.split('.').all(|label| !label.is_empty());
    let shown = before.len() - at + 1 + domain.len();
    (at < before.len() && is_domain).then_some((at, Address { scheme: "mailto:", shown }))
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
        for (text, link) in [
            ("see https://a.b/c. Then", "see <https://a.b/c>. Then"),
            ("(https://a.b/c)", "(<https://a.b/c>)"),
            ("https://a.b/c_(d) e", "<https://a.b/c_(d)> e"),
            ("www.a.b/c, d", "<www.a.b/c>, d"),
            ("mail a.b+c@d.e.", "mail <a.b+c@d.e>."),
            ("é@a.b x@a.b,y@c.d", "é@a.b <x@a.b>,<y@c.d>"),
            ("xhttp://a http:// https www. www.a @a.b a@b", ""),
            ("https://a\u{202e}b", ""),
        ] {
            let plain = linked(text);
            let tags = plain.split('<').map(|part| match part.split_once('>') {
                Some(("/a", rest)) => format!(">{rest}"),
                Some((_, rest)) => format!("<{rest}"),
                None => part.to_owned(),
            });
            let seen: String = tags.collect();
            assert_eq!(seen, if link.is_empty() { text } else { link });
        }
        assert!(linked("www.a.b").contains("\"http://www.a.b\""));
    }
}
