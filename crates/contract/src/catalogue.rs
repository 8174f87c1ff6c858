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
    /// Who serves it, tried by weight; only workers read these.
    #[serde(default)]
    pub upstreams: Vec<Upstream>,
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
        let file: File = toml::from_str(toml)
            .map_err(|error| CatalogueProblem(vec![error.to_string().trim_end().to_owned()]))?;
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

fn check(model: &Model, upstream: &Upstream, problems: &mut Vec<String>) {
    let address = &upstream.base_url;
    let about = format!("model `{}`, upstream `{address}`", model.name);
    let scheme = address.starts_with("http://") || address.starts_with("https://");
    if !scheme || !address.ends_with("/v1") {
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
mod tests {
    use super::*;

    const TWO_MODELS: &str = r#"
        [[models]]
        name = "embedder"
        capabilities = ["embeddings"]
        [[models.upstreams]]
        base_url = "http://127.0.0.1:11434/v1"

        [[models]]
        name = "llama3"
        queue = "gpu"
        [[models.upstreams]]
        base_url = "https://one.example/v1"
        name = "llama3:8b"
        weight = 3
        idle_timeout_ms = 5000
        [[models.upstreams]]
        base_url = "https://two.example/v1"
        api_key_env = "TWO_KEY"
    "#;

    #[test]
    fn what_is_not_said_has_a_sensible_value() {
        let catalogue = Catalogue::parse(TWO_MODELS).unwrap();

        let llama = catalogue.model("llama3").unwrap();
        assert_eq!(llama.capabilities, [Capability::Chat]);
        assert_eq!(llama.upstreams[0].limits.idle_timeout(), Duration::from_secs(5));
        assert_eq!(llama.upstreams[1].limits, UpstreamLimits::default());
        assert_eq!(catalogue.model("embedder").unwrap().queue.as_str(), "default");
        let names: Vec<_> = catalogue.models().map(|model| model.name.as_str()).collect();
        assert_eq!(names, ["llama3", "embedder"], "chat models first");
        assert_eq!(catalogue.queues().len(), 2);
    }

    #[test]
    fn the_hash_is_about_names_queues_and_capabilities_only() {
        let hash = Catalogue::parse(TWO_MODELS).unwrap().hash();

        let other_upstream = TWO_MODELS.replace("two.example", "three.example");
        let other_queue = TWO_MODELS.replace("\"gpu\"", "\"cpu\"");
        assert_eq!(Catalogue::parse(&other_upstream).unwrap().hash(), hash);
        assert_ne!(Catalogue::parse(&other_queue).unwrap().hash(), hash);
        assert_eq!(hash.to_string().len(), 12);
    }

    #[test]
    fn every_broken_rule_is_named() {
        let text = r#"
            [[models]]
            name = "a"
            [[models.upstreams]]
            base_url = "ftp://x"
            max_concurrency = 0
            [[models]]
            name = "a"
            capabilities = []
        "#;

        let CatalogueProblem(problems) = Catalogue::parse(text).unwrap_err();

        assert_eq!(problems.len(), 4, "{problems:#?}");
        let secret = TWO_MODELS.replace("//one.example", "//user:secret@one.example");
        let CatalogueProblem(problems) = Catalogue::parse(&secret).unwrap_err();
        assert!(problems.iter().all(|problem| !problem.contains("secret")), "{problems:#?}");
        let typo = TWO_MODELS.replace("idle_timeout_ms", "idel_timeout_ms");
        assert!(Catalogue::parse(&typo).is_err(), "a misspelt member is refused, not ignored");
        for text in ["", "[[models]]\nnam = 1", "[[models]]\nname = \"\"", "models = 3", "[["] {
            assert!(Catalogue::parse(text).is_err(), "{text}");
        }
    }
}
