//! What it says to some requests instead of what it knows.

use std::collections::{HashMap, VecDeque};

use serde_json::json;

use super::calls::Call;
use super::script::Script;

/// As a test has told it.
pub(super) struct Rules {
    /// To everyone.
    pub(super) says: Option<(u16, String)>,
    /// To some requests, by method and path.
    pub(super) says_to: HashMap<String, (u16, String)>,
    /// Each behind so many that are answered.
    pub(super) refuses_next: Vec<(String, usize, Refused)>,
    pub(super) loses_next: Vec<String>,
    pub(super) breaks_after: VecDeque<usize>,
    pub(super) script: Script,
    /// JSON.
    pub(super) receipt: Option<String>,
    pub(super) models: Vec<(String, String)>,
}

/// What becomes of a request.
pub(super) enum Verdict {
    /// This is said to it.
    Says(u16, String),
    Refuses(Refused),
    /// It is answered, and the answer gets lost.
    Loses,
    Answers,
}

/// A refusal as a gateway makes it.
#[derive(Clone)]
pub(crate) struct Refused {
    pub(super) status: u16,
    code: String,
    message: String,
    pub(super) retry_after_s: Option<u64>,
}

impl Default for Rules {
    fn default() -> Self {
        let model = |name: &str, can: &str| (name.to_owned(), can.to_owned());
        Self {
            says: None,
            says_to: HashMap::new(),
            refuses_next: Vec::new(),
            loses_next: Vec::new(),
            breaks_after: VecDeque::new(),
            script: Script::default(),
            receipt: Some(json!({"model": "simulator", "duration_ms": 1500.0}).to_string()),
            models: vec![model("simulator", "chat"), model("simulator-embeddings", "embeddings")],
        }
    }
}

impl Rules {
    pub(super) fn judge(&mut self, call: &Call) -> Verdict {
        if let Some(at) = self.refuses_next.iter().position(|(request, ..)| call.is(request)) {
            match &mut self.refuses_next[at].1 {
                0 => return Verdict::Refuses(self.refuses_next.remove(at).2),
                answered => *answered -= 1,
            }
        }
        if let Some(at) = self.loses_next.iter().position(|request| call.is(request)) {
            self.loses_next.remove(at);
            return Verdict::Loses;
        }
        let to_this = self.says_to.iter().find(|(request, _)| call.is(request));
        match to_this.map(|(_, says)| says).or(self.says.as_ref()) {
            Some((status, body)) => Verdict::Says(*status, body.clone()),
            None => Verdict::Answers,
        }
    }
}

impl Refused {
    pub(crate) fn new(status: u16, code: &str, message: &str) -> Self {
        let (code, message) = (code.to_owned(), message.to_owned());
        Self { status, code, message, retry_after_s: None }
    }

    /// The same, with the time after which another try may help.
    pub(crate) fn come_again(self, seconds: u64) -> Self {
        Self { retry_after_s: Some(seconds), ..self }
    }

    pub(super) fn body(&self) -> String {
        // One between gateway and caller knows no codes.
        let code = Some(&self.code).filter(|code| !code.is_empty());
        let message = &self.message;
        let kind = "invalid_request_error";
        let error = json!({"message": message, "type": kind, "param": null, "code": code});
        json!({ "error": error }).to_string()
    }
}
