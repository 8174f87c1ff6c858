//! Bodies as callers send them: what is taken makes sense, and is said again without loss.

use std::collections::BTreeMap;

use openai_api::RequestHead;
use openai_api::object::Members;
use openai_api::responses::{
    About, CreateResponse, NewConversation, NewItems, Projection, first_user_text, new_metadata,
};

use super::{assert_json, assert_one_line_of_json};

pub(super) fn run(body: &[u8]) {
    for head in [RequestHead::of_chat(body), RequestHead::of_embeddings(body)] {
        if head.is_ok() {
            under_another_model(body);
        }
    }
    if let Ok(request) = CreateResponse::parse(body) {
        response(&request, body);
    }
    if let Ok(conversation) = NewConversation::parse(body) {
        assert_one_line_of_json(conversation.items("seed").as_bytes(), "items");
        if let Some(metadata) = conversation.metadata() {
            assert_pairs(metadata);
        }
    }
    if let Ok(items) = NewItems::parse(body) {
        let items = items.items("seed");
        assert_one_line_of_json(items.as_bytes(), "items");
        let _title = first_user_text(&items);
    }
    if let Ok(metadata) = new_metadata(body) {
        assert_pairs(&metadata);
    }
}

/// Metadata are kept as they came: every value in them was checked, also one under a key that
/// stands there again.
fn assert_pairs(metadata: &str) {
    let pairs: Result<BTreeMap<String, String>, _> = serde_json::from_str(metadata);
    assert!(pairs.is_ok(), "metadata are pairs of strings: {pairs:?}");
    let longest = pairs.iter().flatten().map(|(_, value)| value.chars().count()).max();
    assert!(longest.unwrap_or(0) <= 512, "a value is over its limit");
}

/// A worker puts its upstream's name for the model into what a gateway has let through.
fn under_another_model(body: &[u8]) {
    let Ok(members) = Members::parse(body) else { panic!("a checked request is an object") };
    let renamed = members.with(&[("model", "\"other\"")]);
    assert_json(&renamed, "a request under another model");
    let Ok(again) = Members::parse(&renamed) else { panic!("still an object") };
    assert_eq!(again.get("model"), Some("\"other\""), "the model is replaced");
}

fn response(request: &CreateResponse, body: &[u8]) {
    let items = request.input_items("seed");
    assert_one_line_of_json(items.as_bytes(), "input items");
    if let Ok(asked) = request.chat_body("[]") {
        assert_json(&asked, "what a model is asked");
        let head = RequestHead::of_chat(&asked);
        assert!(head.is_ok(), "what a model is asked is a chat request: {head:?}");
    }
    // The next turn is asked with these before it; a request that only goes on has none.
    if items != "[]" {
        let next = request.chat_body(&items);
        assert!(next.is_ok(), "what was asked once can stand before what is asked next: {next:?}");
    }
    let Ok(text) = std::str::from_utf8(body) else { panic!("a checked request is text") };
    let about = About { id: "resp_1", seed: "seed", created_at: 7, model: "m", request: text };
    let projection = Projection::new(&about);
    assert!(projection.is_ok(), "what was accepted can be folded: {:?}", projection.err());
    if let Ok(projection) = projection {
        assert_one_line_of_json(&projection.response(), "a response");
    }
}
