//! The rules: a request in, the words of its answer out. Neither HTTP nor time.
//!
//! | asked for | said |
//! |---|---|
//! | a script, in `simulator` | that script |
//! | a text, in `simulator` | that text |
//! | functions, and a call is wanted | a call whose arguments fit the function's schema |
//! | a schema | JSON that fits it |
//! | anything else | a friendly text that says what answers here |

mod calls;
mod echo;
mod samples;
mod schema;
mod words;

use serde_json::json;

use crate::answer::{Choice, Finish, Piece, Said, counted, text_pieces};
use crate::directives::Script;
use crate::random::{Random, hash};
use crate::request::{ChatRequest, ResponseFormat, Role};
use crate::tokens;

pub(crate) use echo::echo;

/// Tokens of a count when none were ordered.
const COUNT_TOKENS: u64 = 16;

/// What the answer's words, values and pauses are drawn from: the same for the same request.
pub(crate) fn seed(request: &ChatRequest) -> u64 {
    if let Some(seed) = request.directives.seed {
        return seed;
    }
    let own = request.seed.map_or(0, i64::cast_unsigned);
    request.messages.iter().fold(own, |seed, message| {
        seed.rotate_left(5).wrapping_mul(31).wrapping_add(hash(&message.text))
    })
}

/// What each choice says.
pub(crate) fn choices(request: &ChatRequest, seed: u64, echo: impl Fn() -> String) -> Vec<Choice> {
    let choice = |index: u64| {
        // The first choice is the answer that a request for one choice gets.
        let mut random = Random::new(seed.wrapping_add(index.wrapping_mul(0x9E37_79B9)));
        let mut choice = says(request, &mut random, &echo);
        if let Some(most) = request.max_tokens {
            choice.limit(most);
        }
        choice
    };
    (0..request.choices).map(choice).collect()
}

fn says(request: &ChatRequest, random: &mut Random, echo: &impl Fn() -> String) -> Choice {
    let directives = &request.directives;
    let fresh = request.prefix.is_none();
    if fresh && let Some(said) = calls::said(request, random) {
        return Choice { said, finish: Finish::ToolCalls };
    }
    let stop = |said| Choice { said, finish: Finish::Stop };
    let ordered = directives.text.clone();
    let text = match directives.script {
        Some(Script::Echo) => echo(),
        Some(Script::Count) => {
            let count = directives.tokens.unwrap_or(COUNT_TOKENS);
            if fresh && request.stop.is_empty() {
                return stop(Said::Counted(count));
            }
            counted(count)
        }
        Some(script) => {
            fitted(ordered.unwrap_or_else(|| scripted(script, request, random)), request)
        }
        None => fitted(ordered.unwrap_or_else(|| unscripted(request, random)), request),
    };

    let text = continued(&text, request.prefix.as_deref());
    let text = before_stop(text, &request.stop);
    let mut pieces = Vec::new();
    if fresh && directives.script == Some(Script::Reasoning) {
        let thoughts = tokens::split(samples::REASONING);
        pieces.extend(thoughts.map(|token| Piece::Reasoning(token.to_owned())));
    }
    pieces.extend(text_pieces(text));
    stop(Said::Pieces(pieces))
}

fn scripted(script: Script, request: &ChatRequest, random: &mut Random) -> String {
    match script {
        Script::Text => samples::TEXT.to_owned(),
        Script::Markdown => samples::MARKDOWN.to_owned(),
        Script::Code => samples::code(request.prompt()).to_owned(),
        Script::Table => samples::TABLE.to_owned(),
        Script::Reasoning => samples::REASONED.to_owned(),
        Script::ToolCall if answers_tool(request) => words::of_tool(request),
        Script::ToolCall => samples::NO_TOOL.to_owned(),
        // These have said their own.
        Script::Echo | Script::Count => words::friendly(request, random),
    }
}

fn unscripted(request: &ChatRequest, random: &mut Random) -> String {
    match &request.response_format {
        ResponseFormat::JsonSchema(schema) => {
            schema::value_for(schema, request.prompt(), random).to_string()
        }
        ResponseFormat::JsonObject => {
            json!({"answer": words::short(request), "simulated": true}).to_string()
        }
        ResponseFormat::Text if answers_tool(request) => words::of_tool(request),
        ResponseFormat::Text => words::friendly(request, random),
    }
}

/// Whether the last message is what a function gave.
fn answers_tool(request: &ChatRequest) -> bool {
    let last = request.messages.last().map(|message| message.role);
    matches!(last, Some(Role::Tool | Role::Function))
}

/// The text at the number of tokens that was ordered, if one was.
fn fitted(text: String, request: &ChatRequest) -> String {
    let Some(wanted) = request.directives.tokens else { return text };
    let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
    let mut fitted: String = tokens::split(&text).take(wanted).collect();
    let missing = wanted - tokens::split(&fitted).count();
    if missing > 0 {
        // A space of its own ends the last token, so that the filler is counted from there.
        fitted.push(' ');
        fitted.extend(tokens::split(samples::FILLER).cycle_to(missing));
    }
    fitted
}

/// Repeats a text's tokens until there are enough.
trait CycleTo<'a> {
    fn cycle_to(self, tokens: usize) -> impl Iterator<Item = &'a str>;
}

impl<'a, I: Iterator<Item = &'a str>> CycleTo<'a> for I {
    fn cycle_to(self, tokens: usize) -> impl Iterator<Item = &'a str> {
        let all: Vec<_> = self.collect();
        (0..tokens).map(move |at| all[at % all.len()])
    }
}

/// What follows `prefix` in the text. A prefix that is none of it is followed by all of it.
fn continued<'a>(text: &'a str, prefix: Option<&str>) -> &'a str {
    prefix.and_then(|prefix| text.strip_prefix(prefix)).unwrap_or(text)
}

/// The text before the first stop sequence.
fn before_stop<'a>(text: &'a str, stop: &[String]) -> &'a str {
    let found = stop.iter().filter(|stop| !stop.is_empty()).filter_map(|stop| text.find(stop));
    found.min().map_or(text, |end| &text[..end])
}

#[cfg(test)]
mod tests;
