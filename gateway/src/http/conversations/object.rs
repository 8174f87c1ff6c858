//! A conversation, and a list of them, as JSON.

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::conversations::{Conversation, Listed};

#[derive(Serialize)]
struct Object<'a> {
    id: String,
    object: &'static str,
    created_at: u64,
    metadata: Option<&'a RawValue>,
    /// Ours.
    title: Option<&'a str>,
}

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: Vec<Object<'a>>,
    first_id: Option<String>,
    last_id: Option<String>,
    has_more: bool,
    /// Whether a search has looked through everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    search_complete: Option<bool>,
}

impl<'a> From<&'a Conversation> for Object<'a> {
    fn from(conversation: &'a Conversation) -> Self {
        Self {
            id: conversation.id.as_conversation(),
            object: "conversation",
            created_at: conversation.created_at,
            metadata: serde_json::from_str(&conversation.metadata).ok(),
            title: conversation.title.as_deref(),
        }
    }
}

/// The JSON of one.
pub(super) fn of(conversation: &Conversation) -> Bytes {
    json(&Object::from(conversation))
}

/// The JSON of a page of them.
pub(super) fn list(listed: &Listed, search_complete: Option<bool>) -> Bytes {
    let data: Vec<Object<'_>> = listed.conversations.iter().map(Object::from).collect();
    let id = |one: Option<&Object<'_>>| one.map(|one| one.id.clone());
    let (first_id, last_id) = (id(data.first()), id(data.last()));
    let has_more = listed.has_more;
    json(&List { object: "list", data, first_id, last_id, has_more, search_complete })
}

fn json(object: &impl Serialize) -> Bytes {
    // Texts, numbers and JSON that was read before: writing them to memory cannot fail.
    serde_json::to_vec(object).unwrap_or_default().into()
}
