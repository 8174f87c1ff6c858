//! What arrived, given back.

use axum::http::HeaderMap;
use serde_json::{Map, Value};

/// A JSON document with the body as it came and the headers: a text where a header came once, a
/// list where it came more often.
pub(crate) fn echo(body: &[u8], headers: &HeaderMap) -> String {
    let mut shown = Map::new();
    for name in headers.keys() {
        let texts = headers
            .get_all(name)
            .iter()
            .map(|value| Value::String(String::from_utf8_lossy(value.as_bytes()).into_owned()));
        let mut texts: Vec<Value> = texts.collect();
        let value = if texts.len() == 1 { texts.swap_remove(0) } else { Value::Array(texts) };
        shown.insert(name.as_str().to_owned(), value);
    }
    let body = String::from_utf8_lossy(body);
    format!("{{\"body\":{},\"headers\":{}}}", body.trim(), Value::Object(shown))
}
