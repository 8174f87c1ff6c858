//! What it keeps.

use std::collections::{BTreeMap, HashMap};
use std::time::SystemTime;

use axum::body::Bytes;
use serde_json::{Value, json};

use super::answering::Answering;
use super::refusal::Refusal;
use super::tree::Tree;

/// Most characters of a title that nobody has given.
const TITLE: usize = 80;

#[derive(Default)]
pub(super) struct Store {
    made: u64,
    /// By id: the newest is the last.
    pub(super) conversations: BTreeMap<String, Conversation>,
    pub(super) responses: HashMap<String, Answering>,
    /// What was made for the requests that have an idempotency key, by owner and key.
    done: HashMap<(String, String), Done>,
}

struct Done {
    path: String,
    body: Bytes,
    made: String,
}

pub(super) struct Conversation {
    pub(super) id: String,
    pub(super) owner: String,
    created_at: u64,
    pub(super) metadata: Value,
    /// The first that a user has said.
    pub(super) first_said: Option<String>,
    pub(super) turns: Tree,
    /// What its owner thinks of them.
    pub(super) feedback: HashMap<String, Value>,
}

/// A request that may have come before.
pub(super) struct Once<'a> {
    pub(super) owner: &'a str,
    pub(super) key: Option<&'a str>,
    pub(super) path: &'a str,
    pub(super) body: &'a Bytes,
}

impl Store {
    /// A name of that kind that nothing has.
    pub(super) fn fresh(&mut self, kind: &str) -> String {
        self.made += 1;
        format!("{kind}_{:032x}", self.made)
    }

    /// What was made for this request when it came before.
    pub(super) fn made_for(&self, once: &Once<'_>) -> Result<Option<String>, Refusal> {
        let Some(key) = once.key else { return Ok(None) };
        let Some(done) = self.done.get(&(once.owner.to_owned(), key.to_owned())) else {
            return Ok(None);
        };
        if done.path != once.path || done.body != once.body {
            let message = "The Idempotency-Key was used for another request.";
            return Err(
                Refusal::of(409, "idempotency_key_reused", message).about("Idempotency-Key")
            );
        }
        Ok(Some(done.made.clone()))
    }

    pub(super) fn remember(&mut self, once: &Once<'_>, made: &str) {
        let Some(key) = once.key else { return };
        let done =
            Done { path: once.path.to_owned(), body: once.body.clone(), made: made.to_owned() };
        self.done.insert((once.owner.to_owned(), key.to_owned()), done);
    }

    pub(super) fn conversation(
        &mut self,
        owner: &str,
        id: &str,
    ) -> Result<&mut Conversation, Refusal> {
        let found = self.conversations.get_mut(id).filter(|one| one.owner == owner);
        found.ok_or_else(|| {
            let message = format!("Conversation with id '{id}' not found.");
            Refusal::of(404, "conversation_not_found", &message)
        })
    }

    pub(super) fn response(&self, owner: &str, id: &str) -> Result<Answering, Refusal> {
        let found = self.responses.get(id).filter(|one| one.owner() == owner);
        found.filter(|one| one.response().is_some()).cloned().ok_or_else(|| {
            let message = format!("Response with id '{id}' not found.");
            Refusal::of(404, "response_not_found", &message)
        })
    }

    /// What is said along a path: a JSON array of items.
    pub(super) fn items(&self, path: &[&str]) -> Vec<Value> {
        path.iter()
            .filter_map(|turn| self.responses.get(*turn))
            .flat_map(Answering::items)
            .collect()
    }
}

impl Conversation {
    pub(super) fn new(id: String, owner: &str, metadata: Value) -> Self {
        let (owner, created_at) = (owner.to_owned(), now_s());
        let (turns, feedback) = (Tree::default(), HashMap::new());
        Self { id, owner, created_at, metadata, first_said: None, turns, feedback }
    }

    pub(super) fn title(&self) -> Option<String> {
        let given = self.metadata["title"].as_str().filter(|title| !title.trim().is_empty());
        let title = given.or(self.first_said.as_deref())?;
        let words = title.split_whitespace().collect::<Vec<_>>().join(" ");
        Some(words.chars().take(TITLE).collect())
    }

    pub(super) fn object(&self) -> Value {
        json!({"id": self.id, "object": "conversation", "created_at": self.created_at,
            "metadata": self.metadata, "title": self.title()})
    }
}

/// Seconds since 1970.
pub(super) fn now_s() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}
