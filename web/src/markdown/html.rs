//! One block of markdown as HTML, through pulldown-cmark's events.

use pulldown_cmark::{
    Alignment, CodeBlockKind, Event, Options, Parser, Tag, TagEnd, TextMergeStream,
};

use super::{Colours, code, escaped, links};

/// Deeper elements are left out, and their text stays: browsers give up much later.
const DEEPEST: usize = 24;

/// The HTML of a block that is small enough to be parsed in one go.
pub(super) fn render(markdown: &str, colours: Colours) -> String {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let parser = TextMergeStream::new(Parser::new_ext(markdown, options));
    let mut safe = Safe { colours, ..Safe::default() };
    let events: Vec<_> = parser.filter_map(|event| safe.event(event)).collect();
    let mut html = String::with_capacity(markdown.len() * 3 / 2);
    pulldown_cmark::html::push_html(&mut html, events.into_iter());
    if html.trim().is_empty() && !markdown.trim().is_empty() {
        // Definitions of links show nothing, and what they were meant for is sealed: keep them.
        return format!("<p>{}</p>\n", links::linked(markdown.trim()));
    }
    html
}

/// Turns events into those that may be shown.
#[derive(Default)]
struct Safe {
    /// For each open element, what closes it; `None` when it was left out.
    open: Vec<Option<Close>>,
    colours: Colours,
    links: usize,
    code: Option<(String, String)>,
    columns: Vec<Alignment>,
    column: usize,
    in_head: bool,
}

/// How an element ends.
#[derive(Clone, Copy)]
enum Close {
    /// As pulldown-cmark has it.
    AsParsed,
    /// With this.
    With(&'static str),
}

impl Safe {
    fn event<'a>(&mut self, event: Event<'a>) -> Option<Event<'a>> {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => {
                if let Some((_, code)) = &mut self.code {
                    code.push_str(&text);
                    return None;
                }
                let linked = self.links == 0 && text.contains("://");
                Some(if linked { html(links::linked(&text)) } else { Event::Text(text) })
            }
            Event::TaskListMarker(done) => Some(Event::Text(if done { "☑ " } else { "☐ " }.into())),
            Event::Code(_) | Event::SoftBreak | Event::HardBreak | Event::Rule => Some(event),
            // Not switched on.
            Event::FootnoteReference(_) | Event::InlineMath(_) | Event::DisplayMath(_) => None,
        }
    }

    fn start<'a>(&mut self, tag: Tag<'a>) -> Option<Event<'a>> {
        if self.open.len() >= DEEPEST && !matches!(tag, Tag::CodeBlock(_)) {
            self.open.push(None);
            return None;
        }
        let mut close = Some(Close::AsParsed);
        let event = match tag {
            Tag::CodeBlock(kind) => {
                let name = match kind {
                    CodeBlockKind::Fenced(info) => info.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some((name, String::new()));
                None
            }
            Tag::Link { dest_url, .. } => {
                self.links += 1;
                let tag = links::start_tag(&dest_url);
                close = Some(Close::With(if tag.is_some() { "</a>" } else { "" }));
                tag.map(html)
            }
            Tag::Image { dest_url, .. } => {
                self.links += 1;
                let tag = links::start_tag(&dest_url).filter(|_| self.links == 1);
                close = Some(Close::With(if tag.is_some() { "</a>" } else { "" }));
                Some(html(format!("{}Image: ", tag.unwrap_or_default())))
            }
            Tag::Table(columns) => {
                self.columns = columns;
                close = Some(Close::With("</tbody></table></div>\n"));
                let scroll =
                    "<div class=\"table\" tabindex=\"0\" role=\"region\" aria-label=\"Table\">";
                Some(html(format!("{scroll}<table>")))
            }
            Tag::TableHead => {
                (self.in_head, self.column) = (true, 0);
                close = Some(Close::With("</tr></thead><tbody>\n"));
                Some(html("<thead><tr>".to_owned()))
            }
            Tag::TableRow => {
                (self.in_head, self.column) = (false, 0);
                close = Some(Close::With("</tr>\n"));
                Some(html("<tr>".to_owned()))
            }
            Tag::TableCell => {
                let (tag, end) = if self.in_head { ("th", "</th>") } else { ("td", "</td>") };
                let class = match self.columns.get(self.column) {
                    Some(Alignment::Right) => " class=\"right\"",
                    Some(Alignment::Center) => " class=\"center\"",
                    _ => "",
                };
                self.column += 1;
                close = Some(Close::With(end));
                Some(html(format!("<{tag}{class}>")))
            }
            // Its text follows as events and is shown as text.
            Tag::HtmlBlock => {
                close = Some(Close::With("</p>\n"));
                Some(html("<p>".to_owned()))
            }
            tag => Some(Event::Start(tag)),
        };
        self.open.push(close);
        event
    }

    fn end<'a>(&mut self, tag: TagEnd) -> Option<Event<'a>> {
        let close = self.open.pop().flatten();
        if tag == TagEnd::CodeBlock {
            let (name, code) = self.code.take()?;
            return Some(html(code::whole(&name, &code, self.colours)));
        }
        let close = close?;
        if matches!(tag, TagEnd::Link | TagEnd::Image) {
            self.links = self.links.saturating_sub(1);
        }
        match close {
            Close::AsParsed => Some(Event::End(tag)),
            Close::With("") => None,
            Close::With(end) => Some(Event::Html(end.into())),
        }
    }
}

fn html<'a>(html: String) -> Event<'a> {
    Event::Html(html.into())
}

/// A name of a language, as its author wrote it and as it may be shown.
pub(super) fn label(info: &str) -> String {
    let name: String =
        info.split([' ', ',', '{', '\t']).next().unwrap_or_default().chars().take(32).collect();
    escaped(&name)
}
