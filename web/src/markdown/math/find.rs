//! Where formulas stand in a text.

use std::ops::Range;

/// A longer one is text: it bounds the work, and nobody reads it.
const LONGEST: usize = 2048;

/// How a formula is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// In its line.
    Inline,
    /// In a line of its own.
    Apart,
}

/// A formula.
#[derive(Debug)]
pub(super) struct Found {
    /// With what is around it.
    pub(super) place: Range<usize>,
    pub(super) latex: String,
    pub(super) shown: Shown,
    /// Whether what is around it has other meanings.
    pub(super) may_be_text: bool,
}

/// All of them, in their order, each behind the one before it.
pub(super) fn formulas(text: &str) -> impl Iterator<Item = Found> {
    let mut at = behind_fence(text, 0).unwrap_or(0);
    let mut line = Line::of(text, at);
    std::iter::from_fn(move || {
        let bytes = text.as_bytes();
        while at < bytes.len() {
            let from = at;
            let mut found = None;
            match bytes[at] {
                b'`' => at = behind_code(text, at),
                b'\n' => at = behind_fence(text, at + 1).unwrap_or(at + 1),
                b'\\' | b'$' => {
                    found = formula(text, at, line);
                    at = match &found {
                        Some(found) => found.place.end,
                        // What a backslash stands before is only itself.
                        None if bytes[at] == b'\\' && bytes.get(at + 1) != Some(&b'\n') => at + 2,
                        None => at + 1 + usize::from(text[at..].starts_with("$$")),
                    };
                }
                _ => at += 1,
            }
            let passed = &bytes[from..at.min(bytes.len())];
            if let Some(newline) = passed.iter().rposition(|byte| *byte == b'\n') {
                line = Line::of(text, from + newline + 1);
            }
            if found.is_some() {
                return found;
            }
        }
        None
    })
}

/// The line that a formula would begin in.
#[derive(Debug, Clone, Copy)]
struct Line {
    start: usize,
    is_quote: bool,
    is_row: bool,
}

impl Line {
    fn of(text: &str, start: usize) -> Self {
        let line = text[start..].trim_start_matches([' ', '\t']);
        Self { start, is_quote: line.starts_with('>'), is_row: line.starts_with('|') }
    }
}

fn formula(text: &str, at: usize, line: Line) -> Option<Found> {
    let rest = &text[at..];
    let (around, shown) = match rest.as_bytes() {
        [b'\\', b'(', ..] => (2, Shown::Inline),
        [b'\\', b'[', ..] | [b'$', b'$', ..] => (2, Shown::Apart),
        [b'$', ..] => (1, Shown::Inline),
        _ => return None,
    };
    let inside = &rest[around..];
    let length = length(inside, &rest[..around])?;
    let content = &inside[..length];
    if around == 1 && !is_kept_by_pandoc(content, &inside[length + 1..]) {
        return None;
    }
    let may_be_text = rest.starts_with('$');
    if may_be_text && is_within_word(&text[line.start..at]) {
        return None;
    }
    // Between cells, or of one.
    if shown == Shown::Inline && line.is_row && content.contains('|') {
        return None;
    }
    let latex = if line.is_quote { unquoted(content) } else { content.to_owned() };
    let latex = latex.trim().to_owned();
    let place = at..at + around + length + around;
    (!latex.is_empty()).then_some(Found { place, latex, shown, may_be_text })
}

/// How long a formula is that begins behind `opening`.
fn length(inside: &str, opening: &str) -> Option<usize> {
    let bytes = inside.as_bytes();
    let mut at = 0;
    while at < bytes.len().min(LONGEST) {
        let next = bytes.get(at + 1);
        match (bytes[at], opening) {
            (b'\\', "\\(") if next == Some(&b')') => return Some(at),
            (b'\\', "\\[") if next == Some(&b']') => return Some(at),
            // The one before was not closed.
            (b'\\', "\\(") if next == Some(&b'(') => return None,
            (b'\\', "\\[") if next == Some(&b'[') => return None,
            // A newline that is escaped is one.
            (b'\\', _) if next != Some(&b'\n') => at += 1,
            (b'$', "$") => return Some(at),
            (b'$', "$$") if next == Some(&b'$') => return Some(at),
            (b'`', "$") | (b'\n', "$" | "\\(") => return None,
            (b'\n', _) if is_blank_line(&inside[at + 1..]) => return None,
            _ => {}
        }
        at += 1;
    }
    None
}

fn is_kept_by_pandoc(content: &str, behind: &str) -> bool {
    !content.starts_with(char::is_whitespace)
        && !content.ends_with(char::is_whitespace)
        && !behind.starts_with(|character: char| character.is_ascii_digit())
}

/// Whether a dollar at the end of this belongs to a name, such as `US$`, or to an address.
fn is_within_word(before: &str) -> bool {
    /// A longer word than anybody looks back through.
    const FAR: usize = 256;
    let near = &before[before.floor_char_boundary(before.len().saturating_sub(FAR))..];
    let word = near.rsplit(char::is_whitespace).next().unwrap_or_default();
    before.ends_with(|character: char| character.is_ascii_alphanumeric()) || word.contains("://")
}

fn is_blank_line(text: &str) -> bool {
    text.split('\n').next().is_some_and(|line| line.trim().is_empty()) && text.contains('\n')
}

/// Without what makes each line part of a quote.
fn unquoted(content: &str) -> String {
    let lines = content.split('\n').enumerate();
    let without = |(number, line): (usize, &str)| match number {
        0 => line.to_owned(),
        _ => line.trim_start_matches(['>', ' ']).to_owned(),
    };
    lines.map(without).collect::<Vec<_>>().join("\n")
}

/// Behind a span of code, or behind backticks that begin none.
fn behind_code(text: &str, at: usize) -> usize {
    let run = |from: usize| text[from..].bytes().take_while(|byte| *byte == b'`').count();
    let length = run(at);
    let begin = at + length;
    let mut end = begin;
    while let Some(found) = text[end..].find('`') {
        end += found;
        let other = run(end);
        if text[begin..end].contains("\n\n") {
            break;
        }
        end += other;
        if other == length {
            return end;
        }
    }
    begin
}

/// The end of a block of code whose fence is the line at `start`.
fn behind_fence(text: &str, start: usize) -> Option<usize> {
    let mut lines = text[start..].split_inclusive('\n');
    let first = lines.next()?;
    let (fence, length, _name) = fence_of(first)?;
    let mut at = start + first.len();
    for line in lines {
        at += line.len();
        if fence_of(line).is_some_and(|(other, as_long, rest)| {
            other == fence && as_long >= length && rest.trim().is_empty()
        }) {
            // The newline is where the next line is looked at.
            return Some(at - usize::from(line.ends_with('\n')));
        }
    }
    Some(text.len())
}

/// The mark of a fence, its length, and what stands behind it.
fn fence_of(line: &str) -> Option<(char, usize, &str)> {
    let line = line.trim_start_matches(|c: char| " \t>-*+.)".contains(c) || c.is_ascii_digit());
    let fence = line.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let length = line.chars().take_while(|mark| *mark == fence).count();
    let rest = &line[length..];
    (length >= 3 && !(fence == '`' && rest.contains('`'))).then_some((fence, length, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        formulas(text).map(|found| found.latex).collect()
    }

    #[test]
    fn a_formula_is_found_in_each_of_its_forms() {
        for (text, latex) in [
            ("so $a_1$, and", "a_1"),
            ("其中$x$是", "x"),
            ("$$\na\n+ b\n$$", "a\n+ b"),
            (r"so \(a\) is", "a"),
            ("\\[\na \\\\[2pt] b\n\\]", "a \\\\[2pt] b"),
            ("> $$\n> a\n> b\n> $$", "a\nb"),
            (r"`$b$` and $a$", "a"),
            ("| $a$ | b |", "a"),
            ("- x\n  ```sh\n  $b$\n  ```\n  $a$", "a"),
            (r"\$1 is $a$", "a"),
        ] {
            assert_eq!(found(text), [latex], "{text}");
        }
    }

    #[test]
    fn what_is_a_price_a_variable_or_not_closed_is_none() {
        for text in [
            "$5 and $6",
            "$5-$10, or $20",
            "US$5, A$6",
            "$5\nand 6$",
            "| $5 | 6$ |",
            "`$HOME` and `$PATH`",
            "```\n$a$\n```",
            r"\$a\$",
            "$$\na\n\nb$$",
            "$ a$",
            "$a $",
            r"\(a",
            r"\[a",
            r"\(a\nb",
            "https://a.b/?c=$d$e",
            "$a`b$`",
            "$",
            "$$",
            "$$$$",
            r"\",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }
}
