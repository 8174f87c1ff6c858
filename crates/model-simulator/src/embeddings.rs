//! `POST /v1/embeddings`: a vector of length one for each text, the same for the same text.
//!
//! A vector is the sum of its words' vectors and a little of its own, so that texts that share
//! words lie near each other.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use openai_api::RequestHead;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::chat::{read_body, within_context};
use crate::directives::{Directives, Script};
use crate::error::ApiError;
use crate::fault::Fault;
use crate::journal::{Ended, Operation, Phase};
use crate::random::{Random, hash};
use crate::request::Body;
use crate::routes::Served;
use crate::{script, tokens, whole};

/// Numbers of a vector when none were asked for.
const DIMENSIONS: u64 = 64;
/// Most numbers of a vector.
const MOST_DIMENSIONS: u64 = 8_192;
/// Most texts of a request.
const MOST_INPUTS: usize = 2_048;
/// What a text's own vector weighs beside one of its words.
const OWN_WEIGHT: f32 = 0.25;

#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    Text(String),
    Texts(Vec<String>),
    Tokens(Vec<u64>),
    TokenLists(Vec<Vec<u64>>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Encoding {
    Float,
    Base64,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
enum Vector {
    Float(Vec<f32>),
    Base64(String),
}

#[derive(Serialize)]
struct List {
    object: &'static str,
    data: Vec<Embedding>,
    model: String,
    usage: Usage,
    #[serde(skip_serializing_if = "Option::is_none")]
    echo: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct Embedding {
    object: &'static str,
    index: usize,
    embedding: Vector,
}

#[derive(Serialize)]
struct Usage {
    prompt_tokens: u64,
    total_tokens: u64,
}

/// `POST /v1/embeddings`
pub(crate) async fn create(
    State(served): State<Arc<Served>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    match read_body(body).and_then(|body| answer(&served, &headers, &body)) {
        Ok((list, fault)) => send(&served, list, fault).await,
        Err(error) => {
            served.journal.start(Operation::Embeddings, "", Phase::Unary).end(Ended::Refused);
            error.into_response()
        }
    }
}

async fn send(served: &Served, list: List, fault: Fault) -> Response {
    let mut entry = served.journal.start(Operation::Embeddings, &list.model, Phase::Unary);
    if let Err(error) = fault.before_headers(&served.stopping).await {
        entry.end(Ended::Fault);
        return error.into_response();
    }
    // Numbers and strings: this cannot fail.
    let json = serde_json::to_vec(&list).unwrap_or_default();
    whole::response(json, 0, &fault, &served.stopping, entry)
}

fn answer(served: &Served, headers: &HeaderMap, body: &[u8]) -> Result<(List, Fault), ApiError> {
    let head = RequestHead::of_embeddings(body)?;
    let members = Body::parse(body)?;
    let mut directives = Directives::of(&head.model, headers, members.raw("simulator"), None)?;
    let texts = texts(&members)?;
    let dimensions = members.whole("dimensions", 1..=MOST_DIMENSIONS)?.unwrap_or(DIMENSIONS);
    let encoding = members.member("encoding_format", "`float` or `base64`")?;
    let encoding = encoding.unwrap_or(Encoding::Float);

    let mut prompt_tokens = 0;
    for text in &texts {
        let tokens = tokens::estimate(text);
        within_context(served.settings.context_tokens, tokens)?;
        prompt_tokens += tokens;
    }
    let echoed = directives.script == Some(Script::Echo);
    let embedding = |(index, text): (usize, &String)| {
        let vector = encoded(&vector(text, dimensions as usize), encoding);
        Embedding { object: "embedding", index, embedding: vector }
    };
    let list = List {
        object: "list",
        data: texts.iter().enumerate().map(embedding).collect(),
        model: head.model,
        usage: Usage { prompt_tokens, total_tokens: prompt_tokens },
        echo: echoed.then(|| RawValue::from_string(script::echo(body, headers)).ok()).flatten(),
    };
    let fault = served.fault_times.due(directives.fault.take()).unwrap_or_default();
    Ok((list, fault))
}

/// The inputs as texts; lists of tokens become texts of numbers.
fn texts(members: &Body<'_>) -> Result<Vec<String>, ApiError> {
    let of_tokens =
        |tokens: Vec<u64>| tokens.iter().map(u64::to_string).collect::<Vec<_>>().join(" ");
    let expected = "a string, an array of strings, an array of tokens, or an array of those";
    let texts = match members.member::<Input>("input", expected)? {
        None => Vec::new(),
        Some(Input::Text(text)) => vec![text],
        Some(Input::Texts(texts)) => texts,
        Some(Input::Tokens(tokens)) => vec![of_tokens(tokens)],
        Some(Input::TokenLists(lists)) => lists.into_iter().map(of_tokens).collect(),
    };
    if texts.is_empty() || texts.len() > MOST_INPUTS || texts.iter().any(String::is_empty) {
        let message = format!("Invalid 'input': expected 1 to {MOST_INPUTS} texts, none empty.");
        return Err(ApiError::invalid("input", message));
    }
    Ok(texts)
}

fn vector(text: &str, dimensions: usize) -> Vec<f32> {
    let mut sum = vec![0.0; dimensions];
    let mut add = |word: &str, weight: f32| {
        let mut random = Random::new(hash(word));
        sum.iter_mut().for_each(|number| *number += weight * (2.0 * random.unit() as f32 - 1.0));
    };
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.for_each(|word| add(word, 1.0));
    // With its own part no text is without a direction, and the order of words counts a little.
    add(&format!("whole text: {text}"), OWN_WEIGHT);

    let length = sum.iter().map(|number| number * number).sum::<f32>().sqrt();
    if length > 0.0 {
        sum.iter_mut().for_each(|number| *number /= length);
    }
    sum
}

fn encoded(vector: &[f32], encoding: Encoding) -> Vector {
    match encoding {
        Encoding::Float => Vector::Float(vector.to_vec()),
        Encoding::Base64 => {
            let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
            Vector::Base64(BASE64_STANDARD.encode(bytes))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likeness(one: &str, other: &str) -> f32 {
        let pairs = vector(one, 64).into_iter().zip(vector(other, 64));
        pairs.map(|(a, b)| a * b).sum()
    }

    #[test]
    fn vectors_have_length_one_and_the_same_text_has_the_same() {
        assert!((likeness("a tower", "a tower") - 1.0).abs() < 1e-5);
        assert!((likeness("…", "…") - 1.0).abs() < 1e-5, "even without a word");
    }

    #[test]
    fn texts_that_share_words_are_nearer_than_others() {
        let near = likeness("a tower on a hill", "a tower on the hill");
        let far = likeness("a tower on a hill", "seven green bottles");

        assert!(near > 0.6 && far < 0.5 && near > far, "{near} and {far}");
    }
}
