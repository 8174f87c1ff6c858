//! Cuts text into blocks, line by line, and seals each once it cannot change any more.

use super::code::Code;
use super::{Colours, Sealed, html, tail};

/// A line over this many bytes is cut, so that a text without line breaks stays cheap.
pub(super) const LONGEST_LINE: usize = 8 * 1024;
/// A block over this many bytes is cut where a line begins, so that the tail stays cheap.
pub(super) const LONGEST_BLOCK: usize = 16 * 1024;

/// Markdown in, sealed HTML out.
#[derive(Debug, Default)]
pub(crate) struct Renderer {
    sealed: Vec<Sealed>,
    /// The lines of the block that is not sealed yet, or nothing within code.
    block: String,
    /// How much of `block` repeats the head of a table that was cut.
    repeated: usize,
    /// Whether `block` ends with a blank line.
    after_blank: bool,
    /// The line that has not ended yet.
    line: String,
    code: Option<Code>,
    colours: Colours,
}

impl Renderer {
    /// One that has heard nothing.
    pub(crate) fn new(colours: Colours) -> Self {
        Self { colours, ..Self::default() }
    }

    /// Takes more text, of any length.
    pub(crate) fn push(&mut self, text: &str) {
        for (index, piece) in text.split('\n').enumerate() {
            if index > 0 {
                self.end_of_line();
            }
            self.extend_line(piece);
        }
    }

    /// Seals everything: no more text will come.
    pub(crate) fn finish(&mut self) {
        if !self.line.is_empty() {
            self.end_of_line();
        }
        if self.code.take().is_some() {
            self.sealed.push(Sealed::CodeEnds);
        }
        self.seal();
    }

    /// What was sealed since this was last asked.
    pub(crate) fn take(&mut self) -> Vec<Sealed> {
        std::mem::take(&mut self.sealed)
    }

    /// The HTML of what is not sealed, as it looks now. Within code it belongs into the code.
    pub(crate) fn tail(&self) -> String {
        match &self.code {
            Some(code) => code.unfinished(&self.line),
            None => html::render(&tail::presentable(&self.block, &self.line), self.colours),
        }
    }

    /// The beginning of the tail's HTML that will most likely stand when it is sealed: whole words
    /// of a paragraph, without its end tag. For readers to whom nothing can be shown twice.
    pub(crate) fn settled(&self) -> Option<String> {
        if self.code.is_some() {
            return None;
        }
        let paragraph = tail::settled(&self.block, &self.line)?;
        let html = html::render(paragraph, self.colours);
        let open = html.strip_suffix("</p>\n")?;
        // A marker that closes nothing may open what is still to come.
        let stands = open.starts_with("<p dir=\"auto\">") && !open.contains(['*', '`', '~']);
        stands.then(|| open.to_owned())
    }

    fn extend_line(&mut self, piece: &str) {
        for character in piece.chars() {
            if self.line.len() + character.len_utf8() > LONGEST_LINE {
                self.cut_line();
            }
            self.line.push(character);
        }
    }

    /// Ends a line that goes on, between words where there are any.
    fn cut_line(&mut self) {
        if let Some(code) = &mut self.code {
            let html = code.part_of_line(&std::mem::take(&mut self.line));
            self.sealed.push(Sealed::Code(html));
            return;
        }
        let space = self.line.rfind(' ').filter(|at| *at > LONGEST_LINE / 2);
        let rest = self.line.split_off(space.unwrap_or(self.line.len()));
        self.end_of_line();
        self.seal();
        rest.trim_start().clone_into(&mut self.line);
    }

    fn end_of_line(&mut self) {
        let mut line = std::mem::take(&mut self.line);
        if line.ends_with('\r') {
            line.pop();
        }
        match &mut self.code {
            Some(code) if code.is_ended_by(&line) => {
                self.code = None;
                self.sealed.push(Sealed::CodeEnds);
            }
            Some(code) => {
                let html = code.line(&line);
                self.sealed.push(Sealed::Code(html));
            }
            None => self.text_line(&line),
        }
        // Keep the allocation.
        line.clear();
        self.line = line;
    }

    fn text_line(&mut self, line: &str) {
        if line.trim().is_empty() {
            if !self.block.is_empty() {
                self.block.push('\n');
                self.after_blank = true;
            }
            return;
        }
        let within_list = is_list_item(&self.block) && indent(line) >= 2;
        if !within_list && let Some(code) = Code::begins(line, self.colours) {
            self.seal();
            self.sealed.push(Sealed::CodeBegins(code.begin()));
            self.code = Some(code);
            return;
        }
        let heading = !within_list && is_heading(line);
        let begins = heading || (!within_list && is_footnote(line));
        if begins || (self.after_blank && !self.goes_on_with(line)) || self.is_full(line) {
            self.seal_and_repeat_head(begins || self.after_blank);
        }
        self.after_blank = false;
        self.block.push_str(line);
        self.block.push('\n');
        if heading {
            self.seal();
        }
    }

    /// Whether a line after a blank one still belongs to the block.
    fn goes_on_with(&self, line: &str) -> bool {
        if is_list_item(&self.block) {
            return indent(line) >= 2 || is_list_item(line);
        }
        indent(&self.block) >= 4 && indent(line) >= 4
    }

    fn is_full(&self, next: &str) -> bool {
        let with_next = self.block.len() + next.len();
        // Cut a list between its items, unless an item is longer than all bounds.
        with_next > LONGEST_BLOCK && (indent(next) == 0 || with_next > 2 * LONGEST_BLOCK)
    }

    /// Seals; a table that is cut, and not over, goes on below its head repeated.
    fn seal_and_repeat_head(&mut self, over: bool) {
        let head = if over { None } else { table_head(&self.block).map(str::to_owned) };
        self.seal();
        if let Some(head) = head.filter(|head| head.len() < LONGEST_BLOCK / 4) {
            self.repeated = head.len();
            self.block = head;
        }
    }

    fn seal(&mut self) {
        let block = std::mem::take(&mut self.block);
        self.after_blank = false;
        let repeated = std::mem::take(&mut self.repeated);
        if block.len() > repeated && !block.trim().is_empty() {
            self.sealed.push(Sealed::Block(html::render(&block, self.colours)));
        }
    }
}

/// How far a line is indented; a tab counts as four.
pub(super) fn indent(line: &str) -> usize {
    let mut columns = 0;
    for character in line.chars() {
        match character {
            ' ' => columns += 1,
            '\t' => columns += 4,
            _ => break,
        }
    }
    columns
}

/// Whether a line begins an item of a list that is not within another.
pub(super) fn is_list_item(line: &str) -> bool {
    if indent(line) > 3 {
        return false;
    }
    let line = line.trim_start();
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let after = match line.as_bytes().first() {
        Some(b'-' | b'*' | b'+') => 1,
        Some(_) if (1..=9).contains(&digits) && line[digits..].starts_with(['.', ')']) => {
            digits + 1
        }
        _ => return false,
    };
    line[after..].starts_with([' ', '\t', '\n']) || line.len() == after
}

fn is_heading(line: &str) -> bool {
    let hashes = line.trim_start().bytes().take_while(|byte| *byte == b'#').count();
    let rest = &line.trim_start()[hashes..];
    indent(line) <= 3 && (1..=6).contains(&hashes) && (rest.is_empty() || rest.starts_with(' '))
}

/// Whether a line begins a footnote: each is a block, with or without a blank line before it.
fn is_footnote(line: &str) -> bool {
    let label = line.trim_start().strip_prefix("[^").and_then(|rest| rest.split_once("]:"));
    let is_one = |label: &str| !label.is_empty() && !label.contains(['[', ']', ' ', '`']);
    indent(line) <= 3 && label.is_some_and(|(label, _)| is_one(label))
}

/// The two lines that every table begins with.
fn table_head(block: &str) -> Option<&str> {
    let (first, rest) = block.split_once('\n')?;
    let (second, _) = rest.split_once('\n')?;
    let delimits = second.contains('-')
        && second.contains('|')
        && second.bytes().all(|byte| matches!(byte, b'|' | b'-' | b':' | b' '));
    delimits.then(|| &block[..first.len() + second.len() + 2])
}
