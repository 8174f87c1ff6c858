//! One block of markdown as HTML, out of pulldown-cmark's events.
//!
//! It is written the way a sanitizer would write it again, letter for letter.

mod table;

use std::borrow::Cow;

use pulldown_cmark::{
    CodeBlockKind, CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd,
    TextMergeStream,
};

use self::table::Table;
use super::math::{self, Formulas, Part};
use super::{Colours, code, links, text};
use crate::texts;

/// Deeper elements are left out, and their text stays: browsers give up much later.
const DEEPEST: usize = 24;

/// The HTML of a block that is small enough to be parsed in one go.
pub(super) fn render(markdown: &str, colours: Colours) -> String {
    let (source, formulas) = math::taken_out(markdown);
    let mut options = Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        // Those of GitHub are links to an end of the text that is not there yet.
        | Options::ENABLE_OLD_FOOTNOTES;
    options.set(Options::ENABLE_TABLES, !table::is_too_wide(&source));
    let mut writer = Writer::new(markdown.len(), &formulas, colours);
    for event in TextMergeStream::new(Parser::new_ext(&source, options)) {
        writer.event(event);
    }
    if writer.out.trim().is_empty() && !markdown.trim().is_empty() {
        // Definitions of links show nothing, and what they were meant for is sealed: keep them.
        return format!("<p dir=\"auto\">{}</p>\n", links::linked(markdown.trim()));
    }
    writer.out
}

/// Writes what may be shown.
struct Writer<'a> {
    out: String,
    formulas: &'a Formulas,
    colours: Colours,
    /// What closes each open element; `None` when it was left out.
    open: Vec<Option<&'static str>>,
    /// Links and images that are open: within one, nothing is a link.
    links: usize,
    lists: usize,
    /// The name and the text of a block of code.
    code: Option<(String, String)>,
    table: Table,
}

impl<'a> Writer<'a> {
    fn new(length: usize, formulas: &'a Formulas, colours: Colours) -> Self {
        Self {
            out: String::with_capacity(length * 3 / 2),
            formulas,
            colours,
            open: Vec::new(),
            links: 0,
            lists: 0,
            code: None,
            table: Table::default(),
        }
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.text(&text),
            Event::Code(code) => {
                self.inline("<code>");
                text::push_code(&mut self.out, &self.formulas.put_back(&code));
                self.out.push_str("</code>");
            }
            Event::SoftBreak => self.inline("\n"),
            Event::HardBreak => self.inline("<br>\n"),
            Event::Rule => self.out.push_str("<hr>\n"),
            Event::TaskListMarker(done) => {
                let (label, sign) = if done {
                    (texts::answers::DONE, '☑')
                } else {
                    (texts::answers::TO_DO, '☐')
                };
                self.out.push_str(&format!(
                    "<span class=\"task\" role=\"img\" aria-label=\"{label}\">{sign}</span> "
                ));
            }
            Event::FootnoteReference(label) => {
                let reference = footnote(&label, self.formulas);
                self.inline(&reference);
            }
            // Not switched on: formulas were taken out before.
            Event::InlineMath(_) | Event::DisplayMath(_) => {}
        }
    }

    fn text(&mut self, text: &str) {
        if let Some((_, code)) = &mut self.code {
            code.push_str(&self.formulas.put_back(text));
            return;
        }
        let formulas = self.formulas;
        for part in formulas.parts(text) {
            match part {
                Part::Html(html) => self.inline(html),
                Part::Text("") => {}
                Part::Text(text) => {
                    self.inline("");
                    if self.links == 0 && links::may_hold(text) {
                        self.out.push_str(&links::linked(text));
                    } else {
                        text::push(&mut self.out, text);
                    }
                }
            }
        }
    }

    /// Writes what needs a cell to be in, where there is a table.
    fn inline(&mut self, html: &str) {
        self.table.fill(&mut self.out);
        self.out.push_str(html);
    }

    fn start(&mut self, tag: Tag<'_>) {
        let is_code = matches!(tag, Tag::CodeBlock(_));
        if matches!(tag, Tag::List(_)) {
            self.lists += 1;
        }
        if matches!(tag, Tag::Link { .. } | Tag::Image { .. }) {
            self.links += 1;
        }
        // A list is nothing without its items.
        let depth = self.open.len() + usize::from(matches!(tag, Tag::List(_)));
        let close = if depth < DEEPEST || is_code {
            self.begin(tag)
        } else {
            self.keep_apart(&tag);
            None
        };
        self.open.push(close);
    }

    /// Begins a line for a block that is left out, so that its text does not run into what is before.
    fn keep_apart(&mut self, tag: &Tag<'_>) {
        let is_block = matches!(
            tag,
            Tag::Item
                | Tag::Paragraph
                | Tag::HtmlBlock
                | Tag::Heading { .. }
                | Tag::FootnoteDefinition(_)
        );
        // In text this sign is written otherwise: it ends a tag.
        let begins = self.out.is_empty() || self.out.ends_with(">\n") || self.out.ends_with("<li>");
        if is_block && !begins {
            self.inline("<br>\n");
        }
    }

    /// Writes a start tag, and says how it is closed.
    fn begin(&mut self, tag: Tag<'_>) -> Option<&'static str> {
        let (start, close): (Cow<'static, str>, _) = match tag {
            Tag::Paragraph if self.lists > 0 => ("<p>".into(), "</p>\n"),
            // Of HTML, its text follows as events and is shown as text.
            Tag::Paragraph | Tag::HtmlBlock => ("<p dir=\"auto\">".into(), "</p>\n"),
            Tag::Heading { level, .. } => heading(level),
            Tag::BlockQuote(_) => ("<blockquote>\n".into(), "</blockquote>\n"),
            Tag::CodeBlock(kind) => {
                let name = match kind {
                    CodeBlockKind::Fenced(info) => self.formulas.put_back(&info).into_owned(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some((name, String::new()));
                return None;
            }
            Tag::List(number) => return Some(self.begin_list(number)),
            Tag::Item => ("<li>".into(), "</li>\n"),
            Tag::FootnoteDefinition(label) => {
                let label = footnote(&label, self.formulas);
                (format!("<div class=\"footnote\">{label} ").into(), "</div>\n")
            }
            Tag::Table(columns) => self.table.begin(columns),
            Tag::TableHead => self.table.begin_head(),
            Tag::TableRow => self.table.begin_row(),
            Tag::TableCell => return self.table.begin_cell(),
            Tag::Emphasis => ("<em>".into(), "</em>"),
            Tag::Strong => ("<strong>".into(), "</strong>"),
            Tag::Strikethrough => ("<del>".into(), "</del>"),
            Tag::Link { link_type, dest_url, .. } => {
                let start = self.link(link_type, &dest_url)?;
                (start.into(), "</a>")
            }
            Tag::Image { link_type, dest_url, .. } => {
                let start = self.link(link_type, &dest_url);
                let close = start.as_ref().map(|_| "</a>");
                self.inline(&start.unwrap_or_default());
                self.out.push_str("Image: ");
                return close;
            }
            // Not switched on.
            Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::MetadataBlock(_)
            | Tag::Superscript
            | Tag::Subscript => return None,
        };
        if close.starts_with("</t") || close.ends_with('\n') {
            self.out.push_str(&start);
        } else {
            self.inline(&start);
        }
        Some(close)
    }

    fn begin_list(&mut self, number: Option<u64>) -> &'static str {
        // Of a list, the first item says the direction of all.
        let direction = if self.lists == 1 { " dir=\"auto\"" } else { "" };
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
        let (start, close) = match number {
            None => (format!("<ul{direction}>\n"), "</ul>\n"),
            Some(1) => (format!("<ol{direction}>\n"), "</ol>\n"),
            Some(number) => (format!("<ol{direction} start=\"{number}\">\n"), "</ol>\n"),
        };
        self.out.push_str(&start);
        close
    }

    fn end(&mut self, tag: TagEnd) {
        let close = self.open.pop().flatten();
        match tag {
            TagEnd::CodeBlock => {
                if let Some((name, code)) = self.code.take() {
                    self.out.push_str(&code::whole(&name, &code, self.colours));
                }
            }
            TagEnd::Link | TagEnd::Image => self.links = self.links.saturating_sub(1),
            TagEnd::List(_) => self.lists = self.lists.saturating_sub(1),
            TagEnd::TableCell => return self.table.end_cell(&mut self.out),
            TagEnd::TableRow | TagEnd::TableHead => self.table.end_row(),
            _ => {}
        }
        self.out.push_str(close.unwrap_or_default());
    }

    /// The start tag of a link, unless it is within another or leads where none may.
    fn link(&self, kind: LinkType, address: &CowStr<'_>) -> Option<String> {
        let address = self.formulas.put_back(address);
        let address =
            if kind == LinkType::Email { format!("mailto:{address}").into() } else { address };
        links::start_tag(&address).filter(|_| self.links == 1)
    }
}

/// Headings stand below those that the page has itself.
fn heading(level: HeadingLevel) -> (Cow<'static, str>, &'static str) {
    match level {
        HeadingLevel::H1 => ("<h3 dir=\"auto\">".into(), "</h3>\n"),
        HeadingLevel::H2 => ("<h4 dir=\"auto\">".into(), "</h4>\n"),
        HeadingLevel::H3 => ("<h5 dir=\"auto\">".into(), "</h5>\n"),
        _ => ("<h6 dir=\"auto\">".into(), "</h6>\n"),
    }
}

/// Where a footnote stands and what it is called: a number, or what was written. It is no link,
/// since what is sealed cannot know whether there will be something to lead to.
fn footnote(label: &str, formulas: &Formulas) -> String {
    if label.len() <= 3 && label.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!("<sup>[{label}]</sup>");
    }
    format!("[^{}]", text::escaped(&formulas.put_back(label)))
}

/// A name of a language, as its author wrote it and as it may be shown.
pub(super) fn label(info: &str) -> String {
    let name: String =
        info.split([' ', ',', '{', '\t']).next().unwrap_or_default().chars().take(32).collect();
    let mut label = String::new();
    text::push_code(&mut label, &name);
    label
}
