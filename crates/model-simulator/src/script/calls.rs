//! Calling functions: whether, which, and with what.

use super::{answers_tool, schema};
use crate::answer::{Piece, Said};
use crate::directives::Script;
use crate::random::Random;
use crate::request::{ChatRequest, Tool, ToolChoice};

/// Words of a prompt that want a call, besides a function's name.
const CALL_WORDS: &[&str] = &["call", "calls", "calling", "function", "functions", "tool", "tools"];
/// Characters of one fragment of arguments.
const FRAGMENT: usize = 5;

/// The calls, if there should be some.
pub(super) fn said(request: &ChatRequest, random: &mut Random) -> Option<Said> {
    if request.tool_choice == ToolChoice::None || answers_tool(request) {
        return None;
    }
    let ordered = request.directives.script == Some(Script::ToolCall);
    if request.directives.script.is_some() && !ordered {
        return None;
    }
    let mentioned = mentioned(request);
    let functions = match &request.tool_choice {
        ToolChoice::Named(name) => {
            request.tools.iter().filter(|tool| tool.name == *name).take(1).collect()
        }
        _ if !mentioned.is_empty() => mentioned,
        _ => request.tools.iter().take(1).collect(),
    };
    let forced = matches!(request.tool_choice, ToolChoice::Required | ToolChoice::Named(_));
    let has_text = request.directives.text.is_some();
    let wanted = ordered || (!has_text && (forced || asks_for_call(request)));
    if !wanted || functions.is_empty() {
        return None;
    }

    let mut pieces = Vec::new();
    for (call, function) in functions.into_iter().enumerate() {
        let id = format!("call_{:012x}", random.next() >> 16);
        pieces.push(Piece::CallStart { call, id, name: function.name.clone() });
        let json = arguments(request, function, random);
        pieces.extend(fragments(&json).map(|json| Piece::CallArguments { call, json }));
    }
    Some(Said::Pieces(pieces))
}

/// The ordered text as it is, or values for the function's schema.
fn arguments(request: &ChatRequest, function: &Tool, random: &mut Random) -> String {
    match &request.directives.text {
        Some(text) => text.clone(),
        None => schema::object_for(&function.parameters, request.prompt(), random).to_string(),
    }
}

fn fragments(json: &str) -> impl Iterator<Item = String> {
    let characters: Vec<char> = json.chars().collect();
    let pieces: Vec<String> = characters.chunks(FRAGMENT).map(|c| c.iter().collect()).collect();
    pieces.into_iter()
}

/// The functions that the prompt names.
fn mentioned(request: &ChatRequest) -> Vec<&Tool> {
    let prompt = request.prompt();
    request.tools.iter().filter(|tool| prompt.contains(&tool.name)).collect()
}

fn asks_for_call(request: &ChatRequest) -> bool {
    let prompt = request.prompt().to_lowercase();
    let mut words = prompt.split(|character: char| !character.is_alphanumeric());
    !mentioned(request).is_empty() || words.any(|word| CALL_WORDS.contains(&word))
}
