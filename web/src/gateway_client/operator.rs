//! The calls of an operator: with the key that they brought, and never with ours.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use super::{Inner, Refused, error, read_up_to, retry_after};
use crate::operate::{DeadLetters, LetterId, Overview};

/// Longest answer that is read: some thousand rows.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// Longest wait: a page waits for it, and asks again soon.
const TIME: Duration = Duration::from_secs(5);
/// Longer than any key.
const LONGEST_KEY: usize = 512;

/// A key as a person typed it. Shown nowhere.
#[derive(Clone)]
pub(crate) struct ApiKey(SecretString);

/// The calls with one key, or with none where the gateway asks for none. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct AsOperator {
    gateway: Arc<Inner>,
    key: Option<ApiKey>,
}

/// What came of a dead letter that was sent again.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Redriven {
    /// The new response.
    #[serde(default)]
    pub(crate) response_id: Option<String>,
}

impl ApiKey {
    /// As a form gives it, if a header can carry it.
    pub(crate) fn from_field(value: &str) -> Option<Self> {
        let value = value.trim();
        let usable = value.bytes().all(|byte| byte.is_ascii_graphic());
        let usable = usable && !value.is_empty() && value.len() <= LONGEST_KEY;
        usable.then(|| Self(SecretString::from(value)))
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey").finish_non_exhaustive()
    }
}

impl AsOperator {
    pub(super) fn new(gateway: Arc<Inner>, key: Option<ApiKey>) -> Self {
        Self { gateway, key }
    }

    /// How everything is at the moment.
    pub(crate) async fn overview(&self) -> Result<Overview, Refused> {
        let body = self.call("GET", "overview").await?;
        // What says 200 and nothing that can be read is no gateway of ours.
        Overview::read(&body).ok_or(Refused::Unreadable)
    }

    /// Dead letters, the newest first, behind `after`.
    pub(crate) async fn dead_letters(
        &self,
        limit: usize,
        after: Option<&LetterId>,
    ) -> Result<DeadLetters, Refused> {
        let after = after.map(|id| format!("&after={id}")).unwrap_or_default();
        let body = self.call("GET", &format!("dead_letters?limit={limit}{after}")).await?;
        serde_json::from_slice(&body).map_err(|_json| Refused::Unreadable)
    }

    /// Has a dead letter answered after all, as a new response.
    pub(crate) async fn redrive(&self, id: &LetterId) -> Result<Redriven, Refused> {
        let body = self.call("POST", &format!("dead_letters/{id}/redrive")).await?;
        serde_json::from_slice(&body).map_err(|_json| Refused::Unreadable)
    }

    /// Forgets a dead letter.
    pub(crate) async fn delete(&self, id: &LetterId) -> Result<(), Refused> {
        self.call("DELETE", &format!("dead_letters/{id}")).await.map(|_deleted| ())
    }

    async fn call(&self, method: &'static str, path: &str) -> Result<Vec<u8>, Refused> {
        let asked = tokio::time::timeout(TIME, self.call_for_long(method, path));
        asked.await.unwrap_or(Err(Refused::Silent))
    }

    async fn call_for_long(&self, method: &'static str, path: &str) -> Result<Vec<u8>, Refused> {
        let url = self.url(path)?;
        let client = &self.gateway.keyless;
        let request = match method {
            "POST" => client.post(url.clone()),
            "DELETE" => client.delete(url.clone()),
            _ => client.get(url.clone()),
        };
        let request = match &self.key {
            Some(key) => request.header(AUTHORIZATION, bearer(key)?),
            None => request,
        };
        let (response, _span) = self.gateway.send(method, &url, request).await?;
        if response.status().is_success() {
            return read_up_to(response, MOST_BYTES).await.ok_or(Refused::Unreadable);
        }
        let (status, wait) = (response.status().as_u16(), retry_after(response.headers()));
        let body = read_up_to(response, error::MOST_BYTES).await.unwrap_or_default();
        // The key is the visitor's: nothing of it is told in our log, or as a trouble of ours.
        Err(Refused::from_answer(status, wait, &body))
    }

    fn url(&self, path: &str) -> Result<Url, Refused> {
        // Words of ours and digits: this cannot fail.
        self.gateway.admin_url.join(path).map_err(|_invalid| Refused::Unreachable)
    }
}

fn bearer(key: &ApiKey) -> Result<HeaderValue, Refused> {
    // Looked at when it was made: this cannot fail.
    let bearer = HeaderValue::from_str(&format!("Bearer {}", key.0.expose_secret()));
    let mut bearer = bearer.map_err(|_invalid| Refused::Unreachable)?;
    bearer.set_sensitive(true);
    Ok(bearer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_header_can_carry_is_no_key_and_a_key_is_not_shown() {
        for field in ["", "  ", "a b", "a\nb", "k\u{e9}y", &"k".repeat(LONGEST_KEY + 1)] {
            assert!(ApiKey::from_field(field).is_none(), "{field}");
        }
        let key = ApiKey::from_field(" canary\r\n").unwrap();
        assert_eq!(bearer(&key).unwrap(), "Bearer canary");
        assert!(!format!("{key:?} {:?}", bearer(&key)).contains("canary"));
    }
}
