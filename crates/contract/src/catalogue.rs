//! The catalogue `models.toml`: which models there are, in which queue, and who serves them.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{ModelName, QueueName};

/// Every model of an installation. Not empty; names are unique.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalogue {
    models: Vec<Model>,
}

/// One model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// What callers write.
    pub name: ModelName,
    /// Shares consumers with the other models of this queue.
    #[serde(default = "QueueName::default_queue")]
    pub queue: QueueName,
    /// What it can be asked; chat alone when nothing is said.
    #[serde(default = "chat_only")]
    pub capabilities: Vec<Capability>,
    /// What its tokens cost; unknown when nothing is said. Only workers read it.
    #[serde(default)]
    pub price: Option<Price>,
    /// Who serves it, tried by weight; only workers read these.
    #[serde(default)]
    pub upstreams: Vec<Upstream>,
}

/// What the tokens of a model cost, in USD for a million of them. One of the two figures may be left
/// out, and costs nothing.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Of those that it reads.
    #[serde(default)]
    pub input_per_million_usd: Option<f64>,
    /// Of those that it writes.
    #[serde(default)]
    pub output_per_million_usd: Option<f64>,
}

impl Price {
    /// What so many tokens cost, in millionths of a USD.
    #[expect(clippy::cast_precision_loss, reason = "no answer has 2^53 tokens")]
    pub fn micro_usd(&self, read: u64, written: u64) -> f64 {
        let [input, output] = [self.input_per_million_usd, self.output_per_million_usd]
            .map(|usd| usd.unwrap_or_default());
        input * read as f64 + output * written as f64
    }
}

/// What a model can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Chat completions.
    Chat,
    /// Embeddings.
    Embeddings,
}

impl Capability {
    /// The text in `models.toml` and `/v1/models`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Embeddings => "embeddings",
        }
    }
}

/// An endpoint that serves a model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// The address, ending in `/v1`.
    pub base_url: String,
    /// What the model is called there; its public name when nothing is said.
    #[serde(default)]
    pub name: Option<String>,
    /// The environment variable (or, with `_FILE` behind it, the file) that holds its key.
    #[serde(default)]
    pub api_key_env: Option<String>,
    /// Its share of the requests, 1 to 1,000; 1 when nothing is said. 0 is only a fallback.
    #[serde(default = "one")]
    pub weight: u32,
    /// How it is asked to go on behind the beginning of an answer; it cannot when nothing is said.
    #[serde(default)]
    pub continues: Option<Continues>,
    /// Limits and patience.
    #[serde(flatten)]
    pub limits: UpstreamLimits,
}

/// How an upstream is asked to go on behind the beginning of an answer, which is then the last
/// message, of the assistant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Continues {
    /// By `continue_final_message`, with `add_generation_prompt` off: `vLLM`, `SGLang`.
    ContinueFinalMessage,
    /// By `prefix` in that message: `DeepSeek`, `Mistral`.
    Prefix,
    /// By that message alone: llama.cpp's server.
    LastMessage,
}

/// How much an upstream is asked, and how long it is waited for.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct UpstreamLimits {
    /// Calls at once from one worker; 256 when nothing is said.
    pub max_concurrency: usize,
    /// Longest wait for a connection; 5,000 ms when nothing is said.
    pub connect_timeout_ms: u64,
    /// Longest wait for the first chunk; 120,000 ms when nothing is said (models load slowly).
    pub first_token_timeout_ms: u64,
    /// Longest silence between chunks; 60,000 ms when nothing is said.
    pub idle_timeout_ms: u64,
    /// Longest answer altogether; 600,000 ms when nothing is said.
    pub total_timeout_ms: u64,
}

impl Default for UpstreamLimits {
    fn default() -> Self {
        Self {
            max_concurrency: 256,
            connect_timeout_ms: 5_000,
            first_token_timeout_ms: 120_000,
            idle_timeout_ms: 60_000,
            total_timeout_ms: 600_000,
        }
    }
}

impl UpstreamLimits {
    /// Longest wait for a connection.
    pub fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    /// Longest wait for the first chunk.
    pub fn first_token_timeout(&self) -> Duration {
        Duration::from_millis(self.first_token_timeout_ms)
    }

    /// Longest silence between chunks.
    pub fn idle_timeout(&self) -> Duration {
        Duration::from_millis(self.idle_timeout_ms)
    }

    /// Longest answer altogether.
    pub fn total_timeout(&self) -> Duration {
        Duration::from_millis(self.total_timeout_ms)
    }
}

/// Dearest million of tokens, in USD: a dollar each.
const MOST_USD: f64 = 1_000_000.0;

/// A catalogue that cannot be used: every problem, one a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct CatalogueProblem(pub Vec<String>);

/// Names a catalogue's content: names, queues and capabilities, in order. Services that disagree
/// on it serve different models.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CatalogueHash(String);

impl fmt::Display for CatalogueHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    models: Vec<Model>,
}

impl Catalogue {
    /// Reads the text of a `models.toml`.
    ///
    /// # Errors
    ///
    /// TOML that cannot be read (with line and column), or every rule that is broken.
    pub fn parse(toml: &str) -> Result<Self, CatalogueProblem> {
        let file: File =
            toml::from_str(toml).map_err(|error| CatalogueProblem(vec![told(toml, &error)]))?;
        Self::of(file.models)
    }

    /// A catalogue of these models.
    ///
    /// # Errors
    ///
    /// Every rule that is broken.
    pub fn of(models: Vec<Model>) -> Result<Self, CatalogueProblem> {
        let mut problems = Vec::new();
        if models.is_empty() {
            problems.push("there is no `[[models]]` entry".to_owned());
        }
        let mut seen = BTreeSet::new();
        for model in &models {
            if !seen.insert(&model.name) {
                problems.push(format!("model `{}` is there twice", model.name));
            }
            if model.capabilities.is_empty() {
                problems.push(format!("model `{}`: `capabilities` is empty", model.name));
            }
            if let Some(price) = &model.price {
                check_price(model, price, &mut problems);
            }
            for upstream in &model.upstreams {
                check(model, upstream, &mut problems);
            }
        }
        if problems.is_empty() { Ok(Self { models }) } else { Err(CatalogueProblem(problems)) }
    }

    /// The models, chat models first, otherwise in the order of the file.
    pub fn models(&self) -> impl Iterator<Item = &Model> {
        let chat = |model: &&Model| model.capabilities.contains(&Capability::Chat);
        self.models.iter().filter(chat).chain(self.models.iter().filter(move |model| !chat(model)))
    }

    /// The model of this name.
    pub fn model(&self, name: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.name.as_str() == name)
    }

    /// Every queue, each once, sorted.
    pub fn queues(&self) -> Vec<QueueName> {
        let queues: BTreeSet<&QueueName> = self.models.iter().map(|model| &model.queue).collect();
        queues.into_iter().cloned().collect()
    }

    /// The models that nobody serves: a worker cannot work with them.
    pub fn without_upstream(&self) -> impl Iterator<Item = &Model> {
        self.models.iter().filter(|model| model.upstreams.is_empty())
    }

    /// The hash of what all services read, as 12 hexadecimal digits.
    pub fn hash(&self) -> CatalogueHash {
        let mut hasher = Sha256::new();
        for model in &self.models {
            let capabilities: Vec<_> = model.capabilities.iter().map(|one| one.as_str()).collect();
            // JSON strings keep neighbours apart, whatever the names hold.
            let entry = serde_json::json!([model.name, model.queue, capabilities]).to_string();
            hasher.update(entry.as_bytes());
        }
        let digest = hasher.finalize();
        CatalogueHash(digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect())
    }
}

/// What is wrong, and where. The parser's own text repeats the line, in which may be a key that
/// somebody wrote where its variable is to be named.
fn told(toml: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| toml.get(..span.start));
    let place = before.map(|before| {
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        format!("line {line}, column {column}: ")
    });
    // Below its first line stands what was expected, in some versions.
    let message = error.message().lines().collect::<Vec<_>>().join("; ");
    format!("{}{message}", place.unwrap_or_default())
}

/// A name that a variable may have and that hardly any key looks like.
fn is_variable(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.bytes().all(is_part)
}

fn check_price(model: &Model, price: &Price, problems: &mut Vec<String>) {
    let figures = [
        ("input_per_million_usd", price.input_per_million_usd),
        ("output_per_million_usd", price.output_per_million_usd),
    ];
    if figures.iter().all(|(_name, value)| value.is_none()) {
        let [input, output] = figures.map(|(name, _value)| name);
        problems.push(format!(
            "model `{}`: `price` is empty; say `{input}`, `{output}` or both, or leave it out",
            model.name
        ));
    }
    for (name, value) in figures.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        // Which NaN is not within either.
        if !(0.0..=MOST_USD).contains(&value) {
            let about = format!("model `{}`: `price.{name}`", model.name);
            problems.push(format!("{about} is between 0 and {MOST_USD}"));
        }
    }
}

fn check(model: &Model, upstream: &Upstream, problems: &mut Vec<String>) {
    // Behind a `?` may be a key.
    let address = upstream.base_url.split('?').next().unwrap_or_default();
    let about = format!("model `{}`, upstream `{address}`", model.name);
    let scheme = address.starts_with("http://") || address.starts_with("https://");
    if !scheme || !upstream.base_url.ends_with("/v1") {
        problems
            .push(format!("{about}: `base_url` begins with http:// or https:// and ends in /v1"));
    }
    let authority = address.split("://").nth(1).and_then(|rest| rest.split('/').next());
    if authority.is_some_and(|authority| authority.contains('@')) {
        // The address is shown in logs and metrics. Not repeated here either.
        problems.push(format!(
            "model `{}`: a `base_url` holds a user or password; name the key with `api_key_env`",
            model.name
        ));
    }
    if upstream.api_key_env.as_deref().is_some_and(|name| !is_variable(name)) {
        // Not repeated: it may be the key.
        problems.push(format!(
            "model `{}`: `api_key_env` is the name of a variable, such as `VLLM_KEY`: capitals, \
             digits and `_`",
            model.name
        ));
    }
    if upstream.weight > 1_000 {
        problems.push(format!("{about}: `weight` is at most 1000"));
    }
    let limits = &upstream.limits;
    if limits.max_concurrency == 0 {
        problems.push(format!("{about}: `max_concurrency` is at least 1"));
    }
    for (name, value) in [
        ("connect_timeout_ms", limits.connect_timeout_ms),
        ("first_token_timeout_ms", limits.first_token_timeout_ms),
        ("idle_timeout_ms", limits.idle_timeout_ms),
        ("total_timeout_ms", limits.total_timeout_ms),
    ] {
        if !(1..=86_400_000).contains(&value) {
            problems.push(format!("{about}: `{name}` is between 1 and 86400000 (one day)"));
        }
    }
}

fn chat_only() -> Vec<Capability> {
    vec![Capability::Chat]
}

fn one() -> u32 {
    1
}

#[cfg(test)]
mod tests;
