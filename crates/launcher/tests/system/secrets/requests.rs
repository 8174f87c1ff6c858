//! Requests with a key in every place where one may be written, on purpose or not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::json;

/// Sends requests and keeps what is answered.
pub(crate) struct Sender {
    pub(crate) client: Client,
    pub(crate) url: String,
    /// What each request was, and the head and the body of its answer.
    pub(crate) answers: Vec<(String, Vec<u8>)>,
}

impl Sender {
    /// The status, and the body of what was asked for.
    pub(crate) async fn send(&mut self, what: &str, request: RequestBuilder) -> (u16, String) {
        let answer = request.send().await.unwrap_or_else(|error| panic!("{what}: {error}"));
        let status = answer.status().as_u16();
        let head: String = answer
            .headers()
            .iter()
            // The browser's own cookie, for itself alone.
            .filter(|(name, _)| *name != "set-cookie")
            .map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())))
            .collect();
        let body = answer.text().await.unwrap();
        self.answers.push((format!("the answer to {what}"), (head + &body).into_bytes()));
        (status, body)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// With the key where a key is sent, well or badly: every answer is a 401 unless it is the
    /// scheme that is understood.
    pub(crate) async fn in_headers(&mut self, name: &str, key: &str) {
        let basic = format!("Basic {}", STANDARD.encode(format!(":{key}")));
        for (header, value) in [
            ("authorization", format!("Bearer {key}")),
            ("authorization", format!("bearer  {key} ")),
            ("authorization", format!("Basic {key}")),
            ("authorization", basic),
            ("authorization", format!("Token {key}")),
            ("authorization", format!("Bearer {key},{key}")),
            ("authorization", format!("Bearer {key} {key}")),
            ("authorization", format!("Bearer \"{key}\"")),
            ("authorization", key.to_owned()),
            ("proxy-authorization", format!("Bearer {key}")),
            ("api-key", key.to_owned()),
            ("x-api-key", key.to_owned()),
            ("cookie", format!("chappe_session={key}; key={key}")),
            ("cookie", format!("__Host-chappe_session={key}; __Host-chappe_operator={key}")),
            ("user-agent", key.to_owned()),
            ("referer", format!("http://127.0.0.1/{key}")),
            ("origin", format!("http://{key}.example")),
            ("host", format!("{key}.example")),
            ("traceparent", key.to_owned()),
            ("last-event-id", key.to_owned()),
        ] {
            let request = self.request(Method::GET, "/v1/models").header(header, value);
            self.send(&format!("{name} in `{header}`"), request).await;
        }
        let twice = self.request(Method::GET, "/v1/models").bearer_auth(key).bearer_auth(key);
        self.send(&format!("{name}, twice"), twice).await;
    }

    /// With the key where something else belongs, sent by `caller`, who may do everything.
    pub(crate) async fn elsewhere(&mut self, name: &str, key: &str, caller: &str) {
        for header in ["x-request-id", "idempotency-key", "chappe-on-behalf-of"] {
            for (method, path) in [(Method::GET, "/v1/models"), (Method::POST, "/v1/conversations")]
            {
                let request = self.request(method, path).bearer_auth(caller).header(header, key);
                self.send(&format!("{name} in `{header}`"), request.body("{}")).await;
            }
        }
        for path in [
            format!("/{key}"),
            format!("/v1/{key}/models"),
            format!("/v1/models/{key}"),
            format!("/v1/models/%20{key}"),
            format!("/v1/responses/{key}"),
            format!("/v1/responses/resp_{key}/input_items"),
            format!("/v1/conversations/{key}"),
            format!("/v1/conversations/conv_{key}/items"),
            format!("/v1/admin/keys/{key}"),
            format!("/v1/models?api_key={key}"),
            format!("/v1/{key}?api_key={key}"),
            format!("/v1/responses/resp_1?include={key}&starting_after={key}"),
            format!("/v1/conversations?api_key={key}&limit={key}"),
        ] {
            for method in [Method::GET, Method::PUT] {
                let request = self.request(method, &path).bearer_auth(caller);
                self.send(&format!("{name} in a path"), request).await;
            }
        }
        let chat = json!([{"role": "user", "content": "hello"}]);
        for (path, body) in [
            ("/v1/chat/completions", json!({"model": key, "messages": chat})),
            ("/v1/chat/completions", json!({"model": "simulator", "messages": key})),
            (
                "/v1/chat/completions",
                json!({"model": "simulator", "messages": [{"role": key}, key]}),
            ),
            (
                "/v1/chat/completions",
                json!({"model": "simulator", "messages": chat, "stream": key}),
            ),
            ("/v1/embeddings", json!({"model": key, "input": "x"})),
            ("/v1/responses", json!({"model": key, "input": "x"})),
            ("/v1/responses", json!({"model": "simulator", "input": [{"type": key}]})),
            ("/v1/responses", json!({"model": "simulator", "input": "x", "tool_choice": key})),
            ("/v1/responses", json!({"model": "simulator", "input": "x", "truncation": key})),
            ("/v1/responses", json!({"model": "simulator", "input": "x", "metadata": {key: 7}})),
            ("/v1/responses", json!({"model": "simulator", "input": "x", "conversation": key})),
            (
                "/v1/responses",
                json!({"model": "simulator", "input": "x", "previous_response_id": key}),
            ),
            ("/v1/conversations", json!({"metadata": {key: 7}})),
            ("/v1/conversations", json!({"items": [{"type": key}]})),
            ("/v1/admin/keys", json!({"name": "x", key: 1})),
            ("/v1/admin/keys", json!({"name": "x", "scopes": {"endpoints": [key]}})),
            ("/v1/admin/keys", json!({"name": "x", "scopes": {"lanes": [key]}})),
            ("/v1/admin/keys", json!({"name": "x", "expires_at": key})),
            ("/v1/admin/keys/aaaaaaaaaaaaaaaa/rotate", json!({"grace_seconds": key})),
        ] {
            let request = self.request(Method::POST, path).bearer_auth(caller);
            let what = format!("{name} in a body of {path}");
            let (status, body) = self.send(&what, request.body(body.to_string())).await;
            assert!((400..500).contains(&status), "{what}: {status} {body}");
        }
        let text = self.request(Method::POST, "/v1/chat/completions").bearer_auth(caller);
        self.send(&format!("{name} as a body"), text.body(key.to_owned())).await;
    }
}
