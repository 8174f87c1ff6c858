//! `GET /c/{conversation}/export/{form}`: a conversation as a file, to be kept elsewhere.

mod name;

use std::fmt::Write as _;
use std::io;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Path, Query, State};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt as _, stream};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Served, problem};
use crate::answer::Told;
use crate::components;
use crate::conversation::{Answer, Line, Thumb, Turn};
use crate::error::Words;
use crate::files;
use crate::gateway_client::{OnBehalf, Refused};
use crate::ids::{ConversationId, ResponseId};
use crate::markdown::Colours;
use crate::parameters::Effort;
use crate::session::Owner;
use crate::texts;

/// How many turns are read at a time.
const AT_ONCE: usize = 100;

#[derive(Serialize)]
struct Said<'a> {
    id: &'a ResponseId,
    after: Option<&'a ResponseId>,
    model: &'a str,
    preset: &'static str,
    temperature: f32,
    max_output_tokens: Option<u32>,
    reasoning_effort: Option<Effort>,
    instructions: &'a str,
    question: &'a str,
    /// As they were sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<&'a RawValue>,
    /// None while it is being written, or when it is not kept any longer.
    answer: Option<String>,
    /// What its reader thought of it.
    rating: Option<Thumb>,
}

/// Which branch of it.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Shown {
    /// Up to this turn, and on to its newest. The newest of all where it is not named.
    #[serde(default)]
    at: Option<ResponseId>,
}

/// How it is written.
#[derive(Debug, Clone, Copy)]
enum Form {
    Markdown,
    Json,
}

/// One branch, a page of turns at a time.
#[derive(Debug)]
struct Branch {
    gateway: OnBehalf,
    conversation: ConversationId,
    /// Its last turn.
    leaf: Option<ResponseId>,
    /// Where its pages end, but for the last: that of the first turns is the last here.
    ends: Vec<ResponseId>,
    /// The last page.
    newest: Option<Vec<Turn>>,
}

/// `GET /c/{conversation}/export/{form}`
pub(crate) async fn export(
    State(served): State<Served>,
    Extension(owner): Extension<Owner>,
    Path((conversation, form)): Path<(String, String)>,
    shown: Result<Query<Shown>, QueryRejection>,
) -> Response {
    let form = match form.as_str() {
        "markdown" => Form::Markdown,
        "json" => Form::Json,
        _ => return problem::page(&served.assets, &Words::no_such_chat()),
    };
    let (Ok(conversation), Ok(Query(Shown { at }))) = (conversation.parse(), shown) else {
        return problem::page(&served.assets, &Words::no_such_chat());
    };
    let gateway = served.gateway.on_behalf_of(owner);
    let line = gateway.conversation(&conversation);
    match tokio::join!(line, Branch::find(&gateway, &conversation, at.as_ref())) {
        (Ok(line), Ok(branch)) => form.file(&line, branch),
        (Err(Refused::Answered { status: 404, .. }), _)
        | (_, Err(Refused::Answered { status: 404, .. })) => {
            problem::page(&served.assets, &Words::no_such_chat())
        }
        (Err(refused), _) | (_, Err(refused)) => {
            problem::page(&served.assets, &Words::of_refusal(&refused))
        }
    }
}

impl Branch {
    /// Goes back to its beginning, and remembers the way.
    async fn find(
        gateway: &OnBehalf,
        conversation: &ConversationId,
        at: Option<&ResponseId>,
    ) -> Result<Self, Refused> {
        let newest = gateway.turns(conversation, at, None, AT_ONCE).await?;
        let first_of = |turns: &[Turn]| turns.first().map(|turn| turn.id.clone());
        let leaf = newest.turns.last().map(|turn| turn.id.clone());
        let (mut first, mut has_more) = (first_of(&newest.turns), newest.has_more);
        let mut ends = Vec::new();
        while has_more && let Some(end) = first {
            let page = gateway.turns(conversation, leaf.as_ref(), Some(&end), AT_ONCE).await?;
            (first, has_more) = (first_of(&page.turns), page.has_more);
            ends.push(end);
        }
        let (gateway, conversation) = (gateway.clone(), conversation.clone());
        Ok(Self { gateway, conversation, leaf, ends, newest: Some(newest.turns) })
    }

    /// The next page, the oldest first; none behind the last.
    async fn next(&mut self) -> Option<Result<Vec<Turn>, Refused>> {
        let Some(end) = self.ends.pop() else { return self.newest.take().map(Ok) };
        let (leaf, end) = (self.leaf.as_ref(), Some(&end));
        let page = self.gateway.turns(&self.conversation, leaf, end, AT_ONCE).await;
        Some(page.map(|page| page.turns))
    }

    /// Nothing more is read.
    fn gives_up(&mut self, why: &Refused) -> io::Error {
        self.ends.clear();
        self.newest = None;
        io::Error::other(format!("the rest of the chat cannot be read: {why:?}"))
    }
}

impl Form {
    /// The file, written while its turns are read. It breaks off where they cannot be.
    fn file(self, line: &Line, branch: Branch) -> Response {
        let (kind, ending) = match self {
            Self::Markdown => ("text/markdown; charset=utf-8", "md"),
            Self::Json => ("application/json", "json"),
        };
        let begin = stream::iter([Ok(self.begin(line))]);
        let turns = stream::unfold((branch, true), move |(mut branch, mut first)| async move {
            let page = branch.next().await?;
            let text = page.map(|turns| self.turns(&turns, std::mem::take(&mut first)));
            Some((text.map_err(|refused| branch.gives_up(&refused)), (branch, first)))
        });
        let end = stream::iter([Ok(self.end().to_owned())]);
        // Behind an error nothing is sent any more.
        let body = Body::from_stream(begin.chain(turns).chain(end));
        let mut response = ([(CONTENT_TYPE, HeaderValue::from_static(kind))], body).into_response();
        if let Ok(name) = HeaderValue::from_str(&name::attachment(line.title.as_deref(), ending)) {
            response.headers_mut().insert(CONTENT_DISPOSITION, name);
        }
        response
    }

    fn begin(self, line: &Line) -> String {
        match self {
            Self::Markdown => format!("# {}\n", line.name()),
            Self::Json => {
                let (id, title) = (json_of(&line.id), json_of(line.name()));
                let created_at = line.created_at;
                format!(
                    "{{\n\"id\": {id},\n\"title\": {title},\n\"created_at\": {created_at},\n\"turns\": ["
                )
            }
        }
    }

    /// `first` says whether nothing stands before them.
    fn turns(self, turns: &[Turn], first: bool) -> String {
        let mut text = String::new();
        for (at, turn) in turns.iter().enumerate() {
            self.write(turn, first && at == 0, &mut text);
        }
        text
    }

    fn write(self, turn: &Turn, first: bool, text: &mut String) {
        let answer = answer_of(turn);
        match self {
            Self::Markdown => {
                let (you, model) = (texts::chat::YOU, &turn.options.model);
                let (files, asked) = (names_of(turn), &turn.asked.text);
                let answer = answer.as_deref().unwrap_or(texts::chat::NO_ANSWER);
                // Writing to memory cannot fail.
                let _infallible =
                    write!(text, "\n## {you}\n\n{files}{asked}\n\n## {model}\n\n{answer}\n");
            }
            Self::Json => {
                let said = Said {
                    id: &turn.id,
                    after: turn.after.as_ref(),
                    model: &turn.options.model,
                    preset: turn.options.preset.value(),
                    temperature: turn.options.temperature(),
                    max_output_tokens: turn.options.parameters.longest,
                    reasoning_effort: turn.options.parameters.effort,
                    instructions: &turn.options.instructions,
                    question: &turn.asked.text,
                    files: files::parts(turn.asked.items_as_they_are()),
                    answer,
                    rating: turn.thumb,
                };
                text.push_str(if first { "\n" } else { ",\n" });
                text.push_str(&json_of(&said));
            }
        }
    }

    fn end(self) -> &'static str {
        match self {
            Self::Markdown => "",
            Self::Json => "\n]\n}\n",
        }
    }
}

fn json_of<T: Serialize + ?Sized>(value: &T) -> String {
    // Strings and numbers: this cannot fail.
    serde_json::to_string(value).unwrap_or_default()
}

fn answer_of(turn: &Turn) -> Option<String> {
    match &turn.answer {
        Answer::Ended(said) => Some(Told::of(said, Colours::Off).text().to_owned()),
        Answer::Running | Answer::Gone => None,
    }
}

/// The names of its files, each in a line.
fn names_of(turn: &Turn) -> String {
    let files = turn.asked.files.iter();
    files.map(|file| format!("> {}\n\n", components::name_of_file(file))).collect()
}
