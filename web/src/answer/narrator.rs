//! What is shown of an answer, as HTML that is only ever added to, and a tail.

use maud::Markup;

use crate::components;
use crate::error::{reason_of, reason_why};
use crate::markdown::{Colours, Renderer, Sealed};
use crate::receipt::Receipt;
use crate::said::{Ending, Said, Why};
use crate::texts::answers as texts;

/// More calls than a person reads about.
const MOST_TOOLS: usize = 32;

/// Tells one answer.
#[derive(Debug, Default)]
pub(crate) struct Narrator {
    renderer: Renderer,
    text: String,
    tools: Vec<Tool>,
    calls: usize,
    refused: bool,
    receipt: Option<Box<Receipt>>,
}

#[derive(Debug, Default)]
struct Tool {
    name: String,
    arguments: String,
}

impl Narrator {
    pub(crate) fn new(colours: Colours) -> Self {
        Self { renderer: Renderer::new(colours), ..Self::default() }
    }

    /// Takes what the model says, and gives what of it are thoughts.
    pub(crate) fn hear<'a>(&mut self, said: &'a Said) -> &'a str {
        match said {
            Said::Text(text) => self.add(text),
            Said::Refusal(text) => {
                self.refused = true;
                self.add(text);
            }
            Said::Reasoning(text) => return text,
            Said::Tool(name) => {
                self.calls += 1;
                if self.calls <= MOST_TOOLS {
                    self.tools.push(Tool { name: name.clone(), arguments: String::new() });
                }
            }
            Said::Arguments(more) => {
                if self.calls <= MOST_TOOLS
                    && let Some(tool) = self.tools.last_mut()
                {
                    tool.arguments.push_str(more);
                }
            }
            Said::Receipt(receipt) => self.receipt = Some(receipt.clone()),
            Said::Begun | Said::CutShort | Said::NothingLeft | Said::End(_) => {}
        }
        ""
    }

    /// The answer as the model wrote it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether there is anything to be read.
    fn has_spoken(&self) -> bool {
        !self.text.trim().is_empty() || !self.tools.is_empty()
    }

    /// What was sealed since this was last asked.
    pub(crate) fn sealed(&mut self) -> Vec<Sealed> {
        self.renderer.take()
    }

    /// What is not sealed yet.
    pub(crate) fn tail(&self) -> String {
        self.renderer.tail()
    }

    /// See [`Renderer::settled`].
    pub(crate) fn settled(&self) -> Option<String> {
        self.renderer.settled()
    }

    /// Everything that is left to be shown, with the end in words where it needs any.
    pub(crate) fn end(&mut self, ending: &Ending) -> Vec<Sealed> {
        self.renderer.finish();
        let mut sealed = self.renderer.take();
        let mut add = |markup: Markup| sealed.push(Sealed::Block(markup.into_string()));
        for tool in &self.tools {
            add(components::tool_call(&tool.name, &tool.arguments));
        }
        if let Some(mark) = self.mark(ending) {
            add(mark);
        }
        if let Some(receipt) = self.receipt.as_deref() {
            add(components::receipt(receipt));
        }
        sealed
    }

    /// What a reader should know of how it ended, and no model is told.
    fn mark(&self, ending: &Ending) -> Option<Markup> {
        let note = match ending {
            Ending::Failed { code, message } => {
                let reason = reason_of(code.as_deref(), message.as_deref());
                return Some(components::interrupted(&reason));
            }
            Ending::Lost(why @ (Why::Gone | Why::Deleted)) => {
                return Some(components::interrupted(reason_why(*why)));
            }
            Ending::Lost(why) => return Some(components::unreadable(reason_why(*why))),
            Ending::Stopped => texts::STOPPED,
            Ending::TooLong => texts::LONGER_THAN_SHOWN,
            _ if self.refused => texts::DECLINED,
            Ending::Length => texts::TOO_LONG,
            Ending::Filtered => texts::FILTERED,
            Ending::Complete if !self.has_spoken() => texts::SILENT,
            Ending::Complete => return None,
        };
        Some(components::note(note))
    }

    fn add(&mut self, text: &str) {
        self.text.push_str(text);
        self.renderer.push(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(said: &[Said], ending: &Ending) -> String {
        let mut narrator = Narrator::default();
        for one in said {
            narrator.hear(one);
        }
        narrator.end(ending).iter().map(Sealed::as_html).collect()
    }

    #[test]
    fn an_end_that_needs_words_has_them() {
        let said = [Said::Text("Hello".into())];
        for (ending, words) in [
            (Ending::Length, "longest length"),
            (Ending::Filtered, "filter"),
            (Ending::Stopped, "Stopped."),
            (Ending::TooLong, "longer than this page"),
            (Ending::Failed { code: Some("worker_lost".into()), message: None }, "Interrupted: "),
        ] {
            assert!(ended(&said, &ending).contains(words), "{words}");
        }
        assert!(ended(&[], &Ending::Complete).contains("without a word"));
        assert!(!ended(&said, &Ending::Complete).contains("note"));
        let refusal = [Said::Refusal("No.".into())];
        assert!(ended(&refusal, &Ending::Complete).contains("declined"));
    }

    #[test]
    fn the_call_of_a_tool_is_put_together_and_is_text() {
        let said = [
            Said::Tool("<script>".into()),
            Said::Arguments("{\"a\":".into()),
            Said::Arguments("\"<script>\"}".into()),
        ];

        let html = ended(&said, &Ending::Complete);

        assert!(html.contains("&lt;script&gt;"), "{html}");
        assert!(!html.contains("<script>"), "{html}");
    }
}
