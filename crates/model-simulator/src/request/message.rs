//! One message of a conversation: who says it, its words, its images.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Body;
use crate::error::ApiError;

/// Who says a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    System,
    Developer,
    User,
    Assistant,
    Tool,
    Function,
}

/// One message.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) role: Role,
    pub(crate) text: String,
    pub(crate) images: Vec<Image>,
    /// Whether the answer is to go on from its end.
    pub(crate) prefix: bool,
}

/// What is known of an image without looking at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Image {
    /// It is part of the request: its kind, such as `png`, and its size.
    Inline { kind: String, bytes: usize },
    /// It is somewhere else.
    Linked,
}

#[derive(Deserialize)]
struct Wire {
    role: Role,
    content: Option<Content>,
    prefix: Option<bool>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
struct Part {
    text: Option<String>,
    image_url: Option<ImageUrl>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ImageUrl {
    Wrapped { url: String },
    Bare(String),
}

impl Message {
    /// All messages of a request, whose array was checked before.
    pub(crate) fn all(body: &Body<'_>) -> Result<Vec<Self>, ApiError> {
        let raw = body.member::<Vec<Box<RawValue>>>("messages", "an array of objects")?;
        raw.unwrap_or_default().iter().enumerate().map(|(index, raw)| read(index, raw)).collect()
    }
}

fn read(index: usize, raw: &RawValue) -> Result<Message, ApiError> {
    let wire: Wire = serde_json::from_str(raw.get()).map_err(|error| {
        let param = format!("messages[{index}]");
        let message = format!("Invalid '{param}': {error}.");
        ApiError::invalid_as("invalid_type", param, message)
    })?;
    let mut message = Message {
        role: wire.role,
        text: String::new(),
        images: Vec::new(),
        prefix: wire.prefix.unwrap_or_default(),
    };
    match wire.content {
        None => {}
        Some(Content::Text(text)) => message.text = text,
        Some(Content::Parts(parts)) => parts.into_iter().for_each(|part| message.add(part)),
    }
    Ok(message)
}

impl Message {
    fn add(&mut self, part: Part) {
        if let Some(text) = part.text {
            if !self.text.is_empty() {
                self.text.push('\n');
            }
            self.text.push_str(&text);
        }
        if let Some(ImageUrl::Wrapped { url } | ImageUrl::Bare(url)) = part.image_url {
            self.images.push(Image::of(&url));
        }
    }
}

impl Image {
    /// `data:image/png;base64,…`, or an address.
    fn of(url: &str) -> Self {
        let Some((kind, data)) =
            url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"))
        else {
            return Self::Linked;
        };
        let kind = kind.strip_prefix("image/").unwrap_or(kind).to_owned();
        let digits = data.trim_end_matches('=').len();
        Self::Inline { kind, bytes: digits * 3 / 4 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_and_size_of_an_image_are_read_from_its_address() {
        // "hello" in base64 is 8 digits, one of them padding.
        let inline = Image::of("data:image/png;base64,aGVsbG8=");

        assert_eq!(inline, Image::Inline { kind: "png".to_owned(), bytes: 5 });
        assert_eq!(Image::of("https://example.com/cat.png"), Image::Linked);
    }
}
