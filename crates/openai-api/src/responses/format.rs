//! What kind of text is wanted: the member `text`.

use super::json::{Writer, one_line};
use super::reading::Object;
use crate::InvalidRequest;

/// Plain text, as the API writes it.
const PLAIN: &str = "{\"type\":\"text\"}";

/// The member `text`, checked.
#[derive(Debug, Default)]
pub(super) struct TextOptions<'a> {
    format: Format<'a>,
    verbosity: Option<&'a str>,
}

#[derive(Debug, Default)]
enum Format<'a> {
    #[default]
    Text,
    JsonObject,
    JsonSchema(Object<'a>),
}

impl<'a> TextOptions<'a> {
    pub(super) fn read(request: &Object<'a>) -> Result<Self, InvalidRequest> {
        let Some(text) = request.object("text")? else { return Ok(Self::default()) };
        let format = match text.object("format")? {
            None => Format::Text,
            Some(format) => Format::read(format)?,
        };
        Ok(Self { format, verbosity: text.text("verbosity")? })
    }

    /// The same for a chat completion.
    pub(super) fn write_chat(&self, out: &mut Writer) {
        match &self.format {
            Format::Text => {}
            Format::JsonObject => out.member("response_format", "{\"type\":\"json_object\"}"),
            Format::JsonSchema(object) => {
                let mut schema = Writer::default();
                for key in ["name", "description", "schema", "strict"] {
                    schema.maybe(key, object.raw(key));
                }
                let schema = schema.object();
                let format = format!("{{\"type\":\"json_schema\",\"json_schema\":{schema}}}");
                out.member("response_format", &format);
            }
        }
        out.maybe("verbosity", self.verbosity);
    }

    /// The same in a response.
    pub(super) fn echo(&self) -> String {
        let mut text = Writer::default();
        match &self.format {
            Format::Text => text.member("format", PLAIN),
            Format::JsonObject => text.member("format", "{\"type\":\"json_object\"}"),
            Format::JsonSchema(object) => {
                let mut format = Writer::default();
                format.member("type", "\"json_schema\"");
                for (key, otherwise) in [
                    ("name", "null"),
                    ("description", "null"),
                    ("schema", "{}"),
                    ("strict", "false"),
                ] {
                    format.member(key, &one_line(object.raw(key).unwrap_or(otherwise)));
                }
                text.member("format", &format.object());
            }
        }
        text.maybe("verbosity", self.verbosity);
        text.object()
    }
}

impl<'a> Format<'a> {
    fn read(format: Object<'a>) -> Result<Self, InvalidRequest> {
        match format.word("type", &["text", "json_object", "json_schema"])? {
            None => Err(InvalidRequest::missing(&format.path_of("type"))),
            Some("json_object") => Ok(Self::JsonObject),
            Some("json_schema") => {
                format.required_text("name")?;
                format.text("description")?;
                format.boolean("strict")?;
                if format.object("schema")?.is_none() {
                    return Err(InvalidRequest::missing(&format.path_of("schema")));
                }
                Ok(Self::JsonSchema(format))
            }
            Some(_text) => Ok(Self::Text),
        }
    }
}
