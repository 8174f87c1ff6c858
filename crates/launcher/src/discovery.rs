//! Which model servers run on this machine, and what models they really list.

use std::time::Duration;

use anyhow::Context as _;
use reqwest::Client;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

/// Where the model servers that people run listen by default.
const USUAL_PLACES: &[(&str, &str)] = &[
    ("Ollama", "http://127.0.0.1:11434/v1"),
    ("LM Studio", "http://127.0.0.1:1234/v1"),
    ("vLLM", "http://127.0.0.1:8000/v1"),
    ("llama.cpp", "http://127.0.0.1:8080/v1"),
];
/// A server on this machine answers at once or is not there.
const LOOK_FOR: Duration = Duration::from_millis(800);
/// One that the user names may be far away.
const ASK_FOR: Duration = Duration::from_secs(10);
/// What we call ourselves in `owned_by`: our own gateway and simulator are no upstreams.
const OURSELVES: &str = "chappe";

/// A model server that answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    /// What it probably is, by its port.
    pub(crate) what: String,
    pub(crate) base_url: String,
    /// The models it lists. May be empty: a server without a model loaded.
    pub(crate) models: Vec<String>,
}

#[derive(Deserialize)]
struct Listing {
    // Ollama says `null` when it has none.
    data: Option<Vec<Listed>>,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    #[serde(default)]
    owned_by: Option<String>,
}

/// Looks in the usual places, in all of them at once.
pub(crate) async fn look_around(client: &Client) -> Vec<Found> {
    let asked = USUAL_PLACES.iter().map(|(what, base_url)| async move {
        let listing = list(client, base_url, None, LOOK_FOR).await.ok()?;
        let ours = listing.iter().any(|model| model.owned_by.as_deref() == Some(OURSELVES));
        let models = listing.into_iter().map(|model| model.id).collect();
        (!ours).then(|| Found {
            what: (*what).to_owned(),
            base_url: (*base_url).to_owned(),
            models,
        })
    });
    futures::future::join_all(asked).await.into_iter().flatten().collect()
}

/// Asks the server that the user named.
pub(crate) async fn ask(
    client: &Client,
    url: &str,
    key: Option<&SecretString>,
) -> anyhow::Result<Found> {
    let base_url = with_v1(url);
    let listing = list(client, &base_url, key, ASK_FOR).await.with_context(|| {
        format!("the model server at {base_url} does not list its models (GET {base_url}/models)")
    })?;
    let models: Vec<String> = listing.into_iter().map(|model| model.id).collect();
    anyhow::ensure!(
        !models.is_empty(),
        "the model server at {base_url} lists no models: load one there first"
    );
    Ok(Found { what: "model server".to_owned(), base_url, models })
}

async fn list(
    client: &Client,
    base_url: &str,
    key: Option<&SecretString>,
    limit: Duration,
) -> anyhow::Result<Vec<Listed>> {
    let mut request = client.get(format!("{base_url}/models")).timeout(limit);
    if let Some(key) = key {
        request = request.bearer_auth(key.expose_secret());
    }
    let answer = request.send().await?.error_for_status()?;
    let listing: Listing = answer.json().await.context("the answer is no list of models")?;
    Ok(listing.data.unwrap_or_default())
}

/// People paste the address with and without the `/v1` and the slash.
fn with_v1(url: &str) -> String {
    let url = url.trim_end_matches('/');
    if url.ends_with("/v1") { url.to_owned() } else { format!("{url}/v1") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_understood_however_it_is_pasted() {
        for url in ["http://h:1", "http://h:1/", "http://h:1/v1", "http://h:1/v1/"] {
            assert_eq!(with_v1(url), "http://h:1/v1");
        }
    }
}
