//! Which model servers run on this machine, and what models they really list.

use std::time::Duration;

use reqwest::{Client, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::model_choice::KEY;

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
pub(crate) const ASK_FOR: Duration = Duration::from_secs(10);
/// It has answered something already.
const ASK_AGAIN_FOR: Duration = Duration::from_secs(2);
/// NATS tells a gateway of a new key within a second.
const KNOWN_WITHIN: Duration = Duration::from_secs(10);
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
    base_url: &str,
    key: Option<&SecretString>,
) -> anyhow::Result<Found> {
    let listing = match list(client, base_url, key, ASK_FOR).await {
        Ok(listing) => listing,
        Err(why) => anyhow::bail!(explained(client, base_url, key, why).await),
    };
    let models: Vec<String> = listing.into_iter().map(|model| model.id).collect();
    anyhow::ensure!(
        !models.is_empty(),
        "the model server at {base_url} lists no models: load one there first"
    );
    Ok(Found { what: "model server".to_owned(), base_url: base_url.to_owned(), models })
}

/// Waits until our own gateway, at this origin, knows a key; not longer than [`KNOWN_WITHIN`].
pub(crate) async fn known(gateway: &str, key: &SecretString) {
    let asking = async {
        let client = Client::builder().no_proxy().build()?;
        let base_url = format!("{gateway}/v1");
        while let Err(NoList::Refused(status)) = list(&client, &base_url, Some(key), ASK_FOR).await
            && status == StatusCode::UNAUTHORIZED
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok::<(), reqwest::Error>(())
    };
    let _in_time = tokio::time::timeout(KNOWN_WITHIN, asking).await;
}

/// Why there is no list.
#[derive(Debug)]
enum NoList {
    /// No answer, or none in HTTP.
    Unanswered(reqwest::Error),
    Refused(StatusCode),
    /// An answer that is something else.
    Other,
}

async fn list(
    client: &Client,
    base_url: &str,
    key: Option<&SecretString>,
    limit: Duration,
) -> Result<Vec<Listed>, NoList> {
    let mut request = client.get(format!("{base_url}/models")).timeout(limit);
    if let Some(key) = key {
        request = request.bearer_auth(key.expose_secret());
    }
    let answer = request.send().await.map_err(NoList::Unanswered)?;
    if !answer.status().is_success() {
        return Err(NoList::Refused(answer.status()));
    }
    let body = answer.bytes().await.map_err(NoList::Unanswered)?;
    let listing: Listing = serde_json::from_slice(&body).map_err(|_error| NoList::Other)?;
    Ok(listing.data.unwrap_or_default())
}

/// What happened, and what to write or do instead.
async fn explained(
    client: &Client,
    base_url: &str,
    key: Option<&SecretString>,
    why: NoList,
) -> String {
    let may_be_other = match &why {
        NoList::Unanswered(error) => !error.is_timeout(),
        // What servers say that expect TLS.
        NoList::Refused(status) => *status == StatusCode::BAD_REQUEST,
        NoList::Other => false,
    };
    if may_be_other && let Some(other) = other_scheme(client, base_url).await {
        return format!("{base_url} does not answer, and {other} does: write --model-url {other}");
    }
    match why {
        NoList::Unanswered(error) if error.is_timeout() => format!(
            "no answer from {base_url} within {} s: is the address right, and does the model \
             server run?",
            ASK_FOR.as_secs()
        ),
        NoList::Unanswered(error) => format!(
            "no model server answers at {base_url} ({}): is the address right, and does the \
             server run?",
            first_cause(&error)
        ),
        NoList::Refused(status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)) => match key {
            Some(_key) => format!("{base_url} refuses the key of {KEY} ({status})"),
            None => format!(
                "{base_url} asks for a key ({status}): put it into {KEY}, or name a file that \
                 holds it in {KEY}_FILE"
            ),
        },
        NoList::Refused(status @ StatusCode::NOT_FOUND) => format!(
            "there is no list of models at {base_url}/models ({status}): write what stands before \
             /models or /chat/completions, such as http://127.0.0.1:11434/v1"
        ),
        NoList::Refused(status) => {
            format!("{base_url} does not list its models: it answers {status} to GET /v1/models")
        }
        NoList::Other => format!(
            "what {base_url}/models answers is no list of models: does an OpenAI-compatible model \
             server run there?"
        ),
    }
}

/// The same address with https for http or the other way round, if a server answers there. No key
/// is sent: it was meant for the other.
async fn other_scheme(client: &Client, base_url: &str) -> Option<String> {
    let (scheme, rest) = base_url.split_once("://")?;
    let other = format!("{}://{rest}", if scheme == "https" { "http" } else { "https" });
    let answer = client.get(format!("{other}/models")).timeout(ASK_AGAIN_FOR).send().await.ok()?;
    (answer.status() != StatusCode::BAD_REQUEST).then_some(other)
}

/// The innermost reason, which is in the system's words and not in the library's.
fn first_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
