//! `/openapi.json` for programs, `/docs` for people: one document, shown twice.
//!
//! The document is written by hand: requests and answers pass through unread, so there are no
//! types here that could describe them. Tests compare it with the routes.

mod page;

use std::sync::LazyLock;

use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

/// The document, with a place for the version.
const TEMPLATE: &str = include_str!("reference/openapi.json");
/// The look of the page.
const STYLE: &str = include_str!("reference/page.css");

static OPENAPI: LazyLock<String> =
    LazyLock::new(|| TEMPLATE.replace("{version}", env!("CARGO_PKG_VERSION")));
static DOCS: LazyLock<String> = LazyLock::new(|| page::of(&OPENAPI, STYLE));

pub(super) async fn openapi() -> Response {
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")], OPENAPI.as_str())
        .into_response()
}

pub(super) async fn docs() -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-cache"),
        // No script at all; the only style is the page's own.
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'",
        ),
    ];
    (headers, DOCS.as_str()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{idempotency, router};
    use serde_json::Value;

    fn document() -> Value {
        serde_json::from_str(&OPENAPI).unwrap()
    }

    #[test]
    fn every_route_of_the_api_is_described_and_nothing_else() {
        let described: Vec<String> =
            document()["paths"].as_object().unwrap().keys().cloned().collect();
        let mut routes: Vec<String> =
            router::paths().iter().map(|path| path.replace("{*", "{")).collect();
        routes.sort_unstable();
        assert_eq!(described, routes);
    }

    #[test]
    fn every_post_takes_an_idempotency_key() {
        for (path, methods) in document()["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
                let takes = parameters.iter().any(|one| {
                    let name = one["name"].as_str().unwrap().to_lowercase();
                    (one["in"].as_str(), name.as_str()) == (Some("header"), idempotency::KEY)
                });
                // A key is shown once: nothing of that is kept that could be repeated. A dead letter
                // is redriven once anyway.
                let repeats = method == "post" && !path.starts_with(router::ADMIN);
                assert_eq!(takes, repeats, "{method} {path}");
                let conflicts = operation["responses"]["409"].is_object();
                assert!(conflicts || !takes, "{method} {path}");
            }
        }
    }

    #[test]
    fn every_reference_within_the_document_leads_somewhere() {
        fn check(value: &Value, whole: &Value) {
            match value {
                Value::Object(members) => {
                    if let Some(Value::String(target)) = members.get("$ref") {
                        let pointer = target.strip_prefix('#').unwrap();
                        assert!(whole.pointer(pointer).is_some(), "{target}");
                    }
                    members.values().for_each(|member| check(member, whole));
                }
                Value::Array(items) => items.iter().for_each(|item| check(item, whole)),
                _ => {}
            }
        }
        let whole = document();
        check(&whole, &whole);
        assert_eq!(whole["info"]["version"], env!("CARGO_PKG_VERSION"));
    }

    #[test]
    fn the_page_shows_every_endpoint_and_every_schema() {
        let document = document();
        for path in document["paths"].as_object().unwrap().keys() {
            assert!(DOCS.contains(&format!("<code>{path}</code>")), "{path}");
        }
        for schema in document["components"]["schemas"].as_object().unwrap().keys() {
            assert!(DOCS.contains(&format!("id=\"{schema}\"")), "{schema}");
        }
        assert!(DOCS.contains("<td><code>starting_after</code></td><td>integer</td>"));
        assert!(DOCS.contains("<code>param</code> names the member"));
        assert!(!DOCS.contains('`') && !DOCS.contains("**"), "Markdown that is not rendered");
    }
}
