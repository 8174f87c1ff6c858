//! Blocks of code: line by line, so that a long one costs no more per line than a short one.

use std::sync::LazyLock;

use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxSet};

use super::blocks::indent;
use super::{Colours, html, text};
use crate::texts::answers::CODE;

/// What ends a block of code.
pub(super) const END: &str = "</code></pre></div>\n";

/// A longer line is not highlighted: it is data, and patterns are slow on it.
const LONGEST_LINE: usize = 512;
/// Code of one block after this is not highlighted.
const MOST_HIGHLIGHTED: usize = 48 * 1024;

static SYNTAXES: LazyLock<SyntaxSet> = LazyLock::new(SyntaxSet::load_defaults_newlines);

/// Scopes of Sublime's grammars and our classes for them, the first that fits.
static CLASSES: LazyLock<Vec<(Scope, &'static str)>> = LazyLock::new(|| {
    [
        ("comment", "c"),
        ("string", "s"),
        ("constant.character", "s"),
        ("constant", "n"),
        ("entity.name.function", "f"),
        ("support.function", "f"),
        ("variable.function", "f"),
        ("entity.name", "t"),
        ("support.type", "t"),
        ("support.class", "t"),
        ("storage", "k"),
        ("keyword.operator", "o"),
        ("keyword", "k"),
        ("variable.language", "k"),
        ("entity.other.attribute-name", "t"),
    ]
    .into_iter()
    .filter_map(|(scope, class)| Some((Scope::new(scope).ok()?, class)))
    .collect()
});

/// A fenced block that has not ended.
#[derive(Debug)]
pub(super) struct Code {
    fence: u8,
    length: usize,
    indent: usize,
    info: String,
    highlighter: Option<Highlighter>,
    in_long_line: bool,
}

impl Code {
    /// The block that this line begins, if it does.
    pub(super) fn begins(line: &str, colours: Colours) -> Option<Self> {
        let (indent, text) = (indent(line), line.trim_start());
        let fence = *text.as_bytes().first().filter(|byte| matches!(byte, b'`' | b'~'))?;
        let length = text.bytes().take_while(|byte| *byte == fence).count();
        let info = text[length..].trim();
        if indent > 3 || length < 3 || (fence == b'`' && info.contains('`')) {
            return None;
        }
        let highlighter = Highlighter::of(info, colours);
        let info = info.to_owned();
        Some(Self { fence, length, indent, info, highlighter, in_long_line: false })
    }

    /// Whether the line ends the block.
    pub(super) fn is_ended_by(&self, line: &str) -> bool {
        let text = line.trim();
        let length = text.bytes().take_while(|byte| *byte == self.fence).count();
        !self.in_long_line && indent(line) <= 3 && length >= self.length && length == text.len()
    }

    /// The tags before the first line.
    pub(super) fn begin(&self) -> String {
        begin(&self.info)
    }

    /// One line that is complete.
    pub(super) fn line(&mut self, line: &str) -> String {
        if std::mem::take(&mut self.in_long_line) {
            return shown(line) + "\n";
        }
        line_of(&mut self.highlighter, outdented(line, self.indent))
    }

    /// The beginning of a line that is too long to be kept.
    pub(super) fn part_of_line(&mut self, part: &str) -> String {
        self.in_long_line = true;
        shown(part)
    }

    /// A line that is still being written. Nothing when it may become the fence.
    pub(super) fn unfinished(&self, line: &str) -> String {
        let fence = char::from(self.fence);
        let may_end = !self.in_long_line && line.trim_start().chars().all(|c| c == fence);
        if may_end { String::new() } else { shown(outdented(line, self.indent)) }
    }
}

/// Without as much space at the front as the fence has.
fn outdented(line: &str, indent: usize) -> &str {
    let spaces = line.bytes().take(indent).take_while(|byte| *byte == b' ').count();
    &line[spaces..]
}

/// A block of code that is complete, such as one within a list.
pub(super) fn whole(info: &str, code: &str, colours: Colours) -> String {
    let mut highlighter = Highlighter::of(info, colours);
    let lines = code.lines().map(|line| line_of(&mut highlighter, line));
    let lines: String = lines.collect();
    format!("{}{lines}{END}", begin(info))
}

fn begin(info: &str) -> String {
    let name = html::label(info);
    format!(
        "<div class=\"code\" dir=\"ltr\"><div class=\"code-name\">{name}</div>\
         <pre tabindex=\"0\" role=\"group\" aria-label=\"{CODE}\"><code>"
    )
}

fn line_of(highlighter: &mut Option<Highlighter>, line: &str) -> String {
    if let Some(open) = highlighter {
        if let Some(html) = open.line(line) {
            return html;
        }
        // From here on the grammar's state is unknown.
        *highlighter = None;
    }
    shown(line) + "\n"
}

/// The state of a grammar between two lines.
#[derive(Debug)]
struct Highlighter {
    state: ParseState,
    scopes: ScopeStack,
    bytes: usize,
}

impl Highlighter {
    fn of(info: &str, colours: Colours) -> Option<Self> {
        if colours == Colours::Off {
            return None;
        }
        let name = info.split([' ', ',', '{', '\t']).next().filter(|name| !name.is_empty())?;
        let syntax = SYNTAXES.find_syntax_by_token(name)?;
        if syntax.name == "Plain Text" {
            return None;
        }
        Some(Self { state: ParseState::new(syntax), scopes: ScopeStack::new(), bytes: 0 })
    }

    /// The line with its words in classes; `None` when it is more than we highlight.
    fn line(&mut self, line: &str) -> Option<String> {
        self.bytes += line.len() + 1;
        if line.len() > LONGEST_LINE || self.bytes > MOST_HIGHLIGHTED {
            return None;
        }
        let line = format!("{line}\n");
        let changes = self.state.parse_line(&line, &SYNTAXES).ok()?;
        let mut html = String::with_capacity(line.len() * 2);
        let mut from = 0;
        for (at, change) in changes {
            let at = at.min(line.len()).max(from);
            write(&mut html, line.get(from..at)?, self.class());
            from = at;
            self.scopes.apply(&change).ok()?;
        }
        write(&mut html, line.get(from..)?, self.class());
        Some(html)
    }

    fn class(&self) -> Option<&'static str> {
        self.scopes.scopes.iter().rev().find_map(|scope| {
            let fits = CLASSES.iter().find(|(outer, _)| outer.is_prefix_of(*scope));
            fits.map(|(_, class)| *class)
        })
    }
}

fn shown(code: &str) -> String {
    let mut html = String::with_capacity(code.len() + code.len() / 8);
    text::push_code(&mut html, code);
    html
}

fn write(html: &mut String, code: &str, class: Option<&str>) {
    match class {
        Some(class) if !code.trim().is_empty() => {
            html.push_str("<span class=\"");
            html.push_str(class);
            html.push_str("\">");
            text::push_code(html, code);
            html.push_str("</span>");
        }
        _ => text::push_code(html, code),
    }
}
