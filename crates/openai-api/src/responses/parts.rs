//! The content of an item as the content of a chat message.

use std::borrow::Cow;

use super::file;
use super::json::{Writer, quoted};
use super::reading::Object;
use crate::InvalidRequest;

/// What parts can be.
const KINDS: &[&str] = &["input_text", "output_text", "refusal", "input_image", "input_file"];

/// One part, as chat completions know it.
enum Part<'a> {
    /// The JSON of a text.
    Text(Cow<'a, str>),
    /// The JSON of another part.
    Other(String),
}

/// The JSON of what a member of `item` says: a string, or an array of parts.
pub(super) fn content(item: &Object<'_>, key: &str) -> Result<String, InvalidRequest> {
    let path = item.path_of(key);
    let Some(raw) = item.raw(key) else { return Err(InvalidRequest::missing(&path)) };
    if raw.starts_with('"') {
        return Ok(raw.to_owned());
    }
    if !raw.starts_with('[') {
        return Err(InvalidRequest::wrong_type(path, "a string or an array of parts", raw));
    }
    let mut parts = Vec::new();
    for part in item.objects(key)?.unwrap_or_default() {
        parts.push(read(&part)?);
    }
    Ok(match parts.as_slice() {
        [] => "\"\"".to_owned(),
        // Every model server reads a plain text, and not every one reads parts.
        [Part::Text(text)] => text.clone().into_owned(),
        parts => {
            let parts: Vec<String> = parts.iter().map(Part::json).collect();
            format!("[{}]", parts.join(","))
        }
    })
}

impl Part<'_> {
    fn json(&self) -> String {
        match self {
            Self::Text(text) => format!("{{\"type\":\"text\",\"text\":{text}}}"),
            Self::Other(json) => json.clone(),
        }
    }
}

fn read<'a>(part: &Object<'a>) -> Result<Part<'a>, InvalidRequest> {
    match part.word("type", KINDS)? {
        None => Err(InvalidRequest::missing(&part.path_of("type"))),
        Some("input_image") => image(part),
        Some("input_file") => text_file(part),
        Some("refusal") => {
            let refusal = part.required_text("refusal")?;
            Ok(Part::Other(format!("{{\"type\":\"refusal\",\"refusal\":{refusal}}}")))
        }
        Some(_text) => Ok(Part::Text(part.required_text("text")?.into())),
    }
}

fn image<'a>(part: &Object<'a>) -> Result<Part<'a>, InvalidRequest> {
    refuse(part, "file_id", "Images are given as 'image_url', an address or a data URL.")?;
    let mut image = Writer::default();
    image.member("url", part.required_text("image_url")?);
    image.maybe("detail", part.text("detail")?);
    Ok(Part::Other(format!("{{\"type\":\"image_url\",\"image_url\":{}}}", image.object())))
}

fn text_file<'a>(part: &Object<'a>) -> Result<Part<'a>, InvalidRequest> {
    const HINT: &str = "Files are given as 'file_data', a data URL of a type `text/…`.";
    refuse(part, "file_id", HINT)?;
    refuse(part, "file_url", HINT)?;
    let text = file::text_of(&part.required_string("file_data")?).map_err(|reason| {
        let param = part.path_of("file_data");
        let message = format!("Invalid '{param}': it {reason}.");
        InvalidRequest::unsupported_value(param, message)
    })?;
    // Of several files a model can say which it means.
    let text = match part.string("filename")? {
        Some(name) if !name.trim().is_empty() => format!("{}:\n\n{text}", name.trim()),
        _ => text,
    };
    Ok(Part::Text(quoted(&text).into()))
}

fn refuse(part: &Object<'_>, key: &str, hint: &str) -> Result<(), InvalidRequest> {
    if part.raw(key).is_none() {
        return Ok(());
    }
    let param = part.path_of(key);
    let message = format!("Unsupported parameter: '{param}'. {hint}");
    Err(InvalidRequest::unsupported(param, message))
}
