//! What the rest of the system counts on.

mod calls;
mod conversations;
mod errors;
mod fold;
mod items;
mod properties;
mod requests;
mod resource;

use serde_json::Value;

use super::{About, CreateResponse, End, Projection, ResponseEvent};

const SEED: &str = "0123456789abcdef0123456789abcdef";

/// The id of an item of the answer.
fn id(prefix: &str, n: usize) -> String {
    format!("{prefix}_{SEED}_{n}")
}

fn json(bytes: impl AsRef<[u8]>) -> Value {
    serde_json::from_slice(bytes.as_ref()).unwrap()
}

/// The chat completion that a request comes to, with items before it.
fn chat(request: &Value, context: &str) -> Value {
    let request = CreateResponse::parse(request.to_string().as_bytes()).unwrap();
    json(request.chat_body(context).unwrap())
}

/// A fold, and all events that it told.
struct Fold {
    projection: Projection,
    events: Vec<ResponseEvent>,
}

impl Fold {
    /// The fold of an accepted request.
    fn of(request: &Value) -> Self {
        let about = About {
            id: "resp_1",
            seed: SEED,
            created_at: 1_700_000_000,
            model: "m",
            request: &request.to_string(),
        };
        let mut this = Self { projection: Projection::new(&about).unwrap(), events: Vec::new() };
        this.projection.accepted(&mut this.events);
        this
    }

    /// The same for a plain request, which was taken by a worker.
    fn started() -> Self {
        let mut this = Self::of(&serde_json::json!({"model": "m", "input": "hi"}));
        this.start(false);
        this
    }

    fn start(&mut self, continues: bool) {
        self.projection.started(continues, &mut self.events);
    }

    fn delta(&mut self, delta: &Value) {
        let chunk = serde_json::json!({"choices": [{"index": 0, "delta": delta}]});
        self.projection.chunk(chunk.to_string().as_bytes(), &mut self.events);
    }

    fn finish(&mut self, reason: &str) {
        let choice = serde_json::json!({"index": 0, "delta": {}, "finish_reason": reason});
        let chunk = serde_json::json!({"choices": [choice]});
        self.projection.chunk(chunk.to_string().as_bytes(), &mut self.events);
    }

    fn end(&mut self, end: &End) {
        self.projection.ended(end, 1_700_000_009, &mut self.events);
    }

    fn response(&self) -> Value {
        json(self.projection.response())
    }

    fn names(&self) -> Vec<&'static str> {
        self.events.iter().map(|event| event.name).collect()
    }

    /// The data of the events with this name.
    fn told(&self, name: &str) -> Vec<Value> {
        let events = self.events.iter().filter(|event| event.name == name);
        events.map(|event| json(&event.json)).collect()
    }
}

fn failed() -> End {
    End::Failed { code: "server_error".into(), message: "It \"broke\".".into() }
}
