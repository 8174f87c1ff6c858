//! The fold: what became of a request, as events and as a response.

use super::answer::Answer;
use super::chunk::{Chunk, Finish, Unreadable, Usage};
use super::event::{Outlet, ResponseEvent};
use super::item::{State, Voice};
use super::json::{one_line, quoted};
use super::options::Options;
use super::reading::Object;
use super::resource::{Now, Resource};
use crate::InvalidRequest;
use crate::request::parse;

/// What a response is about.
#[derive(Clone, Copy)]
pub struct About<'a> {
    /// The id of the response.
    pub id: &'a str,
    /// What the ids of its items derive from.
    pub seed: &'a str,
    /// Seconds since 1970.
    pub created_at: u64,
    /// The public name of the model.
    pub model: &'a str,
    /// What the caller sent.
    pub request: &'a str,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The model said all it had to say.
    Completed,
    /// There is no (whole) answer.
    Failed {
        /// For a program, such as `server_error`.
        code: String,
        /// For a person.
        message: String,
    },
    /// Somebody stopped it.
    Cancelled,
}

/// How far a response is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// In the background: nobody has begun.
    Queued,
    /// It is being answered, or is about to be while its caller waits.
    InProgress,
    /// The model said all it had to say.
    Completed,
    /// The model might have said more than it was allowed to.
    Incomplete,
    /// There is no (whole) answer.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}

impl Status {
    /// The text on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Incomplete => "incomplete",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing can follow.
    pub fn is_terminal(self) -> bool {
        !matches!(self, Self::Queued | Self::InProgress)
    }
}

/// Folds what became of a request.
///
/// The same calls give the same bytes. Behind its end nothing changes it any more.
#[derive(Debug)]
pub struct Projection {
    resource: Resource,
    wants_logprobs: bool,
    background: bool,
    next: u64,
    status: Status,
    started: bool,
    answer: Answer,
    finish: Option<Finish>,
    usage: Option<Usage>,
    /// Something came that could not be read: the answer is not whole, whoever says so.
    garbled: bool,
    /// JSON.
    error: Option<String>,
    completed_at: Option<u64>,
    /// Members that are no part of the API, each behind a comma.
    more: String,
}

impl Projection {
    /// Nothing has happened yet.
    ///
    /// # Errors
    ///
    /// When the request is none.
    pub fn new(about: &About<'_>) -> Result<Self, InvalidRequest> {
        let request = Object::root(parse(about.request.as_bytes())?);
        let options = Options::read(&request)?;
        Ok(Self {
            resource: Resource::new(about, &options),
            wants_logprobs: options.logprobs,
            background: options.background,
            next: 0,
            status: if options.background { Status::Queued } else { Status::InProgress },
            started: false,
            answer: Answer::new(about.seed),
            finish: None,
            usage: None,
            garbled: false,
            error: None,
            completed_at: None,
            more: String::new(),
        })
    }

    /// An answer was promised.
    pub fn accepted(&mut self, out: &mut Vec<ResponseEvent>) {
        self.tell("response.created", out);
        if self.background {
            self.tell("response.queued", out);
        }
    }

    /// An attempt begins: where the one before it stopped when it `continues`, else anew.
    pub fn started(&mut self, continues: bool, out: &mut Vec<ResponseEvent>) {
        if self.status.is_terminal() {
            return;
        }
        self.finish = None;
        self.usage = None;
        if !self.started {
            self.started = true;
            self.status = Status::InProgress;
            return self.tell("response.in_progress", out);
        }
        if !continues {
            self.garbled = false;
            self.answer.restart(&mut Outlet::new(&mut self.next, out));
        }
    }

    /// The model said something: one chunk of a chat completion.
    pub fn chunk(&mut self, chunk: &[u8], out: &mut Vec<ResponseEvent>) {
        if self.status.is_terminal() {
            return;
        }
        let read = Chunk::read(chunk).and_then(|chunk| self.take(&chunk, out));
        self.garbled |= read.is_err();
    }

    fn take(&mut self, chunk: &Chunk<'_>, out: &mut Vec<ResponseEvent>) -> Result<(), Unreadable> {
        let outlet = &mut Outlet::new(&mut self.next, out);
        for choice in chunk.answer() {
            self.answer.say(Voice::Thought, choice.thought()?, "", outlet);
            let logprobs = if self.wants_logprobs { choice.logprobs() } else { "" };
            self.answer.say(Voice::Text, choice.content()?, &one_line(logprobs), outlet);
            self.answer.say(Voice::Refusal, choice.refusal()?, "", outlet);
            for fragment in choice.calls() {
                if !self.answer.call(&fragment?, outlet) {
                    return Err(Unreadable);
                }
            }
            self.finish = choice.finish().or(self.finish);
        }
        self.usage = chunk.usage().or(self.usage);
        Ok(())
    }

    /// From now on the response has this member too, which is no part of the API, with this JSON.
    pub fn tells_too(&mut self, name: &str, json: &str) {
        if !self.status.is_terminal() {
            self.more.push_str(&format!(",{}:{}", quoted(name), one_line(json)));
        }
    }

    /// There will be no more. `at` is in seconds since 1970.
    pub fn ended(&mut self, end: &End, at: u64, out: &mut Vec<ResponseEvent>) {
        if self.status.is_terminal() {
            return;
        }
        self.status = match end {
            End::Completed if self.garbled => {
                let message = "The model server sent something that could not be read.";
                self.fail("server_error", message)
            }
            End::Completed => match self.finish {
                Some(Finish::Length | Finish::ContentFilter) => Status::Incomplete,
                Some(Finish::Stop) | None => Status::Completed,
            },
            End::Failed { code, message } => self.fail(code, message),
            End::Cancelled => Status::Cancelled,
        };
        let whole = self.status == Status::Completed;
        self.completed_at = whole.then_some(at);
        let state = if whole { State::Completed } else { State::Incomplete };
        self.answer.close(state, &mut Outlet::new(&mut self.next, out));
        match self.status {
            Status::Completed => self.tell("response.completed", out),
            Status::Incomplete => self.tell("response.incomplete", out),
            Status::Failed => self.tell("response.failed", out),
            // The API has no event for this: the stream breaks, and says why.
            _cancelled => Outlet::new(&mut self.next, out).emit(
                "error",
                &[
                    "\"code\":\"response_cancelled\",",
                    "\"message\":\"The response was cancelled.\",\"param\":null",
                ],
            ),
        }
    }

    fn fail(&mut self, code: &str, message: &str) -> Status {
        let (code, message) = (quoted(code), quoted(message));
        self.error = Some(format!("{{\"code\":{code},\"message\":{message}}}"));
        Status::Failed
    }

    /// Tells the whole response.
    fn tell(&mut self, name: &'static str, out: &mut Vec<ResponseEvent>) {
        let response = self.json();
        Outlet::new(&mut self.next, out).emit(name, &["\"response\":", &response]);
    }

    fn json(&self) -> String {
        let completed_at = self.completed_at.map_or("null".to_owned(), |at| at.to_string());
        let incomplete_details = match (self.status, self.finish) {
            (Status::Incomplete, Some(Finish::ContentFilter)) => "{\"reason\":\"content_filter\"}",
            (Status::Incomplete, _) => "{\"reason\":\"max_output_tokens\"}",
            _ => "null",
        };
        self.resource.json(&Now {
            status: self.status.as_str(),
            completed_at: &completed_at,
            error: self.error.as_deref().unwrap_or("null"),
            incomplete_details,
            output: &self.answer.output(),
            usage: self.usage.map_or("null".to_owned(), |usage| usage.json()).as_str(),
            more: &self.more,
        })
    }

    /// The response as it is now.
    pub fn response(&self) -> Vec<u8> {
        self.json().into_bytes()
    }

    /// The closed items of the answer, a JSON array on one line: what a next turn is told of this
    /// one.
    pub fn output_items(&self) -> String {
        self.answer.for_next_turn()
    }

    /// How far it is.
    pub fn status(&self) -> Status {
        self.status
    }
}
