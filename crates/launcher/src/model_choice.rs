//! Which model answers, and why.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bus::MODELS_FILE;
use secrecy::SecretString;
use serde::Serialize;
use service_runtime::Reader;

use crate::discovery::{self, Found};
use crate::flags::Flags;
use crate::{model_url, screen};

/// The variable with the key of `--model-url`.
pub(crate) const KEY: &str = "MODEL_API_KEY";

/// What the user asks for.
#[derive(Debug)]
pub(crate) enum Wish {
    /// This catalogue.
    File(PathBuf),
    /// The server at this base address, with this key.
    Server(String, Option<SecretString>),
    /// The simulator.
    Simulator,
    /// Whatever runs on this machine.
    Anything,
}

/// Reads it, in the order that `--help` describes; `None` after noting every problem in `read`.
pub(crate) fn wish(flags: &Flags, read: &mut Reader<'_>) -> Option<Wish> {
    if flags.simulator {
        return Some(Wish::Simulator);
    }
    if let Some(url) = &flags.model_url {
        let key = read.secret(KEY);
        let base_url = match model_url::base_url(url) {
            Ok(base_url) => Some(base_url),
            Err(wrong) => read.problem("--model-url", wrong),
        };
        return Some(Wish::Server(base_url?, key?));
    }
    let file = read.optional(MODELS_FILE.name)?;
    Some(file.map_or(Wish::Anything, Wish::File))
}

/// Where the answers come from.
#[derive(Debug)]
pub(crate) enum ModelChoice {
    /// The user's catalogue.
    File(PathBuf),
    /// Model servers that answered.
    Servers(Vec<Found>, Option<&'static str>),
    /// Nothing was found, or the user wants it so.
    Simulator,
}

/// Chooses what was wished for, or what is found.
pub(crate) async fn choose(wish: Wish) -> anyhow::Result<ModelChoice> {
    let client = client()?;
    match wish {
        Wish::File(path) => return Ok(ModelChoice::File(path)),
        Wish::Simulator => return Ok(ModelChoice::Simulator),
        Wish::Server(base_url, key) => {
            let seconds = discovery::ASK_FOR.as_secs();
            screen::step(&format!("asking {base_url} for its models, for up to {seconds} s"));
            let found = discovery::ask(&client, &base_url, key.as_ref()).await?;
            return Ok(ModelChoice::Servers(vec![found], key.is_some().then_some(KEY)));
        }
        Wish::Anything => {}
    }
    screen::step("looking for a model server on this machine");
    let (with, without): (Vec<Found>, Vec<Found>) = discovery::look_around(&client)
        .await
        .into_iter()
        .partition(|found| !found.models.is_empty());
    for empty in &without {
        screen::step(&format!("{} at {} lists no models; passed over", empty.what, empty.base_url));
    }
    if with.is_empty() {
        screen::step("no model server was found on this machine");
        return Ok(ModelChoice::Simulator);
    }
    Ok(ModelChoice::Servers(with, None))
}

fn client() -> anyhow::Result<reqwest::Client> {
    // What the user's proxy sees of this machine's own ports is nothing.
    Ok(reqwest::Client::builder().no_proxy().build()?)
}

/// Writes the catalogue of what was chosen, and gives its path.
pub(crate) fn write_catalogue(
    choice: &ModelChoice,
    simulator_url: Option<&str>,
    folder: &Path,
) -> anyhow::Result<PathBuf> {
    let file = match choice {
        ModelChoice::File(path) => return Ok(path.clone()),
        ModelChoice::Servers(servers, key) => of_servers(servers, *key),
        ModelChoice::Simulator => of_simulator(simulator_url.unwrap_or_default()),
    };
    let path = folder.join("models.toml");
    let text = format!(
        "# Written by `chappe` at each start. To change it, copy it and use --models-file.\n\n{}",
        toml::to_string_pretty(&file)?
    );
    std::fs::write(&path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
    Ok(path)
}

#[derive(Debug, Default, Serialize)]
struct File {
    models: Vec<Entry>,
}

#[derive(Debug, Serialize)]
struct Entry {
    name: String,
    capabilities: Vec<&'static str>,
    upstreams: Vec<Upstream>,
}

#[derive(Debug, Serialize)]
struct Upstream {
    base_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key_env: Option<&'static str>,
}

fn of_servers(servers: &[Found], key: Option<&'static str>) -> File {
    let mut file = File::default();
    for server in servers {
        for model in &server.models {
            let upstream = Upstream { base_url: server.base_url.clone(), api_key_env: key };
            // The same model on two servers is one model with two upstreams.
            match file.models.iter_mut().find(|entry| entry.name == *model) {
                Some(entry) => entry.upstreams.push(upstream),
                None => file.models.push(Entry {
                    name: model.clone(),
                    capabilities: capabilities_of(model),
                    upstreams: vec![upstream],
                }),
            }
        }
    }
    file
}

fn of_simulator(base_url: &str) -> File {
    let entry = |name: &str, capability| Entry {
        name: name.to_owned(),
        capabilities: vec![capability],
        upstreams: vec![Upstream { base_url: base_url.to_owned(), api_key_env: None }],
    };
    File { models: vec![entry("simulator", "chat"), entry("simulator-embeddings", "embeddings")] }
}

/// Model servers do not say what a model can do; embedding models say it in their name.
fn capabilities_of(model: &str) -> Vec<&'static str> {
    let name = model.to_ascii_lowercase();
    let embeds = ["embed", "bge-", "minilm"].iter().any(|part| name.contains(part));
    if embeds { vec!["embeddings"] } else { vec!["chat"] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{Capability, Catalogue};

    fn found(base_url: &str, models: &[&str]) -> Found {
        Found {
            what: "test".to_owned(),
            base_url: base_url.to_owned(),
            models: models.iter().map(|model| (*model).to_owned()).collect(),
        }
    }

    #[test]
    fn what_servers_list_becomes_a_catalogue_that_the_services_read() {
        let servers = [
            found("http://a/v1", &["llama3.2", "nomic-embed-text"]),
            found("http://b/v1", &["llama3.2"]),
        ];
        let text = toml::to_string_pretty(&of_servers(&servers, Some(KEY))).unwrap();

        let catalogue = Catalogue::parse(&text).unwrap();

        let llama = catalogue.model("llama3.2").unwrap();
        assert_eq!(llama.upstreams.len(), 2);
        assert_eq!(llama.upstreams[0].api_key_env.as_deref(), Some(KEY));
        let embedder = catalogue.model("nomic-embed-text").unwrap();
        assert_eq!(embedder.capabilities, [Capability::Embeddings]);
    }

    #[test]
    fn the_simulator_has_a_model_of_each_kind() {
        let text = toml::to_string_pretty(&of_simulator("http://127.0.0.1:8799/v1")).unwrap();

        let catalogue = Catalogue::parse(&text).unwrap();

        assert!(catalogue.model("simulator").is_some());
        assert!(catalogue.model("simulator-embeddings").is_some());
    }
}
