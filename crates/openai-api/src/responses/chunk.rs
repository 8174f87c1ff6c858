//! One chunk of a chat completion, read without a tree of values and without unescaping a text.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::json::inner;

/// A chunk that is not what a model may say.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

#[derive(Deserialize)]
pub(super) struct Chunk<'a> {
    #[serde(borrow, default)]
    choices: Option<Vec<Choice<'a>>>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct Choice<'a> {
    #[serde(default)]
    index: Option<u32>,
    #[serde(borrow, default)]
    delta: Option<Delta<'a>>,
    #[serde(borrow, default)]
    logprobs: Option<&'a RawValue>,
    #[serde(borrow, default)]
    finish_reason: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    refusal: Option<&'a RawValue>,
    #[serde(borrow, default)]
    reasoning_content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    reasoning: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tool_calls: Option<Vec<ToolCall<'a>>>,
}

#[derive(Deserialize)]
struct ToolCall<'a> {
    #[serde(default)]
    index: Option<u64>,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    function: Option<Function<'a>>,
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(borrow, default)]
    name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
}

/// Part of a call of a function. Texts are escaped, as they came; empty when there is none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fragment<'a> {
    /// Which of several calls.
    pub(super) index: Option<u64>,
    pub(super) id: &'a str,
    pub(super) name: &'a str,
    pub(super) arguments: &'a str,
}

/// Why the model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finish {
    Stop,
    Length,
    ContentFilter,
}

impl<'a> Chunk<'a> {
    pub(super) fn read(json: &'a [u8]) -> Result<Self, Unreadable> {
        serde_json::from_slice(json).map_err(|_| Unreadable)
    }

    /// The one answer that is asked for.
    pub(super) fn answer(&self) -> impl Iterator<Item = &Choice<'a>> {
        self.choices.iter().flatten().filter(|choice| choice.index.unwrap_or(0) == 0)
    }

    /// What the answer has cost so far.
    pub(super) fn usage(&self) -> Option<Usage> {
        self.usage.and_then(|usage| serde_json::from_str(usage.get()).ok())
    }
}

impl<'a> Choice<'a> {
    pub(super) fn thought(&self) -> Result<&'a str, Unreadable> {
        let Some(delta) = &self.delta else { return Ok("") };
        // Some servers say the same under both names.
        match text(delta.reasoning_content)? {
            "" => text(delta.reasoning),
            thought => Ok(thought),
        }
    }

    pub(super) fn content(&self) -> Result<&'a str, Unreadable> {
        text(self.delta.as_ref().and_then(|delta| delta.content))
    }

    pub(super) fn refusal(&self) -> Result<&'a str, Unreadable> {
        text(self.delta.as_ref().and_then(|delta| delta.refusal))
    }

    pub(super) fn calls(&self) -> impl Iterator<Item = Result<Fragment<'a>, Unreadable>> {
        let calls = self.delta.iter().filter_map(|delta| delta.tool_calls.as_ref()).flatten();
        calls.map(|call| {
            let function = call.function.as_ref();
            Ok(Fragment {
                index: call.index,
                id: text(call.id)?,
                name: text(function.and_then(|function| function.name))?,
                arguments: text(function.and_then(|function| function.arguments))?,
            })
        })
    }

    pub(super) fn finish(&self) -> Option<Finish> {
        Some(match inner(self.finish_reason?.get())? {
            "length" => Finish::Length,
            "content_filter" => Finish::ContentFilter,
            _ => Finish::Stop,
        })
    }

    /// The probabilities of the tokens of the content, without the brackets around them.
    pub(super) fn logprobs(&self) -> &'a str {
        #[derive(Deserialize)]
        struct Logprobs<'a> {
            #[serde(borrow, default)]
            content: Option<&'a RawValue>,
        }
        let read = |raw: &'a RawValue| serde_json::from_str::<Logprobs<'a>>(raw.get()).ok();
        let content = self.logprobs.and_then(read).and_then(|logprobs| logprobs.content);
        let array = content.map_or("[]", RawValue::get);
        array.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or_default().trim()
    }
}

fn text(raw: Option<&RawValue>) -> Result<&str, Unreadable> {
    raw.map_or(Ok(""), |raw| inner(raw.get()).ok_or(Unreadable))
}

/// What an answer has cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Usage {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
    #[serde(default)]
    total_tokens: Option<u64>,
    #[serde(default)]
    prompt_tokens_details: Option<PromptDetails>,
    #[serde(default)]
    completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
struct PromptDetails {
    #[serde(default)]
    cached_tokens: Option<u64>,
    #[serde(default)]
    cache_write_tokens: Option<u64>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
struct CompletionDetails {
    #[serde(default)]
    reasoning_tokens: Option<u64>,
}

impl Usage {
    /// The same in the words of a response.
    pub(super) fn json(&self) -> String {
        let Self { prompt_tokens: input, completion_tokens: output, .. } = self;
        let prompt = self.prompt_tokens_details.unwrap_or_default();
        let cached = prompt.cached_tokens.unwrap_or(0);
        let written = prompt.cache_write_tokens.unwrap_or(0);
        let completion = self.completion_tokens_details.unwrap_or_default();
        let reasoning = completion.reasoning_tokens.unwrap_or(0);
        let total = self.total_tokens.unwrap_or(input.saturating_add(*output));
        format!(
            "{{\"input_tokens\":{input},\"input_tokens_details\":{{\"cached_tokens\":{cached},\
             \"cache_write_tokens\":{written}}},\"output_tokens\":{output},\
             \"output_tokens_details\":{{\"reasoning_tokens\":{reasoning}}},\
             \"total_tokens\":{total}}}"
        )
    }
}
