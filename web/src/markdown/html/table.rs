//! Tables: in a region that scrolls, of a bounded size whatever their source leaves out.

use std::borrow::Cow;

use pulldown_cmark::Alignment;

use crate::texts::answers::TABLE;

/// A wider table is shown as it was written: each row has all columns, however short its source.
const MOST_COLUMNS: usize = 64;

/// The table that is open. There is at most one: cells hold no blocks.
#[derive(Debug, Default)]
pub(super) struct Table {
    columns: Vec<Alignment>,
    column: usize,
    in_head: bool,
    in_cell: bool,
    /// Cells before the next text; those at the end of a row are not worth their tags.
    empty: Vec<usize>,
}

type Tags = (Cow<'static, str>, &'static str);

impl Table {
    pub(super) fn begin(&mut self, columns: Vec<Alignment>) -> Tags {
        *self = Self { columns, ..Self::default() };
        let start = format!(
            "<div class=\"table\" tabindex=\"0\" role=\"group\" aria-label=\"{TABLE}\" \
             dir=\"auto\"><table>"
        );
        (start.into(), "</tbody></table></div>\n")
    }

    pub(super) fn begin_head(&mut self) -> Tags {
        (self.in_head, self.column) = (true, 0);
        ("<thead><tr>".into(), "</tr></thead><tbody>\n")
    }

    pub(super) fn begin_row(&mut self) -> Tags {
        (self.in_head, self.column) = (false, 0);
        ("<tr>".into(), "</tr>\n")
    }

    pub(super) fn begin_cell(&mut self) -> Option<&'static str> {
        self.empty.push(self.column);
        self.column += 1;
        None
    }

    /// Writes the cells that stand before what is written now.
    pub(super) fn fill(&mut self, out: &mut String) {
        let Some(last) = self.empty.pop() else { return };
        for column in std::mem::take(&mut self.empty) {
            out.push_str(&self.start(column));
            out.push_str(self.end());
        }
        out.push_str(&self.start(last));
        self.in_cell = true;
    }

    pub(super) fn end_cell(&mut self, out: &mut String) {
        if std::mem::take(&mut self.in_cell) {
            out.push_str(self.end());
        }
    }

    pub(super) fn end_row(&mut self) {
        self.empty.clear();
    }

    fn start(&self, column: usize) -> String {
        let name = if self.in_head { "th" } else { "td" };
        let class = match self.columns.get(column) {
            Some(Alignment::Right) => " class=\"right\"",
            Some(Alignment::Center) => " class=\"center\"",
            _ => "",
        };
        format!("<{name}{class}>")
    }

    fn end(&self) -> &'static str {
        if self.in_head { "</th>" } else { "</td>" }
    }
}

/// Whether a line would begin a table of more columns than we show.
pub(super) fn is_too_wide(markdown: &str) -> bool {
    let pipes = |line: &str| line.bytes().filter(|byte| *byte == b'|').count();
    markdown.lines().any(|line| line.len() > MOST_COLUMNS && pipes(line) > MOST_COLUMNS)
}
