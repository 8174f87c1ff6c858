//! JSON text, put together by hand.

use std::borrow::Cow;

/// `text` as a JSON string, with its quotes.
pub(super) fn quoted(text: &str) -> String {
    // A string: this cannot fail.
    serde_json::to_string(text).unwrap_or_default()
}

/// What stands between the quotes of a JSON string, escapes as they are; `None` for other JSON.
pub(super) fn inner(json: &str) -> Option<&str> {
    json.strip_prefix('"')?.strip_suffix('"')
}

/// The same JSON without line breaks: records and events end at one.
///
/// Within a JSON string a line break is always escaped, and elsewhere it means nothing.
pub fn one_line(json: &str) -> Cow<'_, str> {
    if json.contains(['\n', '\r']) {
        Cow::Owned(json.replace(['\n', '\r'], " "))
    } else {
        Cow::Borrowed(json)
    }
}

/// Writes the members of an object, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Writer(String);

impl Writer {
    /// Adds a member whose value is JSON already.
    pub(super) fn member(&mut self, key: &str, json: &str) {
        self.0.push_str(if self.0.is_empty() { "\"" } else { ",\"" });
        self.0.push_str(key);
        self.0.push_str("\":");
        self.0.push_str(json);
    }

    /// Adds a member if there is a value.
    pub(super) fn maybe(&mut self, key: &str, json: Option<&str>) {
        if let Some(json) = json {
            self.member(key, json);
        }
    }

    /// The members, without the braces around them.
    pub(super) fn members(self) -> String {
        self.0
    }

    /// The object.
    pub(super) fn object(self) -> String {
        format!("{{{}}}", self.0)
    }
}
