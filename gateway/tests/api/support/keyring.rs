//! Keys of all kinds, and callers that have them.

use async_nats::{Client, Subscriber};
use bus::Keys;
use contract::keys::{ApiKey, KeyId, NewKey};
use contract::streams;
use futures::{FutureExt as _, StreamExt as _};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{Answer, Stage, until, within};

/// What makes keys, as an operator does.
pub(crate) struct Keyring(Keys);

impl Keyring {
    pub(crate) async fn of(stage: &Stage) -> Self {
        Self(stage.bus.keys().await.unwrap())
    }

    /// A key with these members beside its name.
    pub(crate) async fn makes(&self, more: Value) -> ApiKey {
        let mut wanted = json!({ "name": "test" });
        wanted.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let wanted: NewKey = serde_json::from_value(wanted).unwrap();
        let (key, record) = wanted.make("test", 1);
        self.0.add(&record).await.unwrap();
        key
    }

    /// The same, once the gateway of the stage knows it.
    pub(crate) async fn hands_out(&self, stage: &Stage, more: Value) -> ApiKey {
        let key = self.makes(more).await;
        is_known(stage, &key).await;
        key
    }

    pub(crate) async fn revokes(&self, id: &KeyId) {
        self.0.change(id, |record| record.revoke("test", 1)).await.unwrap().unwrap();
    }
}

/// What JetStream is asked about the bucket of keys, by whoever asks.
pub(crate) struct LookUps {
    client: Client,
    asked: Subscriber,
    marks: Subscriber,
}

impl LookUps {
    /// Those from now on.
    pub(crate) async fn of(stage: &Stage) -> Self {
        let client = async_nats::connect(stage.nats.url()).await.unwrap();
        let asked = client.subscribe("$JS.API.>").await.unwrap();
        let marks = client.subscribe("test.mark").await.unwrap();
        let mut look_ups = Self { client, asked, marks };
        look_ups.reaches_the_server().await;
        look_ups
    }

    /// How many there were since this was asked last.
    pub(crate) async fn so_far(&mut self) -> usize {
        self.reaches_the_server().await;
        let mut seen = 0;
        while let Some(Some(message)) = self.asked.next().now_or_never() {
            seen += usize::from(is_of_keys(&message.subject));
        }
        seen
    }

    /// Waits for the next one.
    pub(crate) async fn comes(&mut self) {
        within("a look-up of keys", async {
            while !is_of_keys(&self.asked.next().await.unwrap().subject) {}
        })
        .await;
    }

    /// What the server has sent before this comes back has arrived.
    async fn reaches_the_server(&mut self) {
        self.client.publish("test.mark", "".into()).await.unwrap();
        within("a mark", self.marks.next()).await.unwrap();
    }
}

fn is_of_keys(subject: &str) -> bool {
    let stream = streams::bucket_stream(streams::KEYS);
    subject.split('.').any(|token| token == stream)
}

/// Waits until a key is not unknown any more.
pub(crate) async fn is_known(stage: &Stage, key: &ApiKey) {
    until("a known key", async || {
        let answer = stage.sends_as(key, Method::GET, "/v1/models", None).await;
        let text = answer.text().await;
        !text.contains("not known")
    })
    .await;
}

impl Stage {
    /// A request that was not sent yet, with a key.
    pub(crate) fn request_as(&self, key: &ApiKey, method: Method, path: &str) -> RequestBuilder {
        self.caller.request(method, path).bearer_auth(key.reveal())
    }

    /// What a request with a key is answered.
    pub(crate) async fn sends_as(
        &self,
        key: &ApiKey,
        method: Method,
        path: &str,
        body: Option<&str>,
    ) -> Answer {
        let request = self.request_as(key, method, path);
        let request = match body {
            Some(body) => request.body(body.to_owned()),
            None => request,
        };
        self.caller.sends(request).answered().await
    }
}
