//! What all parts of the page have in common: a heading, and a table or why there is none.

use maud::{Markup, html};

/// More rows than anybody reads.
const MOST_ROWS: usize = 100;

/// A part of the page.
pub(super) fn section(id: &str, title: &str, content: &Markup) -> Markup {
    html! {
        section.part-of-page {
            h2 id=(id) { (title) }
            (content)
        }
    }
}

/// One column: its name, and whether it holds numbers.
pub(super) struct Column(pub(super) &'static str, pub(super) Kind);

/// What is in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
}

/// A row: what tells it from all others for as long as the page is open, and its cells.
pub(super) struct Row(pub(super) String, pub(super) Vec<Markup>);

/// A table of all `rows`, or `none` where there are no rows. The first cell of a row names it.
pub(super) fn table<T>(
    caption: &str,
    columns: &[Column],
    rows: Option<&[T]>,
    none: &str,
    row: impl Fn(&T) -> Row,
) -> Markup {
    let Some(rows) = rows else {
        return html! { p.none { "The gateway does not tell this at the moment." } };
    };
    if rows.is_empty() {
        return html! { p.none { (none) } };
    }
    html! {
        // It may be wider than a phone, and is to be scrolled with the keyboard then.
        div.table tabindex="0" role="region" aria-label=(caption) {
            table {
                caption.unseen { (caption) }
                thead {
                    tr {
                        @for Column(name, kind) in columns {
                            th scope="col" class=[class(*kind)] { (name) }
                        }
                    }
                }
                tbody {
                    @for Row(key, cells) in rows.iter().take(MOST_ROWS).map(row) {
                        tr data-key=(key) {
                            @for (index, cell) in cells.into_iter().enumerate() {
                                @let kind = columns.get(index).map_or(Kind::Text, |column| column.1);
                                @if index == 0 {
                                    th scope="row" class=[class(kind)] { (cell) }
                                } @else {
                                    td class=[class(kind)] { (cell) }
                                }
                            }
                        }
                    }
                }
            }
        }
        @if rows.len() > MOST_ROWS {
            p.fine { "And " (rows.len() - MOST_ROWS) " more." }
        }
    }
}

fn class(kind: Kind) -> Option<&'static str> {
    (kind == Kind::Number).then_some("right")
}

/// A name for people to read and copy; a long one is cut for the eye alone.
pub(super) fn name(text: &str) -> Markup {
    html! {
        @if text.is_empty() { "–" } @else { code.id title=(text) { (text) } }
    }
}
