//! What it was asked.

use axum::body::Bytes;
use http::{HeaderMap, Uri};
use serde_json::Value;

/// One request that it got.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) path: String,
    /// What stands behind the `?`.
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    pub(super) fn new(method: &str, uri: &Uri, headers: HeaderMap, body: Bytes) -> Self {
        let (path, query) = (uri.path().to_owned(), uri.query().unwrap_or_default().to_owned());
        Self { method: method.to_owned(), path, query, headers, body }
    }

    /// Its body; null where there is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A header, once and as a text.
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut all = self.headers.get_all(name).iter();
        let value = all.next().unwrap_or_else(|| panic!("{} without {name}", self.path));
        assert!(all.next().is_none(), "{} has {name} twice", self.path);
        value.to_str().unwrap()
    }

    /// Whether it is of this method and path: `GET /v1/responses/{id}`.
    pub(crate) fn is(&self, request: &str) -> bool {
        let Some((method, path)) = request.split_once(' ') else { return false };
        if method != self.method {
            return false;
        }
        path == self.path || path == without_ids(&self.path)
    }
}

fn without_ids(path: &str) -> String {
    let is_id = |part: &&str| part.starts_with("conv_") || part.starts_with("resp_");
    let parts = path.split('/').map(|part| if is_id(&part) { "{id}" } else { part });
    parts.collect::<Vec<_>>().join("/")
}
