//! Who said what in a list of items: for titles and for a search, not for a model.

use serde_json::value::RawValue;

use super::messages::kind;
use super::reading::Object;

/// Whose words they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// Whoever asks.
    User,
    /// Whoever answers.
    Assistant,
}

/// What users and assistants say in `items`, a JSON array, in order. Everything else in it (calls,
/// thoughts, pictures, and what the system is told) is passed over.
pub fn said_in(items: &str) -> Vec<(Speaker, String)> {
    let items: Vec<&RawValue> = serde_json::from_str(items).unwrap_or_default();
    let objects = items.iter().filter_map(|item| Object::read(item.get(), "").ok());
    objects.flat_map(|item| said_by(&item)).collect()
}

/// The first text of a user in `items`, a JSON array.
pub fn first_user_text(items: &str) -> Option<String> {
    let mut said = said_in(items).into_iter();
    said.find(|(who, text)| *who == Speaker::User && !text.trim().is_empty()).map(|(_, text)| text)
}

/// What names a conversation that begins with `items`, a JSON array: the first text of a user, or
/// else the name of the first file.
pub fn first_user_words(items: &str) -> Option<String> {
    first_user_text(items).or_else(|| first_file_name(items))
}

fn first_file_name(items: &str) -> Option<String> {
    let items: Vec<&RawValue> = serde_json::from_str(items).unwrap_or_default();
    let objects = items.iter().filter_map(|item| Object::read(item.get(), "").ok());
    let users = objects.filter(|item| item.raw("role") == Some("\"user\""));
    users.filter_map(|item| name_in(&item)).next()
}

fn name_in(item: &Object<'_>) -> Option<String> {
    let parts = item.objects("content").ok().flatten()?;
    let mut names = parts.iter().filter_map(|part| part.string("filename").ok().flatten());
    names.find(|name| !name.trim().is_empty())
}

fn said_by(item: &Object<'_>) -> Vec<(Speaker, String)> {
    if kind(item) != Ok("message") {
        return Vec::new();
    }
    let speaker = match item.raw("role") {
        Some("\"user\"") => Speaker::User,
        Some("\"assistant\"") => Speaker::Assistant,
        _ => return Vec::new(),
    };
    let texts = match item.string("content") {
        Ok(Some(text)) => vec![text],
        _ => {
            let parts = item.objects("content").ok().flatten().unwrap_or_default();
            parts.iter().filter_map(|part| part.string("text").ok().flatten()).collect()
        }
    };
    texts.into_iter().map(|text| (speaker, text)).collect()
}
