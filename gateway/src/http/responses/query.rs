//! What stands behind the `?` of an address, and the header with which a reader goes on.

use std::str::FromStr;

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::{HeaderMap, HeaderName};
use openai_api::InvalidRequest;

/// Of a reader that was cut off: the `id` of the last event that it has.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// What `include` may name: nothing of it changes an answer here, and nothing else is promised.
const INCLUDABLE: &[&str] = &[
    "code_interpreter_call.outputs",
    "computer_call_output.output.image_url",
    "file_search_call.results",
    "message.input_image.image_url",
    "message.output_text.logprobs",
    "reasoning.encrypted_content",
    "web_search_call.action.sources",
    "web_search_call.results",
];
/// Items of a page unless asked otherwise, and at most.
const ITEMS: usize = 20;
const MOST_ITEMS: usize = 100;

pub(in crate::http) type Pair = (String, String);

/// Names and values, in order.
pub(in crate::http) fn pairs(
    pairs: Result<Query<Vec<Pair>>, QueryRejection>,
) -> Result<Vec<Pair>, InvalidRequest> {
    let Query(pairs) = pairs.map_err(|rejection| InvalidRequest {
        param: None,
        code: "invalid_value",
        message: format!("The query of the URL cannot be read: {rejection}."),
    })?;
    for (name, value) in &pairs {
        // SDKs write a list as `include[]=…` or `include[0]=…`.
        let is_include = name.split('[').next() == Some("include");
        if is_include && !INCLUDABLE.contains(&value.as_str()) {
            let one_of = INCLUDABLE.join("`, `");
            return Err(invalid("include", format!("one of `{one_of}`")));
        }
    }
    Ok(pairs)
}

/// How a response is to be shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Show {
    /// As a stream of its events.
    pub(super) stream: bool,
    /// Behind the event of this number.
    pub(super) after: Option<u64>,
}

impl Show {
    pub(super) fn read(pairs: &[Pair], headers: &HeaderMap) -> Result<Self, InvalidRequest> {
        let stream = match value(pairs, "stream") {
            None | Some("false") => false,
            Some("true") => true,
            Some(_other) => return Err(invalid("stream", "`true` or `false`")),
        };
        let asked: Option<u64> = number(pairs, "starting_after")?;
        // Whoever goes on asks with the same address as before, and says in a header how far it
        // has come.
        let seen = match headers.get(LAST_EVENT_ID) {
            Some(header) if stream && !header.is_empty() => {
                let number = header.to_str().ok().and_then(|text| text.trim().parse().ok());
                Some(number.ok_or_else(|| invalid("Last-Event-ID", "the number of an event"))?)
            }
            _ => None,
        };
        Ok(Self { stream, after: asked.max(seen) })
    }
}

/// Which of a list's items are asked for.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::http) struct Page {
    pub(in crate::http) limit: usize,
    pub(in crate::http) newest_first: bool,
    /// Behind the item of this id.
    pub(in crate::http) after: Option<String>,
}

impl Page {
    /// Everything in a row.
    pub(in crate::http) fn whole() -> Self {
        Self { limit: usize::MAX, newest_first: false, after: None }
    }

    pub(in crate::http) fn read(pairs: &[Pair]) -> Result<Self, InvalidRequest> {
        let limit = number(pairs, "limit")?.unwrap_or(ITEMS);
        if !(1..=MOST_ITEMS).contains(&limit) {
            return Err(invalid("limit", format!("a number from 1 to {MOST_ITEMS}")));
        }
        let newest_first = match value(pairs, "order") {
            None | Some("desc") => true,
            Some("asc") => false,
            Some(_other) => return Err(invalid("order", "`asc` or `desc`")),
        };
        let after = value(pairs, "after").map(str::to_owned);
        Ok(Self { limit, newest_first, after })
    }
}

/// Of several, the last counts.
pub(in crate::http) fn value<'a>(pairs: &'a [Pair], name: &str) -> Option<&'a str> {
    pairs.iter().rev().find(|(key, _value)| key == name).map(|(_key, value)| value.as_str())
}

fn number<T: FromStr>(pairs: &[Pair], name: &'static str) -> Result<Option<T>, InvalidRequest> {
    let read = |text: &str| text.parse().map_err(|_| invalid(name, "a number, from 0"));
    value(pairs, name).map(read).transpose()
}

pub(in crate::http) fn invalid(param: &str, expected: impl AsRef<str>) -> InvalidRequest {
    InvalidRequest {
        param: Some(param.to_owned()),
        code: "invalid_value",
        message: format!("Invalid value for '{param}': expected {}.", expected.as_ref()),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, Uri};

    use super::*;

    fn read(query: &str) -> Result<Vec<Pair>, InvalidRequest> {
        let uri: Uri = format!("/v1/responses/resp_1?{query}").parse().unwrap();
        pairs(Query::try_from_uri(&uri))
    }

    #[test]
    fn whoever_goes_on_says_how_far_it_has_come() {
        for (query, header, stream, after) in [
            ("", None, false, None),
            ("stream=false", None, false, None),
            ("stream=true", None, true, None),
            ("stream=true&starting_after=7&include_obfuscation=false", None, true, Some(7)),
            ("stream=true&starting_after=7", Some("9"), true, Some(9)),
            ("stream=true", Some("0"), true, Some(0)),
            ("", Some("of some other stream"), false, None),
            ("stream=true", Some(""), true, None),
            (
                "include[]=reasoning.encrypted_content&include=file_search_call.results",
                None,
                false,
                None,
            ),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(header) = header {
                headers.insert(LAST_EVENT_ID, HeaderValue::from_static(header));
            }
            let show = Show::read(&read(query).unwrap(), &headers);
            assert_eq!(show, Ok(Show { stream, after }), "{query}");
        }
    }

    #[test]
    fn what_means_nothing_is_refused_by_name() {
        for (query, param) in [
            ("stream=yes", "stream"),
            ("starting_after=-1", "starting_after"),
            ("starting_after=", "starting_after"),
            ("stream=true&starting_after=1.0", "starting_after"),
            ("include[]=everything", "include"),
            ("include[0]=everything", "include"),
            ("include=", "include"),
        ] {
            let refused = read(query).and_then(|pairs| Show::read(&pairs, &HeaderMap::new()));
            assert_eq!(refused.unwrap_err().param.as_deref(), Some(param), "{query}");
        }
        for (query, param) in [("limit=0", "limit"), ("limit=101", "limit"), ("order=up", "order")]
        {
            let refused = read(query).and_then(|pairs| Page::read(&pairs));
            assert_eq!(refused.unwrap_err().param.as_deref(), Some(param), "{query}");
        }
    }

    #[test]
    fn a_page_has_twenty_items_newest_first_unless_asked_otherwise() {
        let page = |query| Page::read(&read(query).unwrap()).unwrap();
        assert_eq!(page(""), Page { limit: 20, newest_first: true, after: None });
        let after = Some("msg_1".to_owned());
        assert_eq!(
            page("order=asc&limit=100&after=msg_1"),
            Page { limit: 100, newest_first: false, after }
        );
    }
}
