//! A formula as `MathML`.
//!
//! What math-core writes is not taken over but read: elements and attributes outside of our list
//! make the formula text, and styles, which our content security policy forbids, become classes.

use std::sync::LazyLock;

use math_core::{LatexToMathML, MathCoreConfig, MathDisplay};

use super::find::Shown;
use crate::markdown::written;
use crate::texts::answers::FORMULA;

/// A formula with more braces within braces is text.
const DEEPEST: usize = 24;
/// The parser and the writer of formulas call themselves for what is within something else, which
/// needs no braces. A formula of more commands, or of more bytes, gets a stack of its own.
const MOST_COMMANDS: usize = 24;
const MOST_BYTES: usize = 256;
/// Enough for the longest formula; of it, what is not used takes no memory.
const STACK: usize = 32 * 1024 * 1024;

static CONVERTER: LazyLock<Option<LatexToMathML>> =
    LazyLock::new(|| LatexToMathML::new(MathCoreConfig::default()).ok());

/// Declarations, and what our style sheet calls them. Others are left out.
const CLASSES: &[(&str, &str)] = &[
    ("text-align: left", "ml"),
    ("text-align: right", "mr"),
    ("padding-left: 0", "pl"),
    ("padding-right: 0", "pr"),
    ("border-left: 0.05em solid currentcolor", "bl"),
    ("border-right: 0.05em solid currentcolor", "br"),
    ("border-top: 0.05em solid currentcolor", "bt"),
    ("border-left: 0.05em dashed currentcolor", "bl"),
    ("border-right: 0.05em dashed currentcolor", "br"),
    ("border-top: 0.05em dashed currentcolor", "bt"),
];

/// Its HTML, or `None` when it is not understood.
pub(super) fn of(latex: &str, shown: Shown) -> Option<String> {
    let (depth, commands) = measured(latex);
    if depth > DEEPEST {
        return None;
    }
    let converted = if commands <= MOST_COMMANDS && latex.len() <= MOST_BYTES {
        converted(latex, shown)?
    } else {
        on_a_large_stack(latex, shown)?
    };
    let math = cleaned(&converted)?;
    Some(match shown {
        Shown::Inline => math,
        Shown::Apart => format!(
            "<span class=\"math\" role=\"group\" aria-label=\"{FORMULA}\" tabindex=\"0\">{math}</span>"
        ),
    })
}

fn converted(latex: &str, shown: Shown) -> Option<String> {
    let display = match shown {
        Shown::Inline => MathDisplay::Inline,
        Shown::Apart => MathDisplay::Block,
    };
    let converted = CONVERTER.as_ref()?.convert_with_local_state(latex, display).ok()?;
    Some(converted.mathml)
}

fn on_a_large_stack(latex: &str, shown: Shown) -> Option<String> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        thread.spawn_scoped(scope, || converted(latex, shown)).ok()?.join().ok()?
    })
}

/// How deep braces and environments are within another, and how many commands there are.
fn measured(latex: &str) -> (usize, usize) {
    let (mut open, mut deepest, mut commands) = (0_usize, 0, 0);
    for (at, byte) in latex.bytes().enumerate() {
        match byte {
            b'{' => open += 1,
            b'}' => open = open.saturating_sub(1),
            b'\\' => {
                let name = &latex[at + 1..];
                let closes = name.starts_with("right") || name.starts_with("end");
                open += usize::from(name.starts_with("left") || name.starts_with("begin"));
                open = open.saturating_sub(usize::from(closes));
                commands += 1;
            }
            _ => {}
        }
        deepest = deepest.max(open);
    }
    (deepest, commands)
}

fn cleaned(mathml: &str) -> Option<String> {
    let mut out = String::with_capacity(mathml.len());
    let mut rest = mathml;
    while let Some(at) = rest.find('<') {
        text(&mut out, &rest[..at]);
        let end = end_of_tag(&rest[at..])?;
        tag(&mut out, &rest[at + 1..at + end])?;
        rest = &rest[at + end + 1..];
    }
    text(&mut out, rest);
    Some(out)
}

/// Text is escaped already, but for what only a parser of HTML would change.
fn text(out: &mut String, escaped: &str) {
    for character in escaped.chars() {
        match character {
            '\0' => out.push('\u{fffd}'),
            '\r' => out.push('\n'),
            '>' => out.push_str("&gt;"),
            '\u{a0}' => out.push_str("&nbsp;"),
            _ => out.push(character),
        }
    }
}

fn end_of_tag(text: &str) -> Option<usize> {
    let mut quoted = false;
    text.bytes().position(|byte| {
        quoted ^= byte == b'"';
        byte == b'>' && !quoted
    })
}

/// One tag, without its brackets.
fn tag(out: &mut String, tag: &str) -> Option<()> {
    let (tag, is_empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
    if let Some(name) = tag.strip_prefix('/') {
        if !is_of_text(name) {
            out.push_str(&format!("</{name}>"));
        }
        return Some(());
    }
    let (name, mut attributes) = tag.split_once(' ').unwrap_or((tag, ""));
    if is_of_text(name) {
        return Some(());
    }
    if !name.starts_with('m') || !written::element(name) {
        return None;
    }
    out.push('<');
    out.push_str(name);
    while let Some((attribute, rest)) = attributes.trim_start().split_once("=\"") {
        let (value, rest) = rest.split_once('"')?;
        attributes = rest;
        match attribute {
            "style" if written::attribute(name, "class") => classes(out, value),
            "style" => {}
            _ if written::attribute(name, attribute) && is_plain(value) => {
                out.push_str(&format!(" {attribute}=\"{value}\""));
            }
            _ => return None,
        }
    }
    out.push('>');
    if is_empty {
        out.push_str(&format!("</{name}>"));
    }
    Some(())
}

/// Whether an element is HTML within words of a formula, which look well enough without it.
fn is_of_text(name: &str) -> bool {
    matches!(name, "b" | "code" | "em" | "i" | "s" | "span" | "u")
}

/// Lengths, numbers and words: all that an attribute of `MathML` needs.
fn is_plain(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'%'))
}

fn classes(out: &mut String, style: &str) {
    let known = style.split(';').filter_map(|declaration| {
        CLASSES.iter().find(|(known, _)| *known == declaration.trim()).map(|(_, class)| *class)
    });
    let classes = known.collect::<Vec<_>>().join(" ");
    if !classes.is_empty() {
        out.push_str(&format!(" class=\"{classes}\""));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_deep_is_no_formula_and_what_is_long_needs_little_stack() {
        let tried = std::thread::Builder::new().stack_size(1024 * 1024).spawn(|| {
            for part in [
                "{",
                "\\sqrt",
                "\\frac1",
                "\\left(",
                "\\begin{matrix}",
                "x^",
                "^",
                "_",
                "\\text{",
                "\\hat",
                "\\not",
                "'",
                "a\\over",
                "[",
                "\\sqrt[",
                "\\limits",
                "\\mathbb",
                "\\color{red}",
                "\\big(",
                "\\overset1",
                "\\displaystyle",
                "&",
                "\\\\",
                "\\phantom",
                "\\operatorname",
                "\\sum_",
                "\\bf",
                "\\substack{",
                "\\underbrace",
                "\\mathrm",
                "\\mathop",
                "\\binom1",
                "x_a^",
                "\\middle|",
                "\\left.",
                "\\stackrel1",
                "\\middle",
                "\\left\\middle",
                "\\boldsymbol",
                "\\textcolor{red}",
                "\\prescript1 1",
            ] {
                for count in [2048, MOST_BYTES, DEEPEST * part.len()] {
                    let count = count / part.len();
                    let _any = of(&part.repeat(count), Shown::Apart);
                    let _closed = of(&(part.repeat(count) + "x"), Shown::Apart);
                    let _closed =
                        of(&(part.repeat(count) + "x" + &"}".repeat(count)), Shown::Apart);
                }
            }
        });

        tried.unwrap().join().unwrap();
    }
}
