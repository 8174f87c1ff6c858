//! Markdown: its HTML depends on the text alone, and is such that a sanitizer takes nothing away.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::Builder;
use web::markdown::sealed_of;
use web::markdown::written::ELEMENTS;

/// How much HTML may come of a byte, at most; a little comes of none.
const MOST_PER_BYTE: usize = 64;
const MOST_BESIDE: usize = 4096;

/// Lets pass what the renderer says that it writes, and links to elsewhere.
static SANITIZER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let attributes = ELEMENTS
        .iter()
        .map(|(name, attributes)| (*name, attributes.iter().copied().collect::<HashSet<_>>()));
    let mut sanitizer = Builder::empty();
    sanitizer
        .tags(ELEMENTS.iter().map(|(name, _)| *name).collect())
        .tag_attributes(attributes.collect::<HashMap<_, _>>())
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .link_rel(None);
    sanitizer
});

pub(super) fn run(bytes: &[u8]) {
    // The first byte says how it is cut, so that a finding tells everything.
    let Some((size, text)) = bytes.split_first() else { return };
    let text = String::from_utf8_lossy(text);
    let (sealed, last) = sealed_of([&*text]);

    let cut = text.floor_char_boundary(text.len() * usize::from(*size) / 256);
    let (beginning, rest) = text.split_at(cut);
    let in_two = sealed_of([beginning, rest]);
    assert_eq!(in_two, (sealed.clone(), last.clone()), "in two pieces, cut at {cut}");
    let (first, _) = sealed_of([beginning]);
    assert_eq!(sealed.get(..first.len()), Some(first.as_slice()), "cut at {cut}");

    let html = sealed.concat() + &last.concat();
    assert_eq!(SANITIZER.clean(&html).to_string(), html);
    assert!(html.len() <= MOST_PER_BYTE * text.len() + MOST_BESIDE, "{} bytes", html.len());
}
