//! A conversation that a test carries on: turns behind any other, and what its models were told.

use contract::{Failure, Lane};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, Scribe, Stage, Written};

const RESPONSES: &str = "/v1/responses";
const CONVERSATIONS: &str = "/v1/conversations";

/// A conversation of the caller of a stage.
pub(crate) struct Talk<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) id: String,
    scribe: Scribe,
}

/// A body with this much in it, which is a success.
pub(crate) async fn read(answer: Answer) -> Value {
    let status = answer.status;
    let text = answer.text().await;
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

impl<'a> Talk<'a> {
    pub(crate) async fn begin(stage: &'a Stage) -> Self {
        let scribe = stage.scribe(Lane::Background).await;
        let made = read(stage.caller.posts(CONVERSATIONS, "{}").answered().await).await;
        Self { stage, id: made["id"].as_str().unwrap().to_owned(), scribe }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> String {
        format!("{CONVERSATIONS}/{}", self.id)
    }

    /// Asks in the background. `ours` is the member `chappe`; nothing by null.
    pub(crate) async fn asks(&self, input: &str, ours: Value) -> Answer {
        let body = json!({
            "model": "public", "input": input, "conversation": self.id, "background": true,
            "chappe": ours,
        });
        self.stage.caller.posts(RESPONSES, &body.to_string()).answered().await
    }

    /// What a worker has of the next question, and the texts that its model is told.
    pub(crate) async fn taken(&mut self) -> (Written, Vec<String>) {
        let written = self.scribe.takes().await;
        let chat = written.chat();
        let messages = chat["messages"].as_array().unwrap();
        let text = |message: &Value| message["content"].as_str().unwrap().to_owned();
        let told = messages.iter().map(text).collect();
        (written, told)
    }

    /// A question that waits for its answer, and what its model is told.
    pub(crate) async fn running(&mut self, input: &str, after: Value) -> (Written, Vec<String>) {
        read(self.asks(input, json!({"after": after})).await).await;
        self.taken().await
    }

    /// A question and its answer, which is the question in capitals: the id of the turn, and what
    /// its model was told.
    pub(crate) async fn turn(&mut self, input: &str, after: Value) -> (String, Vec<String>) {
        let (mut written, told) = self.running(input, after).await;
        written.says(&input.to_uppercase()).await;
        written.completes().await;
        (written.response_id(), told)
    }

    /// A question that fails before anything is said.
    pub(crate) async fn failed(&mut self, input: &str, after: Value) -> String {
        let (mut written, _told) = self.running(input, after).await;
        let body = json!({"error": {
            "message": "no", "type": "server_error", "param": null, "code": "upstream_error",
        }});
        let body = body.to_string();
        let failure = Failure { status: 502, body, retry_after_ms: None, should_retry: false };
        written.fails(&failure).await;
        written.response_id()
    }

    /// A question that is stopped half-way.
    pub(crate) async fn stopped(&mut self, input: &str, after: Value) -> String {
        let (mut written, _told) = self.running(input, after).await;
        written.says("half").await;
        let id = written.response_id();
        let cancel = format!("{RESPONSES}/{id}/cancel");
        read(self.stage.caller.posts(&cancel, "").answered().await).await;
        id
    }

    pub(crate) async fn adds(&self, text: &str) {
        let items = json!({"items": [{"role": "user", "content": text}]}).to_string();
        let path = format!("{}/items", self.path());
        read(self.stage.caller.posts(&path, &items).answered().await).await;
    }

    pub(crate) async fn deletes(&self, path: &str) -> Answer {
        let caller = &self.stage.caller;
        caller.sends(caller.request(Method::DELETE, path)).answered().await
    }

    pub(crate) async fn deletes_response(&self, id: &str) {
        read(self.deletes(&format!("{RESPONSES}/{id}")).await).await;
    }

    /// The status of a response, read by its own address.
    pub(crate) async fn status_of(&self, id: &str) -> u16 {
        self.stage.caller.gets(&format!("{RESPONSES}/{id}")).await.status
    }

    /// A page of turns.
    pub(crate) async fn turns(&self, query: &str) -> Value {
        read(self.stage.caller.gets(&format!("{}/turns?{query}", self.path())).await).await
    }

    /// The same, as far as it says which turns there are.
    pub(crate) async fn path_of(&self, query: &str) -> Vec<String> {
        ids(&self.turns(query).await["data"], "id")
    }
}

/// The texts of a member, element by element.
pub(crate) fn ids(list: &Value, member: &str) -> Vec<String> {
    let text = |one: &Value| one[member].as_str().unwrap().to_owned();
    list.as_array().unwrap().iter().map(text).collect()
}
