//! `/v1/conversations`: what a caller sends to make one or to change it, read once.

use super::json::one_line;
use super::listing::{self, Ids};
use super::messages::Messages;
use super::options::metadata;
use super::reading::Object;
use crate::InvalidRequest;
use crate::request::parse;

/// Most items that are added by one request.
pub const MOST_ITEMS_AT_ONCE: usize = 20;

const ITEMS: &str = "items";

/// `POST /v1/conversations`, checked.
pub struct NewConversation {
    items: Option<String>,
    metadata: Option<String>,
}

/// `POST /v1/conversations/{id}/items`, checked.
pub struct NewItems(String);

impl NewConversation {
    /// Reads and checks the body of a request. There need not be one.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with the member at fault.
    pub fn parse(body: &[u8]) -> Result<Self, InvalidRequest> {
        let body = if body.trim_ascii().is_empty() { b"{}" } else { body };
        let request = Object::root(parse(body)?);
        Ok(Self {
            items: items(&request)?.map(str::to_owned),
            metadata: metadata(&request)?.map(|json| one_line(json).into_owned()),
        })
    }

    /// The items as a JSON array, each with an id of ours that is made of `seed`.
    pub fn items(&self, seed: &str) -> String {
        listing::items(self.items.as_deref(), seed, Ids::Fresh)
    }

    /// A JSON object.
    pub fn metadata(&self) -> Option<&str> {
        self.metadata.as_deref()
    }
}

impl NewItems {
    /// Reads and checks the body of a request.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with the member at fault.
    pub fn parse(body: &[u8]) -> Result<Self, InvalidRequest> {
        let request = Object::root(parse(body)?);
        let items = items(&request)?.ok_or_else(|| InvalidRequest::missing(ITEMS))?;
        Ok(Self(items.to_owned()))
    }

    /// The items as a JSON array, each with an id of ours that is made of `seed`.
    pub fn items(&self, seed: &str) -> String {
        listing::items(Some(&self.0), seed, Ids::Fresh)
    }
}

/// `POST /v1/conversations/{id}`: the metadata that take the place of those before, a JSON object.
///
/// # Errors
///
/// The first thing that is wrong, with the member at fault.
pub fn new_metadata(body: &[u8]) -> Result<String, InvalidRequest> {
    const PARAM: &str = "metadata";
    let request = Object::root(parse(body)?);
    if request.members().get(PARAM).is_none() {
        return Err(InvalidRequest::missing(PARAM));
    }
    Ok(one_line(metadata(&request)?.unwrap_or("{}")).into_owned())
}

/// The array of items. Each is one that a model can be given.
fn items<'a>(request: &Object<'a>) -> Result<Option<&'a str>, InvalidRequest> {
    let Some(objects) = request.objects(ITEMS)? else { return Ok(None) };
    let count = objects.len();
    if count > MOST_ITEMS_AT_ONCE {
        let message = format!(
            "Invalid '{ITEMS}': {count} items. At most {MOST_ITEMS_AT_ONCE} are added at once."
        );
        return Err(InvalidRequest::at(ITEMS, "array_above_max_length", message));
    }
    let mut messages = Messages::default();
    for item in &objects {
        messages.item(item)?;
    }
    Ok(request.raw(ITEMS))
}
