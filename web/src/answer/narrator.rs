//! What is shown of an answer, as HTML that is only ever added to, and a tail.

use super::Ending;
use crate::components;
use crate::conversation::Mark;
use crate::error::Words;
use crate::gateway_client::{Finish, Said};
use crate::markdown::{Renderer, Sealed};
use crate::receipt::Receipt;

/// More calls than a person reads about.
const MOST_TOOLS: usize = 32;

/// Tells one answer.
#[derive(Debug, Default)]
pub(crate) struct Narrator {
    renderer: Renderer,
    text: String,
    tools: Vec<Tool>,
    refused: bool,
    receipt: Option<Box<Receipt>>,
}

#[derive(Debug, Default)]
struct Tool {
    name: String,
    arguments: String,
}

impl Narrator {
    /// Takes what the model says, and gives what of it are thoughts.
    pub(crate) fn hear(&mut self, said: &[Said]) -> String {
        let mut thoughts = String::new();
        for one in said {
            match one {
                Said::Text(text) => self.add(text),
                Said::Refusal(text) => {
                    self.refused = true;
                    self.add(text);
                }
                Said::Reasoning(text) => thoughts.push_str(text),
                Said::Tool { index, name, arguments } => self.call(*index, name, arguments),
                Said::Receipt(receipt) => self.receipt = Some(receipt.clone()),
                Said::Finished(_) => {}
            }
        }
        thoughts
    }

    /// The answer as the model wrote it: what the next question carries.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// What it took, if the gateway has said so.
    pub(crate) fn receipt(&self) -> Option<&Receipt> {
        self.receipt.as_deref()
    }

    /// Whether there is anything that is worth keeping.
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
        let mut add = |markup: maud::Markup| sealed.push(Sealed::Block(markup.into_string()));
        for tool in &self.tools {
            add(components::tool_call(&tool.name, &tool.arguments));
        }
        if let Some(mark) = self.mark(ending) {
            add(components::remark(&mark));
        }
        if let Some(receipt) = self.receipt() {
            add(components::receipt(receipt));
        }
        sealed
    }

    /// How it ended, if that needs words; what stays with the answer.
    pub(crate) fn mark(&self, ending: &Ending) -> Option<Mark> {
        let note = match ending {
            _ if self.refused => "The model declined to answer.",
            Ending::Complete(Finish::Length) => {
                "The answer is cut: it reached the longest length allowed. Ask the model to go on."
            }
            Ending::Complete(Finish::Filtered) => "A filter ended this answer. Ask in other words.",
            Ending::Complete(Finish::Stop) if !self.has_spoken() => {
                "The model ended without a word. Ask again, or in other words."
            }
            Ending::Complete(Finish::Stop) => return None,
            // The question goes back to its author.
            _ if !self.has_spoken() => return None,
            Ending::Stopped => "Stopped.",
            Ending::TooLong => "The answer is cut: it is longer than this page can carry.",
            ending => return Words::reason(ending).map(Mark::Interrupted),
        };
        Some(Mark::Note(note.to_owned()))
    }

    /// Whether the answer stays in the conversation; if not, its question goes back to its author.
    pub(crate) fn is_kept(&self, ending: &Ending) -> bool {
        self.has_spoken() || matches!(ending, Ending::Complete(_))
    }

    fn add(&mut self, text: &str) {
        self.text.push_str(text);
        self.renderer.push(text);
    }

    fn call(&mut self, index: usize, name: &str, arguments: &str) {
        if index >= MOST_TOOLS {
            return;
        }
        if self.tools.len() <= index {
            self.tools.resize_with(index + 1, Tool::default);
        }
        let tool = &mut self.tools[index];
        tool.name.push_str(name);
        tool.arguments.push_str(arguments);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(said: &[Said], ending: &Ending) -> String {
        let mut narrator = Narrator::default();
        narrator.hear(said);
        narrator.end(ending).iter().map(Sealed::as_html).collect()
    }

    #[test]
    fn an_end_that_needs_words_has_them() {
        let said = [Said::Text("Hello".into())];
        for (finish, words) in [(Finish::Length, "longest length"), (Finish::Filtered, "filter")] {
            assert!(ended(&said, &Ending::Complete(finish)).contains(words), "{words}");
        }
        assert!(ended(&said, &Ending::Stopped).contains("Stopped."));
        let broken = ended(&said, &Ending::Closing);
        assert!(broken.contains("Interrupted: ") && broken.contains("Try again"), "{broken}");
        assert!(!ended(&[], &Ending::Closing).contains("Interrupted"));
        assert!(ended(&[], &Ending::Complete(Finish::Stop)).contains("without a word"));
        assert!(!ended(&said, &Ending::Complete(Finish::Stop)).contains("note"));
        let refusal = [Said::Refusal("No.".into())];
        assert!(ended(&refusal, &Ending::Complete(Finish::Stop)).contains("declined"));
    }

    #[test]
    fn the_call_of_a_tool_is_put_together_and_is_text() {
        let call = |name: &str, arguments: &str| Said::Tool {
            index: 0,
            name: name.into(),
            arguments: arguments.into(),
        };
        let said = [call("<script>", "{\"a\":"), call("", "\"<script>\"}")];

        let html = ended(&said, &Ending::Complete(Finish::Stop));

        assert!(html.contains("&lt;script&gt;"), "{html}");
        assert!(!html.contains("<script>"), "{html}");
    }
}
