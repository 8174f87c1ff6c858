//! A simulator on a free port, and answers taken apart.

use std::time::Duration;

use model_simulator::{Counts, Journal, Settings, Simulator};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use service_runtime::{Env, Shutdown, Tasks};
use telemetry::ServiceTelemetry;

/// Far longer than anything here takes; over it the test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running simulator. Dropping it stops it.
pub(crate) struct Server {
    url: String,
    journal: Journal,
    client: reqwest::Client,
    shutdown: Shutdown,
    tasks: Tasks,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.request();
    }
}

impl Server {
    /// One that does not wait.
    pub(crate) fn start() -> Self {
        Self::with(&[("SIMULATOR_TTFT_MS", "0"), ("SIMULATOR_TOKEN_MS", "0")])
    }

    pub(crate) fn with(variables: &[(&str, &str)]) -> Self {
        let env = Env::default().with("SIMULATOR_LISTEN", "127.0.0.1:0");
        let env = variables.iter().fold(env, |env, (name, value)| env.with(name, *value));
        let settings = Settings::from_env(&env).unwrap();
        let simulator = Simulator::build(settings, ServiceTelemetry::detached()).unwrap();
        let (shutdown, tasks) = (Shutdown::manual(), Tasks::new());
        service_runtime::install_tls_provider();
        let server = Self {
            url: format!("http://{}", simulator.address()),
            journal: simulator.journal(),
            client: reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap(),
            shutdown: shutdown.clone(),
            tasks: tasks.clone(),
        };
        tasks.spawn_detached(simulator.run_until(shutdown));
        server
    }

    pub(crate) fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.request(reqwest::Method::GET, path).send().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        self.request(reqwest::Method::POST, path).json(body).send().await.unwrap()
    }

    /// Sends a chat request; the answer's headers have come when this returns.
    pub(crate) async fn chat(&self, body: &Value) -> Response {
        self.post("/v1/chat/completions", body).await
    }

    /// The JSON of a successful answer in one piece.
    pub(crate) async fn whole(&self, body: &Value) -> Value {
        json_of(self.chat(body).await, StatusCode::OK).await
    }

    /// The chunks of a successful stream.
    pub(crate) async fn stream(&self, body: &Value) -> Stream {
        let mut body = body.clone();
        body["stream"] = json!(true);
        let response = self.chat(&body).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
        Stream::of(&response.text().await.unwrap())
    }

    /// Waits until the journal's counts are as wanted.
    pub(crate) async fn until(&self, wanted: impl FnMut(&Counts) -> bool) -> Counts {
        let reached = self.journal.wait_until(wanted);
        match tokio::time::timeout(PATIENCE, reached).await {
            Ok(counts) => counts,
            Err(_elapsed) => panic!("the journal never got there: {:?}", self.journal.counts()),
        }
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Asks for the end, and says how many connections were still open long after it.
    pub(crate) async fn stop(&self) -> Result<(), usize> {
        self.shutdown.request();
        self.tasks.finished(PATIENCE).await
    }
}

/// A chat request with one user message.
pub(crate) fn ask(prompt: &str) -> Value {
    json!({"model": "simulator", "messages": [{"role": "user", "content": prompt}]})
}

/// The same, with directives in the body.
pub(crate) fn order(directives: Value) -> Value {
    let mut body = ask("Hello");
    body["simulator"] = directives;
    body
}

pub(crate) async fn json_of(response: Response, status: StatusCode) -> Value {
    assert_eq!(response.status(), status);
    assert_eq!(response.headers()["content-type"], "application/json");
    response.json().await.unwrap()
}

/// A stream that has ended.
pub(crate) struct Stream {
    /// What stood after `data: ` and is JSON.
    pub(crate) chunks: Vec<Value>,
    /// What stood there and is not.
    pub(crate) unreadable: Vec<String>,
    pub(crate) done: bool,
}

impl Stream {
    pub(crate) fn of(text: &str) -> Self {
        let mut stream = Self { chunks: Vec::new(), unreadable: Vec::new(), done: false };
        for frame in text.split_terminator("\n\n") {
            let data = frame.strip_prefix("data: ").unwrap();
            assert!(!stream.done, "nothing follows [DONE]");
            match serde_json::from_str(data) {
                _ if data == "[DONE]" => stream.done = true,
                Ok(chunk) => stream.chunks.push(chunk),
                Err(_) => stream.unreadable.push(data.to_owned()),
            }
        }
        stream
    }

    /// The deltas of choice `index`.
    pub(crate) fn deltas(&self, index: u64) -> impl Iterator<Item = &Value> {
        let choices = self.chunks.iter().filter_map(|chunk| chunk["choices"].as_array());
        choices.flatten().filter(move |choice| choice["index"] == index).map(|one| &one["delta"])
    }

    /// The texts of a member of the deltas, joined.
    pub(crate) fn joined(&self, index: u64, member: &str) -> String {
        self.deltas(index).filter_map(|delta| delta[member].as_str()).collect()
    }

    pub(crate) fn text(&self) -> String {
        self.joined(0, "content")
    }

    pub(crate) fn finish_reasons(&self) -> Vec<&str> {
        let choices = self.chunks.iter().filter_map(|chunk| chunk["choices"].as_array()).flatten();
        choices.filter_map(|choice| choice["finish_reason"].as_str()).collect()
    }
}
