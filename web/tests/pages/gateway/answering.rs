//! An answer, said piece by piece and folded as our gateway folds it.

use std::sync::{Arc, Mutex};

use openai_api::responses::{About, CreateResponse, End, Projection, ResponseEvent, Status};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::script::Piece;

/// A stored response. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Answering(Arc<Inner>);

struct Inner {
    id: String,
    owner: String,
    asked: CreateResponse,
    /// What was sent.
    request: Value,
    /// What the model is told.
    told: Value,
    fold: Mutex<Fold>,
    receipt: Option<String>,
    moved: watch::Sender<u64>,
    readers: watch::Sender<usize>,
}

struct Fold {
    projection: Projection,
    events: Vec<ResponseEvent>,
    spoken: bool,
    gone: bool,
}

/// Who asks what.
pub(super) struct Question<'a> {
    pub(super) id: String,
    pub(super) owner: &'a str,
    pub(super) asked: CreateResponse,
    pub(super) body: &'a [u8],
    /// What stands before it in its conversation: a JSON array of items.
    pub(super) context: &'a str,
    pub(super) receipt: Option<String>,
    pub(super) created_at: u64,
}

/// Counts as a reader as long as it is there.
pub(super) struct Reader(Answering);

impl Answering {
    pub(super) fn accept(question: Question<'_>) -> Self {
        let Question { id, owner, asked, body, context, receipt, created_at } = question;
        let seed = id.trim_start_matches("resp_").to_owned();
        let request = std::str::from_utf8(body).unwrap();
        let about = About { id: &id, seed: &seed, created_at, model: asked.model(), request };
        let mut fold = Fold {
            projection: Projection::new(&about).unwrap(),
            events: Vec::new(),
            spoken: false,
            gone: false,
        };
        fold.projection.accepted(&mut fold.events);
        let told = asked.chat_body(context).unwrap();
        Self(Arc::new(Inner {
            owner: owner.to_owned(),
            request: serde_json::from_slice(body).unwrap(),
            told: serde_json::from_slice(&told).unwrap(),
            fold: Mutex::new(fold),
            receipt,
            moved: watch::Sender::default(),
            readers: watch::Sender::default(),
            id,
            asked,
        }))
    }

    pub(crate) fn id(&self) -> &str {
        &self.0.id
    }

    pub(crate) fn owner(&self) -> &str {
        &self.0.owner
    }

    /// What was sent.
    pub(crate) fn request(&self) -> &Value {
        &self.0.request
    }

    /// The messages that the model is told: role and content.
    pub(crate) fn told(&self) -> Vec<(String, String)> {
        let messages = self.0.told["messages"].as_array().unwrap();
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        messages.iter().map(|one| (text(&one["role"]), text(&one["content"]))).collect()
    }

    /// A worker has it.
    pub(crate) fn begin(&self) {
        self.fold(|fold| fold.projection.started(false, &mut fold.events));
    }

    pub(crate) fn say(&self, text: &str) {
        self.delta(&json!({ "content": text }));
    }

    pub(crate) fn think(&self, text: &str) {
        self.delta(&json!({ "reasoning_content": text }));
    }

    pub(crate) fn refuse(&self, text: &str) {
        self.delta(&json!({ "refusal": text }));
    }

    /// Calls a tool; what follows is its arguments.
    pub(crate) fn call(&self, id: &str, name: &str) {
        let function = json!({"name": name, "arguments": ""});
        self.delta(&json!({"tool_calls": [{"id": id, "type": "function", "function": function}]}));
    }

    pub(crate) fn arguments(&self, id: &str, text: &str) {
        self.delta(&json!({"tool_calls": [{"id": id, "function": {"arguments": text}}]}));
    }

    /// Another worker begins anew: what was said is closed as incomplete.
    pub(crate) fn restart(&self) {
        self.fold(|fold| fold.projection.started(false, &mut fold.events));
    }

    /// Another worker goes on where the first one was.
    pub(crate) fn go_on(&self) {
        self.fold(|fold| fold.projection.started(true, &mut fold.events));
    }

    pub(crate) fn complete(&self) {
        self.finish("stop");
        self.end(&End::Completed);
    }

    /// For this reason: `max_output_tokens` or `content_filter`.
    pub(crate) fn incomplete(&self, reason: &str) {
        self.finish(if reason == "content_filter" { reason } else { "length" });
        self.end(&End::Completed);
    }

    pub(crate) fn fail(&self, code: &str, message: &str) {
        self.end(&End::Failed { code: code.to_owned(), message: message.to_owned() });
    }

    pub(crate) fn cancel(&self) {
        self.end(&End::Cancelled);
    }

    pub(crate) fn plays(&self, piece: &Piece) {
        match piece {
            Piece::Thought(text) => self.think(text),
            Piece::Text(text) => self.say(text),
            Piece::Refusal(text) => self.refuse(text),
            Piece::Call(name, arguments) => {
                self.call(name, name);
                self.arguments(name, arguments);
            }
            Piece::Complete => self.complete(),
            Piece::Incomplete(reason) => self.incomplete(reason),
            Piece::Fail(code, message) => self.fail(code, message),
        }
    }

    pub(crate) fn status(&self) -> Status {
        self.0.fold.lock().unwrap().projection.status()
    }

    /// Whether nothing was said, and something may be.
    pub(super) fn is_silent(&self) -> bool {
        let fold = self.0.fold.lock().unwrap();
        !fold.spoken && !fold.gone && !fold.projection.status().is_terminal()
    }

    /// Waits until it is over, and says how.
    pub(crate) async fn ended(&self) -> Status {
        let mut moved = self.0.moved.subscribe();
        moved.wait_for(|_| self.status().is_terminal()).await.unwrap();
        self.status()
    }

    /// Waits until exactly so many read it.
    pub(crate) async fn is_read_by(&self, readers: usize) {
        self.0.readers.subscribe().wait_for(|now| *now == readers).await.unwrap();
    }

    /// What was asked, as items with ids: a JSON array.
    pub(super) fn input_items(&self) -> String {
        self.0.asked.input_items(self.id().trim_start_matches("resp_"))
    }

    /// What a next turn is told of this one, behind what stood before it: a list of items.
    pub(super) fn items(&self) -> Vec<Value> {
        let fold = self.0.fold.lock().unwrap();
        if fold.gone {
            return Vec::new();
        }
        let of = |json: &str| serde_json::from_str::<Vec<Value>>(json).unwrap();
        let mut items = of(&self.input_items());
        match fold.projection.status() {
            Status::Completed | Status::Incomplete => {
                items.extend(of(&fold.projection.output_items()));
            }
            // Its caller was told, and asks again.
            Status::Failed if !fold.spoken => items.clear(),
            _ => {}
        }
        items
    }

    /// As it is now, as JSON; nothing when it was deleted.
    pub(super) fn response(&self) -> Option<String> {
        let fold = self.0.fold.lock().unwrap();
        (!fold.gone).then(|| String::from_utf8(fold.projection.response()).unwrap())
    }

    pub(super) fn is_background(&self) -> bool {
        self.0.asked.background()
    }

    /// Ends and forgets it.
    pub(super) fn delete(&self) {
        self.cancel();
        self.fold(|fold| fold.gone = true);
    }

    /// The frames of its events from this one on, how many events there are, and whether none can
    /// follow.
    pub(super) fn frames_from(&self, from: usize) -> (String, usize, bool) {
        let fold = self.0.fold.lock().unwrap();
        let frame = |event: &ResponseEvent| {
            let (name, number) = (event.name, event.sequence_number);
            let json = std::str::from_utf8(&event.json).unwrap();
            format!("event: {name}\nid: {number}\ndata: {json}\n\n")
        };
        let frames = fold.events.iter().skip(from).map(frame).collect();
        let over = fold.gone || fold.projection.status().is_terminal();
        (frames, fold.events.len(), over)
    }

    pub(super) fn moves(&self) -> watch::Receiver<u64> {
        self.0.moved.subscribe()
    }

    pub(super) fn reader(&self) -> Reader {
        self.0.readers.send_modify(|readers| *readers += 1);
        Reader(self.clone())
    }

    fn delta(&self, delta: &Value) {
        let chunk = json!({"choices": [{"index": 0, "delta": delta}]}).to_string();
        self.fold(|fold| {
            fold.projection.chunk(chunk.as_bytes(), &mut fold.events);
            fold.spoken = true;
        });
    }

    fn finish(&self, reason: &str) {
        let chunk = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]});
        self.fold(|fold| {
            fold.projection.chunk(chunk.to_string().as_bytes(), &mut fold.events);
        });
    }

    fn end(&self, end: &End) {
        self.fold(|fold| {
            // Nothing was measured of what somebody stopped.
            let measured = self.0.receipt.as_ref().filter(|_| *end != End::Cancelled);
            if let Some(receipt) = measured {
                fold.projection.tells_too("chappe", receipt);
            }
            fold.projection.ended(end, super::store::now_s(), &mut fold.events);
        });
    }

    fn fold(&self, change: impl FnOnce(&mut Fold)) {
        change(&mut self.0.fold.lock().unwrap());
        self.0.moved.send_modify(|moved| *moved += 1);
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.0.readers.send_modify(|readers| *readers -= 1);
    }
}
