//! Files that belong to a question, as the gateway has kept it.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openai_api::responses::text_of_file;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{ImageType, name};

/// How much of a text is shown with its question. All of it has an address of its own.
const SHOWN: usize = 16 * 1024;

/// A file of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attached {
    /// Empty if nobody gave it one.
    pub(crate) name: String,
    pub(crate) what: What,
}

/// What is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    Image {
        bytes: usize,
    },
    Text {
        bytes: usize,
        beginning: String,
    },
    /// It is somewhere else, and is not fetched.
    Elsewhere(String),
    /// It is of no type that is shown.
    Unshown,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, default)]
    role: Cow<'a, str>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    filename: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    image_url: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    file_data: Option<Cow<'a, str>>,
}

/// The parts of what users say in these items that are files, in order. Their number is their name
/// in addresses and forms.
pub(crate) fn parts<'a>(items: impl IntoIterator<Item = &'a RawValue>) -> Vec<&'a RawValue> {
    let mut parts = Vec::new();
    for item in items {
        let Ok(Item { role, content: Some(content) }) = serde_json::from_str(item.get()) else {
            continue;
        };
        if role != "user" || !content.get().starts_with('[') {
            continue;
        }
        let all: Vec<&RawValue> = serde_json::from_str(content.get()).unwrap_or_default();
        parts.extend(all.into_iter().filter(|part| {
            let part = serde_json::from_str::<Part<'_>>(part.get());
            part.is_ok_and(|part| matches!(&*part.kind, "input_image" | "input_file"))
        }));
    }
    parts
}

/// What is shown of these parts.
pub(crate) fn attached(parts: &[&RawValue]) -> Vec<Attached> {
    let read = parts.iter().filter_map(|part| serde_json::from_str::<Part<'_>>(part.get()).ok());
    read.map(|part| part.attached()).collect()
}

/// What a browser is given of a part, and its type: an image that every browser knows, or text.
pub(crate) fn data_of(part: &RawValue) -> Option<(Option<ImageType>, Vec<u8>)> {
    let part = serde_json::from_str::<Part<'_>>(part.get()).ok()?;
    if let Some(url) = part.image_url.as_deref() {
        let bytes = STANDARD.decode(in_base64(url)?).ok()?;
        return Some((Some(ImageType::of(&bytes)?), bytes));
    }
    let text = text_of_file(part.file_data.as_deref()?).ok()?;
    Some((None, text.into_bytes()))
}

impl Part<'_> {
    fn attached(&self) -> Attached {
        let name = name::shown(self.filename.as_deref().unwrap_or_default());
        let what = if let Some(url) = self.image_url.as_deref() {
            image(url)
        } else {
            self.file_data.as_deref().map_or(What::Unshown, text)
        };
        Attached { name, what }
    }
}

fn image(url: &str) -> What {
    if !url.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:")) {
        return What::Elsewhere(url.to_owned());
    }
    let Some(data) = in_base64(url) else { return What::Unshown };
    // Four digits are three bytes.
    let beginning = data.get(..ImageType::TELLING / 3 * 4).map(|digits| STANDARD.decode(digits));
    match beginning {
        Some(Ok(bytes)) if ImageType::of(&bytes).is_some() => {
            What::Image { bytes: data.trim_end_matches('=').len() * 3 / 4 }
        }
        _ => What::Unshown,
    }
}

fn text(data: &str) -> What {
    let Ok(mut text) = text_of_file(data) else { return What::Unshown };
    let bytes = text.len();
    text.truncate(text.floor_char_boundary(SHOWN));
    What::Text { bytes, beginning: text }
}

/// What stands behind `data:…;base64,`.
fn in_base64(url: &str) -> Option<&str> {
    let (head, data) = url.split_once(',')?;
    head.ends_with(";base64").then_some(data)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PNG: &str = "data:image/png;base64,iVBORw0KGgogYW5kIHNvIG9u";

    #[test]
    fn the_files_of_users_are_found_and_nothing_else() {
        let items = json!([
            {"role": "user", "content": "text"},
            {"role": "assistant", "content": [{"type": "input_image", "image_url": PNG}]},
            {"type": "message", "role": "user", "content": [
                {"type": "input_text", "text": "a"},
                {"type": "input_image", "image_url": PNG, "filename": "../a.png"},
                {"type": "input_image", "image_url": "https://example.com/b.png"},
                {"type": "input_image", "image_url": "data:image/svg+xml;base64,PHN2Zy8+"},
                {"type": "input_image", "image_url": "data:image/png,%89PNG"},
                {"type": "input_image", "image_url": "data:text/html;base64,iVBORw0KGgogYW5kIHNvIG9u"},
            ]},
            {"role": "user", "content": [
                {"type": "input_file", "file_data": "data:text/plain;base64,w6k=", "filename": "é\u{202e}.txt"},
                {"type": "input_file", "file_id": "file_1"},
            ]},
        ])
        .to_string();
        let items: Vec<&RawValue> = serde_json::from_str(&items).unwrap();
        let parts = parts(items);

        let is = |name: &str, what| Attached { name: name.to_owned(), what };
        let expected = [
            is("a.png", What::Image { bytes: 18 }),
            is("", What::Elsewhere("https://example.com/b.png".into())),
            is("", What::Unshown),
            is("", What::Unshown),
            // It begins like an image, and is given as one.
            is("", What::Image { bytes: 18 }),
            is("é.txt", What::Text { bytes: 2, beginning: "é".into() }),
            is("", What::Unshown),
        ];
        assert_eq!(attached(&parts), expected);
        let given: Vec<_> = parts.iter().map(|part| data_of(part)).collect();
        let png = Some((Some(ImageType::Png), b"\x89PNG\r\n\x1a\n and so on".to_vec()));
        let text = Some((None, "é".as_bytes().to_vec()));
        assert_eq!(given, [png.clone(), None, None, None, png, text, None]);
    }

    #[test]
    fn of_a_long_text_the_beginning_is_shown() {
        let data = format!("data:text/plain,{}", "é".repeat(SHOWN));

        let What::Text { bytes, beginning } = text(&data) else { panic!() };

        assert_eq!((bytes, beginning.len()), (2 * SHOWN, SHOWN));
    }
}
