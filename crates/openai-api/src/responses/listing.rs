//! The input of a request as a list of items, each complete and with an id.

use std::collections::HashSet;

use serde_json::value::RawValue;

use super::json::{one_line, quoted};
use super::messages::kind;
use super::reading::Object;

/// What becomes of the ids that items came with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ids {
    /// They are kept, each once.
    Kept,
    /// Every item gets a fresh one.
    Fresh,
}

/// The items of `input`, which was checked before, as a JSON array on one line.
pub(super) fn items(input: Option<&str>, seed: &str, ids: Ids) -> String {
    let items: Vec<String> = match input {
        None => Vec::new(),
        Some(text) if text.starts_with('"') => {
            let content = format!("[{{\"type\":\"input_text\",\"text\":{text}}}]");
            vec![format!(
                "{{\"id\":{},\"type\":\"message\",\"status\":\"completed\",\"role\":\"user\",\
                 \"content\":{content}}}",
                fresh_id("message", seed, 0)
            )]
        }
        Some(array) => {
            let items: Vec<&RawValue> = serde_json::from_str(array).unwrap_or_default();
            let objects = items.iter().filter_map(|item| Object::read(item.get(), "").ok());
            let mut taken = HashSet::new();
            let each = objects.enumerate();
            each.map(|(at, item)| complete(&item, seed, at, ids, &mut taken)).collect()
        }
    };
    one_line(&format!("[{}]", items.join(","))).into_owned()
}

/// The item with all the members that a reader may count on.
fn complete<'a>(
    item: &Object<'a>,
    seed: &str,
    at: usize,
    ids: Ids,
    taken: &mut HashSet<&'a str>,
) -> String {
    let kind = kind(item).unwrap_or("message");
    let kind_json = quoted(kind);
    let own = item.raw("id").filter(|id| id.starts_with('"') && *id != "\"\"");
    // Whoever pages through the list by id must come to its end.
    let id = match own {
        Some(own) if ids == Ids::Kept && taken.insert(own) => own.to_owned(),
        _ => fresh_id(kind, seed, at),
    };
    let mut put = vec![("id", id.as_str()), ("type", kind_json.as_str())];
    if kind != "reasoning" && item.raw("status").is_none() {
        put.push(("status", "\"completed\""));
    }
    let content = item.raw("content").filter(|text| text.starts_with('"')).map(|text| {
        match item.raw("role") {
            Some("\"assistant\"") => format!(
                "[{{\"type\":\"output_text\",\"text\":{text},\"annotations\":[],\"logprobs\":[]}}]"
            ),
            _ => format!("[{{\"type\":\"input_text\",\"text\":{text}}}]"),
        }
    });
    if let Some(content) = &content {
        put.push(("content", content));
    }
    String::from_utf8(item.members().with(&put)).unwrap_or_default()
}

/// The JSON of an id that no output item of the same response has.
fn fresh_id(kind: &str, seed: &str, at: usize) -> String {
    let prefix = match kind {
        "function_call" => "fc",
        "function_call_output" => "fco",
        "reasoning" => "rs",
        _ => "msg",
    };
    quoted(&format!("{prefix}_{seed}_in{at}"))
}
