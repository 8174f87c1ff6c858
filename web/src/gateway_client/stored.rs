//! Conversations and responses: made, listed, changed, stopped and deleted.

use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;
use url::Url;

use super::{Following, OnBehalf, Refused, read_up_to};
use crate::conversation::{Listed, Submission, Thumb, Turn, TurnsPage};
use crate::ids::{ConversationId, ResponseId};

/// Largest answer that is read: some turns, each with what was asked and answered.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// Longest wait for one: a gateway accepts within 10 s, or refuses.
const TIME: Duration = Duration::from_secs(15);
/// What is done once, however often it is asked for.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Names one form that was sent, so that it is acted upon once.
#[derive(Debug, Clone)]
pub(crate) struct Once(String);

#[derive(Deserialize)]
struct Made<T> {
    id: T,
}

#[derive(Serialize)]
struct Rating {
    rating: Option<Thumb>,
}

#[derive(Serialize)]
struct Title<'a> {
    metadata: TitleMember<'a>,
}

#[derive(Serialize)]
struct TitleMember<'a> {
    title: &'a str,
}

/// Which conversations are listed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted<'a> {
    pub(crate) limit: usize,
    pub(crate) after: Option<&'a ConversationId>,
    pub(crate) search: Option<&'a str>,
}

impl Once {
    /// As a form brings it. Any text will do.
    pub(crate) fn from_field(value: &str) -> Self {
        Self(value.to_owned())
    }

    /// As the form brings it again.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The key of one request of it: the form may be sent again with other words in it.
    fn key(&self, body: &[u8]) -> Option<HeaderValue> {
        if self.0.is_empty() {
            return None;
        }
        let digest = Sha256::new().chain_update(&self.0).chain_update([0]).chain_update(body);
        HeaderValue::from_str(&format!("web-{:.32x}", digest.finalize())).ok()
    }
}

impl OnBehalf {
    /// Makes an empty conversation.
    pub(crate) async fn begin(&self, once: &Once) -> Result<ConversationId, Refused> {
        let body = self.call("POST", "conversations", Some(b"{}".to_vec()), Some(once)).await?;
        made(&body)
    }

    /// Submits a question, to be answered whoever waits, and follows its answer from the beginning.
    pub(crate) async fn submit(
        &self,
        submission: &Submission<'_>,
        once: &Once,
    ) -> Result<(ResponseId, Box<Following>), Refused> {
        // Strings and numbers: this cannot fail.
        let json = serde_json::to_vec(&submission.body()).unwrap_or_default();
        let url = self.gateway.url("responses")?;
        let request = with_body(self.gateway.http.post(url.clone()), json, Some(once));
        let asking = async {
            let (answer, span) = self.send("POST", &url, request).await?;
            if !answer.status().is_success() {
                return Err(self.refusal(&url, answer).await);
            }
            self.gateway.key.accepted(url.path());
            let (response, following) = Following::of_a_new_one(answer, span).await?;
            Ok((response, Box::new(following)))
        };
        timeout(TIME, asking).await.unwrap_or(Err(Refused::Silent))
    }

    /// Follows a response behind the event of this number, or from its first.
    pub(crate) async fn follow(
        &self,
        response: &ResponseId,
        after: Option<u64>,
    ) -> Result<Following, Refused> {
        let after = after.map(|number| format!("&starting_after={number}")).unwrap_or_default();
        let url = self.gateway.url(&format!("responses/{response}?stream=true{after}"))?;
        let request = self.gateway.http.get(url.clone());
        let (answer, span) = self.send("GET", &url, request).await?;
        if answer.status().is_success() {
            self.gateway.key.accepted(url.path());
            return Ok(Following::new(answer, span));
        }
        Err(self.refusal(&url, answer).await)
    }

    /// Stops a response, if it has not ended.
    pub(crate) async fn cancel(&self, response: &ResponseId) -> Result<(), Refused> {
        self.call("POST", &format!("responses/{response}/cancel"), None, None).await.map(drop)
    }

    /// Says what the owner thinks of an answer, or takes back what they thought.
    pub(crate) async fn rate(
        &self,
        conversation: &ConversationId,
        response: &ResponseId,
        thumb: Option<Thumb>,
    ) -> Result<(), Refused> {
        let json = serde_json::to_vec(&Rating { rating: thumb }).unwrap_or_default();
        let path = format!("conversations/{conversation}/turns/{response}/feedback");
        self.call("POST", &path, Some(json), None).await.map(drop)
    }

    /// The turns on the way to `at` and on to its newest, the last `limit` of them before `before`.
    pub(crate) async fn turns(
        &self,
        conversation: &ConversationId,
        at: Option<&ResponseId>,
        before: Option<&ResponseId>,
        limit: usize,
    ) -> Result<TurnsPage, Refused> {
        let at = at.map(|at| format!("&at={at}")).unwrap_or_default();
        let before = before.map(|before| format!("&before={before}")).unwrap_or_default();
        let path = format!("conversations/{conversation}/turns?limit={limit}{at}{before}");
        let body = self.call("GET", &path, None, None).await?;
        super::turns::read(&body).ok_or(Refused::Unreadable)
    }

    /// One turn.
    pub(crate) async fn turn(
        &self,
        conversation: &ConversationId,
        turn: &ResponseId,
    ) -> Result<Turn, Refused> {
        let path = format!("conversations/{conversation}/turns?limit=1&until={turn}");
        let body = self.call("GET", &path, None, None).await?;
        let page = super::turns::read(&body).ok_or(Refused::Unreadable)?;
        page.turns.into_iter().find(|one| one.id == *turn).ok_or_else(Refused::gone)
    }

    /// A page of conversations, the newest first.
    pub(crate) async fn conversations(&self, wanted: &Wanted<'_>) -> Result<Listed, Refused> {
        let mut url = self.gateway.url("conversations")?;
        {
            let mut pairs = url.query_pairs_mut();
            pairs.append_pair("limit", &wanted.limit.to_string());
            if let Some(after) = wanted.after {
                pairs.append_pair("after", after.as_str());
            }
            if let Some(text) = wanted.search {
                pairs.append_pair("search", text);
            }
        }
        let body = self.call_at("GET", &url, None, None).await?;
        serde_json::from_slice(&body).map_err(|_json| Refused::Unreadable)
    }

    /// One conversation's own line in that list.
    pub(crate) async fn conversation(
        &self,
        conversation: &ConversationId,
    ) -> Result<crate::conversation::Line, Refused> {
        let body = self.call("GET", &format!("conversations/{conversation}"), None, None).await?;
        serde_json::from_slice(&body).map_err(|_json| Refused::Unreadable)
    }

    /// Gives it a title.
    pub(crate) async fn rename(
        &self,
        conversation: &ConversationId,
        title: &str,
    ) -> Result<(), Refused> {
        let json = serde_json::to_vec(&Title { metadata: TitleMember { title } });
        let path = format!("conversations/{conversation}");
        self.call("POST", &path, Some(json.unwrap_or_default()), None).await.map(drop)
    }

    /// Deletes it with everything that was said in it.
    pub(crate) async fn delete(&self, conversation: &ConversationId) -> Result<(), Refused> {
        let path = format!("conversations/{conversation}?responses=true");
        match self.call("DELETE", &path, None, None).await {
            // It is gone, as was wished.
            Ok(_) | Err(Refused::Answered { status: 404, .. }) => Ok(()),
            Err(refused) => Err(refused),
        }
    }

    async fn call(
        &self,
        method: &'static str,
        path: &str,
        json: Option<Vec<u8>>,
        once: Option<&Once>,
    ) -> Result<Vec<u8>, Refused> {
        let url = self.gateway.url(path)?;
        self.call_at(method, &url, json, once).await
    }

    async fn call_at(
        &self,
        method: &'static str,
        url: &Url,
        json: Option<Vec<u8>>,
        once: Option<&Once>,
    ) -> Result<Vec<u8>, Refused> {
        let http = &self.gateway.http;
        let mut request = match method {
            "POST" => http.post(url.clone()),
            "DELETE" => http.delete(url.clone()),
            _ => http.get(url.clone()),
        };
        if let Some(json) = json {
            request = with_body(request, json, once);
        }
        let calling = async {
            let (answer, _span) = self.send(method, url, request).await?;
            if !answer.status().is_success() {
                return Err(self.refusal(url, answer).await);
            }
            self.gateway.key.accepted(url.path());
            read_up_to(answer, MOST_BYTES).await.ok_or(Refused::Unreachable)
        };
        timeout(TIME, calling).await.unwrap_or(Err(Refused::Silent))
    }
}

fn with_body(
    request: reqwest::RequestBuilder,
    json: Vec<u8>,
    once: Option<&Once>,
) -> reqwest::RequestBuilder {
    let key = once.and_then(|once| once.key(&json));
    let request = request.header(CONTENT_TYPE, "application/json").body(json);
    match key {
        Some(key) => request.header(IDEMPOTENCY_KEY, key),
        None => request,
    }
}

fn made<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<T, Refused> {
    let made: Made<T> = serde_json::from_slice(body).map_err(|_json| Refused::Unreadable)?;
    Ok(made.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_sent_twice_is_one_request_and_with_other_words_another() {
        let once = Once::from_field("a form");
        let key = |body: &[u8]| once.key(body).unwrap();
        assert_eq!(key(b"x"), key(b"x"));
        assert_ne!(key(b"x"), key(b"y"));
        assert_ne!(key(b"x"), Once::from_field("another").key(b"x").unwrap());
        assert_eq!(Once::from_field("").key(b"x"), None, "an old form has none");
    }
}
