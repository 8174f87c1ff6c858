//! What is said when nothing was ordered: friendly, plain about who speaks, and about the prompt.

use super::samples;
use crate::random::Random;
use crate::request::{ChatRequest, Image};

/// Most characters of the user's words that are given back.
const QUOTE: usize = 240;
/// Most characters of the first prompt that are given back.
const SHORT_QUOTE: usize = 80;

const HELLO: &[&str] = &[
    "Hello! I am the **model simulator**: nobody thinks here, the words are scripted.",
    "This is the **model simulator** speaking. I am not a language model, I only stand in for one.",
    "You have reached the **model simulator**, a stand-in that follows a script instead of thinking.",
    "Greetings from the **model simulator**. No model is connected, so this text was written long ago.",
];
const LIST_HEADS: &[&str] =
    &["What I can show you:", "A few things to try:", "Ask me for one of these:"];
const GOODBYES: &[&str] = &[
    "Connect a real model, and real answers will come.",
    "For an answer that means something, connect a real model.",
    "Everything but the thinking is real: the way of these words to you is the one a model's take.",
];

/// The answer to a conversation without orders.
pub(super) fn friendly(request: &ChatRequest, random: &mut Random) -> String {
    let prompt = request.prompt().trim();
    let mut text = random.word(HELLO).to_owned();
    if let Some(line) = turn(request) {
        paragraph(&mut text, &line);
    }
    if !prompt.is_empty() {
        let quoted = shortened(prompt, QUOTE).replace('\n', "\n> ");
        paragraph(&mut text, &format!("You wrote:\n\n> {quoted}"));
    }
    if let Some(line) = images(request) {
        paragraph(&mut text, &line);
    }
    match subject(prompt) {
        Subject::Code => {
            paragraph(&mut text, "You mention code, so here is some:");
            paragraph(&mut text, samples::code(prompt));
        }
        Subject::Table => {
            paragraph(&mut text, "You mention a table, so here is one:");
            paragraph(&mut text, samples::TABLE);
        }
        Subject::Other => {
            paragraph(&mut text, random.word(LIST_HEADS));
            paragraph(&mut text, samples::LIST);
        }
    }
    paragraph(&mut text, random.word(GOODBYES));
    text
}

/// One sentence, for where more has no place.
pub(super) fn short(request: &ChatRequest) -> String {
    let prompt = shortened(request.prompt().trim(), SHORT_QUOTE);
    format!("The model simulator read: {prompt}")
}

/// The answer to what a function gave.
pub(super) fn of_tool(request: &ChatRequest) -> String {
    let given = request.messages.last().map_or("", |message| message.text.trim());
    let given = shortened(given, QUOTE);
    format!("The tool answered `{given}`, and the **model simulator** takes its word for it.")
}

fn turn(request: &ChatRequest) -> Option<String> {
    let turn = request.users().count();
    let first = request.users().next()?;
    let asked = shortened(first.text.trim(), SHORT_QUOTE).replace('\n', " ");
    (turn > 1).then(|| format!("This is turn {turn}; you first asked “{asked}”."))
}

fn images(request: &ChatRequest) -> Option<String> {
    let images = &request.users().next_back()?.images;
    let each: Vec<String> = images
        .iter()
        .map(|image| match image {
            Image::Inline { kind, bytes } => format!("{kind}, {bytes} bytes"),
            Image::Linked => "linked".to_owned(),
        })
        .collect();
    let plural = if images.len() == 1 { "" } else { "s" };
    let line = format!("I see {} image{plural} ({}).", images.len(), each.join("; "));
    (!images.is_empty()).then_some(line)
}

enum Subject {
    Code,
    Table,
    Other,
}

fn subject(prompt: &str) -> Subject {
    const CODE: &[&str] = &["code", "function", "program", "python", "rust", "script", "algorithm"];
    let lower = prompt.to_lowercase();
    let has = |wanted: &[&str]| {
        lower
            .split(|character: char| !character.is_alphanumeric())
            .any(|word| wanted.contains(&word))
    };
    if has(&["table", "tables"]) {
        Subject::Table
    } else if has(CODE) {
        Subject::Code
    } else {
        Subject::Other
    }
}

fn paragraph(text: &mut String, more: &str) {
    text.push_str("\n\n");
    text.push_str(more);
}

/// The beginning of a text, with `…` where something is missing.
fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
    }
}
