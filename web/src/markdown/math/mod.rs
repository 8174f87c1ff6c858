//! Formulas in a block: `$…$`, `$$…$$`, `\(…\)` and `\[…\]`.
//!
//! They are taken out before markdown is read, since their `_`, `*` and `\\` mean something else,
//! and put back as `MathML` where they stood. A formula counts once it is closed; one in a line ends
//! on that line, and one with lines of its own has no blank one. Dollars follow Pandoc: no space
//! after the first and none before the second, no digit behind it, so that prices stay text.

mod find;
mod mathml;

use std::borrow::Cow;

use super::text;

/// Characters that are none, as Unicode has it, around the number of a formula.
const MARK: [char; 2] = ['\u{fdd0}', '\u{fdd1}'];

/// A block with more of them shows the others as they were written: each costs more than a page of
/// text, and a block is read again for every word that is added to it.
const MOST: usize = 512;

/// What was taken out of a text.
#[derive(Debug, Default)]
pub(super) struct Formulas(Vec<Formula>);

#[derive(Debug)]
struct Formula {
    source: String,
    html: String,
}

/// The text with marks where formulas stood.
pub(super) fn taken_out(markdown: &str) -> (Cow<'_, str>, Formulas) {
    let mut markdown = Cow::Borrowed(markdown);
    if markdown.contains(MARK) {
        markdown = Cow::Owned(markdown.replace(MARK, "\u{fffd}"));
    }
    let mut formulas = Formulas::default();
    if !markdown.contains(['$', '\\']) {
        return (markdown, formulas);
    }
    let mut out = String::with_capacity(markdown.len());
    let mut copied = 0;
    for found in find::formulas(&markdown).take(MOST) {
        let source = &markdown[found.place.clone()];
        let html = match mathml::of(&found.latex, found.shown) {
            Some(html) => html,
            // Dollars may be anything. What has brackets is a formula that we cannot show: as it
            // was written it can be read.
            None if found.may_be_text => continue,
            None => text::escaped(source),
        };
        out.push_str(&markdown[copied..found.place.start]);
        out.push_str(&format!("{}{}{}", MARK[0], formulas.0.len(), MARK[1]));
        formulas.0.push(Formula { source: source.to_owned(), html });
        copied = found.place.end;
    }
    if formulas.0.is_empty() {
        return (markdown, formulas);
    }
    out.push_str(&markdown[copied..]);
    (Cow::Owned(out), formulas)
}

/// What is between, at and behind marks.
pub(super) enum Part<'a> {
    /// Text that is none.
    Text(&'a str),
    /// The HTML of one.
    Html(&'a str),
}

impl Formulas {
    /// The parts of a text with marks.
    pub(super) fn parts<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Part<'a>> {
        let mut marked = text.split(MARK[0]);
        let first = marked.next().map(Part::Text);
        first.into_iter().chain(marked.flat_map(|part| {
            let (formula, rest) = self.at(part);
            [formula.map(|formula| Part::Html(&formula.html)), Some(Part::Text(rest))]
                .into_iter()
                .flatten()
        }))
    }

    /// A text as it was written: where formulas are none, such as in code.
    pub(super) fn put_back<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut marked = text.split(MARK[0]);
        let first = marked.next().unwrap_or_default();
        if first.len() == text.len() {
            return Cow::Borrowed(text);
        }
        let mut out = first.to_owned();
        for part in marked {
            let (formula, rest) = self.at(part);
            out.push_str(formula.map_or("", |formula| &formula.source));
            out.push_str(rest);
        }
        Cow::Owned(out)
    }

    fn at<'a>(&self, part: &'a str) -> (Option<&Formula>, &'a str) {
        let Some((number, rest)) = part.split_once(MARK[1]) else { return (None, part) };
        let formula = number.parse().ok().and_then(|number: usize| self.0.get(number));
        (formula, rest)
    }
}
