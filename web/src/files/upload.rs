//! Files as a form brings them, and as the gateway takes them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{IMAGE_MIB, ImageType, MIB, MOST, TEXT_MIB, TOGETHER_MIB, name};
use crate::texts::files as texts;

/// A file of a form.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    /// As it can be shown; never empty.
    name: String,
    bytes: Vec<u8>,
}

/// Why files cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unfit {
    TooMany,
    TooLargeTogether,
    Empty(String),
    ImageTooLarge(String),
    TextTooLarge(String),
    /// Neither an image of a type that is taken nor text.
    Neither(String),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Part<'a> {
    InputImage { image_url: &'a str, filename: &'a str },
    InputFile { file_data: &'a str, filename: &'a str },
}

impl Upload {
    /// A part of a form; `None` of an input in which nothing was chosen.
    pub(crate) fn of_form(name: &str, bytes: Vec<u8>) -> Option<Self> {
        if name.is_empty() && bytes.is_empty() {
            return None;
        }
        let shown = name::shown(&name::from_form(name));
        let name = if shown.is_empty() { texts::FILE.to_owned() } else { shown };
        Some(Self { name, bytes })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// As a part of a message.
    fn take(&self) -> Result<Box<RawValue>, Unfit> {
        let Self { name, bytes } = self;
        if bytes.is_empty() {
            return Err(Unfit::Empty(name.clone()));
        }
        let part = if let Some(image) = ImageType::of(bytes) {
            if bytes.len() > IMAGE_MIB * MIB {
                return Err(Unfit::ImageTooLarge(name.clone()));
            }
            let image_url = data_url(image.media_type(), bytes);
            serde_json::value::to_raw_value(&Part::InputImage {
                image_url: &image_url,
                filename: name,
            })
        } else {
            if !is_text(bytes) {
                return Err(Unfit::Neither(name.clone()));
            }
            if bytes.len() > TEXT_MIB * MIB {
                return Err(Unfit::TextTooLarge(name.clone()));
            }
            let file_data = data_url("text/plain", bytes);
            serde_json::value::to_raw_value(&Part::InputFile {
                file_data: &file_data,
                filename: name,
            })
        };
        // Strings: this cannot fail.
        part.map_err(|_json| Unfit::Neither(name.clone()))
    }
}

/// All of them as parts of a message, or why not.
pub(crate) fn take(uploads: &[Upload]) -> Result<Vec<Box<RawValue>>, Unfit> {
    if uploads.len() > MOST {
        return Err(Unfit::TooMany);
    }
    let taken = uploads.iter().map(Upload::take).collect::<Result<_, _>>()?;
    if uploads.iter().map(|upload| upload.bytes.len()).sum::<usize>() > TOGETHER_MIB * MIB {
        return Err(Unfit::TooLargeTogether);
    }
    Ok(taken)
}

/// Text in UTF-8, and not an image that is made of text: it would be one to its sender.
fn is_text(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    !text.contains('\0') && !is_svg(text)
}

fn is_svg(text: &str) -> bool {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    // What may stand before the first element.
    while let Some(before) = rest.strip_prefix("<?").or_else(|| rest.strip_prefix("<!")) {
        let end = if before.starts_with("--") { "-->" } else { ">" };
        let Some((_, behind)) = before.split_once(end) else { return false };
        rest = behind.trim_start();
    }
    rest.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("<svg"))
}

fn data_url(media_type: &str, bytes: &[u8]) -> String {
    let mut url = format!("data:{media_type};base64,");
    url.reserve(bytes.len().div_ceil(3) * 4);
    STANDARD.encode_string(bytes, &mut url);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and so on";

    fn upload(name: &str, bytes: impl Into<Vec<u8>>) -> Upload {
        Upload::of_form(name, bytes.into()).unwrap()
    }

    fn taken(name: &str, bytes: impl Into<Vec<u8>>) -> Result<String, Unfit> {
        upload(name, bytes).take().map(|part| part.get().to_owned())
    }

    #[test]
    fn the_bytes_say_what_a_file_is_and_not_its_name() {
        let part = taken("cat.txt", PNG).unwrap();
        let expected = r#"{"type":"input_image","image_url":"data:image/png;base64,iVBORw0KGgogYW5kIHNvIG9u","filename":"cat.txt"}"#;
        assert_eq!(part, expected);
        let part = taken("cat.png", "no cat").unwrap();
        let expected = r#"{"type":"input_file","file_data":"data:text/plain;base64,bm8gY2F0","filename":"cat.png"}"#;
        assert_eq!(part, expected);
        assert!(taken("page.html", "<!doctype html><title>a</title><svg></svg>").is_ok());
    }

    #[test]
    fn what_is_neither_an_image_nor_text_is_refused() {
        let neither = |name: &str| Err(Unfit::Neither(name.to_owned()));
        for (name, bytes) in [
            ("a.bmp", &b"BM\x36\x84"[..]),
            ("latin.txt", b"caf\xe9"),
            ("zero.txt", b"a\0b"),
            ("half.txt", b"\xf0\x9f\x98"),
            ("a.svg", b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
            (
                "b.svg",
                b"\xef\xbb\xbf<?xml version=\"1.0\"?>\n<!-- > <a> -->\n<!DOCTYPE svg>\n<SVG/>",
            ),
            ("c.png", b"\n <svg onload=\"alert(1)\"/>"),
        ] {
            assert_eq!(taken(name, bytes), neither(name), "{name}");
        }
        assert_eq!(taken("none.txt", ""), Err(Unfit::Empty("none.txt".into())));
    }

    #[test]
    fn there_is_a_limit_for_each_and_for_all() {
        let image = |bytes| [PNG, &vec![0; bytes - PNG.len()]].concat();
        let text = |bytes| "x".repeat(bytes);
        assert!(taken("a", image(IMAGE_MIB * MIB)).is_ok());
        let large = taken("a", image(IMAGE_MIB * MIB + 1));
        assert_eq!(large, Err(Unfit::ImageTooLarge("a".into())));
        assert!(taken("a", text(TEXT_MIB * MIB)).is_ok());
        assert_eq!(taken("a", text(TEXT_MIB * MIB + 1)), Err(Unfit::TextTooLarge("a".into())));

        let half = TOGETHER_MIB * MIB / 2;
        assert!(take(&[upload("a", image(half)), upload("b", image(half))]).is_ok());
        let together = take(&[upload("a", image(half)), upload("b", image(half + 1))]);
        assert_eq!(together.unwrap_err(), Unfit::TooLargeTogether);
        assert!(take(&vec![upload("a", "x"); MOST]).is_ok());
        assert_eq!(take(&vec![upload("a", "x"); MOST + 1]).unwrap_err(), Unfit::TooMany);
    }

    #[test]
    fn an_input_in_which_nothing_was_chosen_is_no_file() {
        assert!(Upload::of_form("", Vec::new()).is_none());
        assert_eq!(upload("", "x").name(), "file");
        assert_eq!(upload("a/", "x").name(), "file");
    }
}
