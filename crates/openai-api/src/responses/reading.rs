//! Members of a request, one at a time. What is wrong is said with the name of the member.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use serde_json::value::RawValue;

use super::messages::check_count;
use crate::InvalidRequest;
use crate::object::{Elements, Members};
use crate::request::type_of;

/// Most characters of what a caller said that an error repeats.
const MOST_SHOWN: usize = 64;

/// An object of a request, and where in the request it is.
#[derive(Debug)]
pub(super) struct Object<'a> {
    members: Members<'a>,
    path: String,
}

impl<'a> Object<'a> {
    /// The request itself.
    pub(super) fn root(members: Members<'a>) -> Self {
        Self { members, path: String::new() }
    }

    /// The object in `json`, which is at `path`.
    pub(super) fn read(json: &'a str, path: &str) -> Result<Self, InvalidRequest> {
        let members = Members::parse(json.as_bytes())
            .map_err(|error| InvalidRequest::no_object(path, json, &error))?;
        Ok(Self { members, path: path.to_owned() })
    }

    pub(super) fn members(&self) -> &Members<'a> {
        &self.members
    }

    /// Where a member of this object is.
    pub(super) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The JSON of a member. `null` is as good as nothing.
    pub(super) fn raw(&self, key: &str) -> Option<&'a str> {
        self.members.get(key).filter(|json| *json != "null")
    }

    /// A string, as the JSON it came as.
    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>, InvalidRequest> {
        self.typed(key, "a string")
    }

    /// A number, as the JSON it came as.
    pub(super) fn number(&self, key: &str) -> Result<Option<&'a str>, InvalidRequest> {
        self.typed(key, "a number")
    }

    fn typed(&self, key: &str, expected: &str) -> Result<Option<&'a str>, InvalidRequest> {
        match self.raw(key) {
            Some(json) if type_of(json) != expected => {
                Err(InvalidRequest::wrong_type(self.path_of(key), expected, json))
            }
            raw => Ok(raw),
        }
    }

    /// A string, read.
    pub(super) fn string(&self, key: &str) -> Result<Option<String>, InvalidRequest> {
        let read = |json| {
            // Its JSON was parsed: all that can be wrong within a string is half a character.
            serde_json::from_str(json)
                .map_err(|_| InvalidRequest::half_a_character(&self.path_of(key)))
        };
        self.text(key)?.map(read).transpose()
    }

    /// A string that has to be there, as the JSON it came as.
    pub(super) fn required_text(&self, key: &str) -> Result<&'a str, InvalidRequest> {
        self.text(key)?.ok_or_else(|| InvalidRequest::missing(&self.path_of(key)))
    }

    /// A string that has to be there, read.
    pub(super) fn required_string(&self, key: &str) -> Result<String, InvalidRequest> {
        self.string(key)?.ok_or_else(|| InvalidRequest::missing(&self.path_of(key)))
    }

    /// One of a few words.
    pub(super) fn word(
        &self,
        key: &str,
        words: &[&'static str],
    ) -> Result<Option<&'static str>, InvalidRequest> {
        let Some(said) = self.string(key)? else { return Ok(None) };
        let known = words.iter().find(|word| **word == said).copied();
        known.map(Some).ok_or_else(|| InvalidRequest::no_such_word(self.path_of(key), &said, words))
    }

    pub(super) fn boolean(&self, key: &str) -> Result<Option<bool>, InvalidRequest> {
        Ok(self.typed(key, "a boolean")?.map(|json| json == "true"))
    }

    /// A whole number within `range`.
    pub(super) fn whole(
        &self,
        key: &str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>, InvalidRequest> {
        let Some(json) = self.number(key)? else { return Ok(None) };
        match json.parse::<u64>() {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            _ => {
                let (param, least, most) = (self.path_of(key), range.start(), range.end());
                let message = match *most {
                    u64::MAX => format!("an integer of at least {least}"),
                    most => format!("an integer from {least} to {most}"),
                };
                let message =
                    format!("Invalid '{param}': expected {message}, but got {}.", shown(json));
                Err(InvalidRequest::at(param, "invalid_value", message))
            }
        }
    }

    pub(super) fn object(&self, key: &str) -> Result<Option<Object<'a>>, InvalidRequest> {
        self.raw(key).map(|json| Object::read(json, &self.path_of(key))).transpose()
    }

    /// The elements of an array, of which there are no more than anybody needs.
    pub(super) fn array(&self, key: &str) -> Result<Option<Vec<&'a RawValue>>, InvalidRequest> {
        let read = |json| {
            let Elements { first, count } = Elements::parse(json)
                .map_err(|_| InvalidRequest::wrong_type(self.path_of(key), "an array", json))?;
            check_count(&self.path_of(key), count)?;
            Ok(first)
        };
        self.raw(key).map(read).transpose()
    }

    /// The objects of an array. Each knows its place.
    pub(super) fn objects(&self, key: &str) -> Result<Option<Vec<Object<'a>>>, InvalidRequest> {
        let Some(array) = self.array(key)? else { return Ok(None) };
        let path = self.path_of(key);
        let read =
            |(at, raw): (usize, &&'a RawValue)| Object::read(raw.get(), &format!("{path}[{at}]"));
        array.iter().enumerate().map(read).collect::<Result<_, _>>().map(Some)
    }
}

impl InvalidRequest {
    /// Something of the API that is not built.
    pub(super) fn unsupported(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self::at(param, "unsupported_parameter", message)
    }

    /// A value of the API that is not built, or of no API.
    pub(super) fn unsupported_value(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self::at(param, "unsupported_value", message)
    }

    /// A word that is none of those that mean something.
    pub(super) fn no_such_word(param: String, said: &str, words: &[&str]) -> Self {
        let words: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        let words = words.join(", ");
        let message = format!(
            "Invalid value for '{param}': '{}'. Supported values are: {words}.",
            shown(said)
        );
        Self::at(param, "invalid_value", message)
    }
}

/// What a caller said, as far as an error repeats it.
pub(super) fn shown(said: &str) -> Cow<'_, str> {
    match said.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => format!("{}…", &said[..end]).into(),
        None => said.into(),
    }
}
