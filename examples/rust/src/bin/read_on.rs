//! Submits work to the background, loses its connection in the middle of the answer, and reads on
//! where it was.

use std::io::{self, Write as _};
use std::ops::ControlFlow::{self, Break, Continue};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Parser as _;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

/// Asks a question, and prints the answer.
#[derive(clap::Parser)]
struct Settings {
    #[arg(default_value = "Why is the sky blue?")]
    question: String,
    /// The address of the API.
    #[arg(long, env = "CHAPPE_URL", default_value = "http://127.0.0.1:8790/v1")]
    url: String,
    #[arg(long, env = "CHAPPE_API_KEY", default_value = "unused", hide_env_values = true)]
    api_key: String,
    /// The model; the first of the catalogue when none is named.
    #[arg(long, env = "CHAPPE_MODEL")]
    model: Option<String>,
}

/// What was heard of a response so far.
#[derive(Default)]
struct Heard {
    id: String,
    cursor: u64,
    last: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let settings = Settings::parse();
    // Before the first client of reqwest, a program says whose cryptography it uses.
    let _already_chosen = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().read_timeout(Duration::from_secs(60)).build()?;
    let Settings { url, api_key, question, .. } = &settings;

    let model = match &settings.model {
        Some(model) => model.clone(),
        None => {
            let models = http.get(format!("{url}/models")).bearer_auth(api_key).send().await?;
            let models: Value = models.error_for_status()?.json().await?;
            let first = models["data"][0]["id"].as_str();
            first.context("the catalogue is empty")?.to_owned()
        }
    };
    let mut heard = Heard::default();

    // In the background, so that the answer goes on while nobody reads it.
    let body = json!({"model": model, "input": question, "background": true, "stream": true});
    let request = http.post(format!("{url}/responses")).bearer_auth(api_key).json(&body);
    read(request, |event| {
        heard.take(event)?;
        // The train enters a tunnel.
        Ok(if heard.last == "response.output_text.delta" { Break(()) } else { Continue(()) })
    })
    .await?;

    let Heard { id, cursor, .. } = &heard;
    let rest = format!("{url}/responses/{id}?stream=true&starting_after={cursor}");
    read(http.get(rest).bearer_auth(api_key), |event| {
        heard.take(event)?;
        Ok(Continue(()))
    })
    .await?;

    writeln!(io::stdout())?;
    match heard.last.as_str() {
        "response.completed" => Ok(()),
        other => bail!("the answer ended with {other}"),
    }
}

impl Heard {
    /// Shows what an event says, and remembers how far it is.
    fn take(&mut self, event: &Value) -> anyhow::Result<()> {
        if let Some(error) = event.get("error") {
            // Cut by the server, which says why: it is no event of the response.
            bail!("{}", error["message"]);
        }
        if let Some(id) = event["response"]["id"].as_str() {
            id.clone_into(&mut self.id);
        }
        if let Some(delta) = event["delta"].as_str() {
            let mut out = io::stdout();
            out.write_all(delta.as_bytes())?;
            out.flush()?;
        }
        self.cursor = event["sequence_number"].as_u64().context("an event without a number")?;
        event["type"].as_str().context("an event without a type")?.clone_into(&mut self.last);
        Ok(())
    }
}

/// Reads a stream of events until it ends, or `each` has enough: then the connection is closed.
async fn read(
    request: RequestBuilder,
    mut each: impl FnMut(&Value) -> anyhow::Result<ControlFlow<()>>,
) -> anyhow::Result<()> {
    let mut answer = request.send().await?;
    if !answer.status().is_success() {
        bail!("{}: {}", answer.status(), answer.text().await?);
    }
    let mut unread = Vec::new();
    while let Some(bytes) = answer.chunk().await? {
        unread.extend_from_slice(&bytes);
        while let Some(end) = unread.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = unread.drain(..=end).collect();
            // The data has its type and its number in it, so that no other line is needed.
            let Some(data) = line.strip_prefix(b"data: ") else { continue };
            if each(&serde_json::from_slice(data)?)?.is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}
