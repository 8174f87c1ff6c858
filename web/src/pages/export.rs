//! `GET /c/{conversation}/export/{form}`: a conversation as a file, to be kept elsewhere.

use std::fmt::Write as _;

use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use serde::Serialize;

use super::{Served, problem};
use crate::answer::Told;
use crate::conversation::{Answer, Line, Thumb, Turn};
use crate::error::Words;
use crate::gateway_client::{OnBehalf, Refused};
use crate::ids::{ConversationId, ResponseId};
use crate::markdown::Colours;
use crate::session::Owner;
use crate::texts;

/// How many turns are read at a time.
const AT_ONCE: usize = 100;

#[derive(Serialize)]
struct File<'a> {
    id: &'a ConversationId,
    title: &'a str,
    /// Seconds since 1970.
    created_at: u64,
    turns: Vec<Said<'a>>,
}

#[derive(Serialize)]
struct Said<'a> {
    id: &'a ResponseId,
    after: Option<&'a ResponseId>,
    model: &'a str,
    preset: &'static str,
    instructions: &'a str,
    question: &'a str,
    /// None while it is being written, or when it is not kept any longer.
    answer: Option<String>,
    /// What its reader thought of it.
    rating: Option<Thumb>,
}

/// `GET /c/{conversation}/export/{form}`
pub(crate) async fn export(
    State(served): State<Served>,
    Extension(owner): Extension<Owner>,
    Path((conversation, form)): Path<(String, String)>,
) -> Response {
    let write = match form.as_str() {
        "markdown" => markdown,
        "json" => json,
        _ => return problem::page(&served.assets, &Words::no_such_chat()),
    };
    let Ok(conversation) = conversation.parse::<ConversationId>() else {
        return problem::page(&served.assets, &Words::no_such_chat());
    };
    let gateway = served.gateway.on_behalf_of(owner);
    let read = tokio::join!(gateway.conversation(&conversation), all(&gateway, &conversation));
    match read {
        (Ok(line), Ok(turns)) => write(&line, &turns),
        (Err(Refused::Answered { status: 404, .. }), _) => {
            problem::page(&served.assets, &Words::no_such_chat())
        }
        (Err(refused), _) | (_, Err(refused)) => {
            problem::page(&served.assets, &Words::of_refusal(&refused))
        }
    }
}

/// The turns on the way to the newest, the oldest first.
async fn all(gateway: &OnBehalf, conversation: &ConversationId) -> Result<Vec<Turn>, Refused> {
    let mut newest_first = Vec::new();
    let mut before: Option<ResponseId> = None;
    loop {
        let page = gateway.turns(conversation, None, before.as_ref(), AT_ONCE).await?;
        before = page.turns.first().map(|turn| turn.id.clone());
        newest_first.extend(page.turns.into_iter().rev());
        if !page.has_more || before.is_none() {
            newest_first.reverse();
            return Ok(newest_first);
        }
    }
}

fn answer_of(turn: &Turn) -> Option<String> {
    match &turn.answer {
        Answer::Ended(said) => Some(Told::of(said, Colours::Off).text().to_owned()),
        Answer::Running | Answer::Gone => None,
    }
}

fn markdown(line: &Line, turns: &[Turn]) -> Response {
    let mut text = format!("# {}\n", line.name());
    for turn in turns {
        let answer = answer_of(turn).unwrap_or_else(|| texts::chat::NO_ANSWER.to_owned());
        let (you, model) = (texts::chat::YOU, &turn.options.model);
        // Writing to memory cannot fail.
        let _infallible =
            write!(text, "\n## {you}\n\n{}\n\n## {model}\n\n{answer}\n", turn.asked.text);
    }
    file(text, "text/markdown; charset=utf-8", "md")
}

fn json(line: &Line, turns: &[Turn]) -> Response {
    let turns = turns.iter().map(|turn| Said {
        id: &turn.id,
        after: turn.after.as_ref(),
        model: &turn.options.model,
        preset: turn.options.preset.value(),
        instructions: &turn.options.instructions,
        question: &turn.asked.text,
        answer: answer_of(turn),
        rating: turn.thumb,
    });
    let (id, title, created_at) = (&line.id, line.name(), line.created_at);
    let exported = File { id, title, created_at, turns: turns.collect() };
    // Strings and numbers: this cannot fail.
    file(serde_json::to_string_pretty(&exported).unwrap_or_default(), "application/json", "json")
}

fn file(text: String, kind: &'static str, ending: &str) -> Response {
    let name = format!("attachment; filename=\"chat.{ending}\"");
    let mut response = ([(CONTENT_TYPE, HeaderValue::from_static(kind))], text).into_response();
    if let Ok(name) = HeaderValue::from_str(&name) {
        response.headers_mut().insert(CONTENT_DISPOSITION, name);
    }
    response
}
