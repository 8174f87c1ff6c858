//! Edits one member of a JSON object and leaves the values of all others byte for byte.
//!
//! Unknown members, their order, number spellings and duplicate keys survive: what we do not
//! understand we hand on. A chunk is edited once per token, so no tree of values is built.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer as _, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Most members of an object, and most elements of an array, that are told apart. What is told apart
/// takes many times the memory of its bytes.
pub(crate) const MOST_APART: usize = 10_000;

/// The members of an object, in order, values unparsed.
#[derive(Debug)]
pub struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    /// Reads the members of the object in `json`.
    ///
    /// # Errors
    ///
    /// When `json` is not one JSON object, or one of more than 10,000 members.
    pub fn parse(json: &'a [u8]) -> Result<Self, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let members = deserializer.deserialize_map(MembersVisitor)?;
        deserializer.end()?;
        Ok(Self(members))
    }

    /// The JSON text of a member's value; of the last one when the key is there twice.
    pub fn get(&self, key: &str) -> Option<&'a str> {
        self.0.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value.get())
    }

    /// Each member with the JSON text of its value, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), value.get()))
    }

    /// The object without a member.
    pub(crate) fn without(&self, key: &str) -> Vec<u8> {
        let mut out = vec![b'{'];
        for (name, value) in self.iter().filter(|(name, _)| *name != key) {
            member(&mut out, name, value);
        }
        out.push(b'}');
        out
    }

    /// The object with `replacements` (key and JSON text) put in place, or at the end when new.
    pub fn with(&self, replacements: &[(&str, &str)]) -> Vec<u8> {
        let kept = self.0.iter().map(|(key, value)| key.len() + value.get().len());
        let put = replacements.iter().map(|(key, json)| key.len() + json.len());
        let length: usize = kept.chain(put).map(|length| length + r#""":,"#.len()).sum();
        let mut out = Vec::with_capacity(length + "{}".len());
        out.push(b'{');
        for (key, value) in &self.0 {
            let replaced = replacements.iter().find(|(name, _)| name == key);
            member(&mut out, key, replaced.map_or(value.get(), |(_, json)| *json));
        }
        for (key, json) in replacements {
            if !self.0.iter().any(|(name, _)| name == key) {
                member(&mut out, key, json);
            }
        }
        out.push(b'}');
        out
    }
}

fn member(out: &mut Vec<u8>, key: &str, json: &str) {
    if out.len() > 1 {
        out.push(b',');
    }
    // Writing a string to memory cannot fail.
    let _infallible = serde_json::to_writer(&mut *out, key);
    out.push(b':');
    out.extend_from_slice(json.as_bytes());
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(12);
        while let Some(Key(key)) = map.next_key()? {
            if members.len() == MOST_APART {
                return Err(A::Error::custom(format_args!("more than {MOST_APART} members")));
            }
            members.push((key, map.next_value::<&'de RawValue>()?));
        }
        Ok(members)
    }
}

/// The elements of an array, unparsed.
#[derive(Debug)]
pub(crate) struct Elements<'a> {
    /// All of them, or the first ones.
    pub(crate) first: Vec<&'a RawValue>,
    /// How many there are.
    pub(crate) count: usize,
}

impl<'a> Elements<'a> {
    /// Reads the array in `json`.
    ///
    /// # Errors
    ///
    /// When `json` is not one JSON array.
    pub(crate) fn parse(json: &'a str) -> Result<Self, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let elements = deserializer.deserialize_seq(ElementsVisitor)?;
        deserializer.end()?;
        Ok(elements)
    }
}

struct ElementsVisitor;

impl<'de> Visitor<'de> for ElementsVisitor {
    type Value = Elements<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let mut first = Vec::new();
        while first.len() < MOST_APART {
            let Some(element) = array.next_element::<&'de RawValue>()? else { break };
            first.push(element);
        }
        let mut count = first.len();
        while array.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Elements { first, count })
    }
}

/// A key, borrowed unless it contains an escape.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn edit(json: &str, replacements: &[(&str, &str)]) -> String {
        String::from_utf8(Members::parse(json.as_bytes()).unwrap().with(replacements)).unwrap()
    }

    #[test]
    fn no_more_is_told_apart_than_anybody_needs() {
        let array = |elements| format!("[{}1]", "1,".repeat(elements - 1));
        let object = |members| format!("{{{}\"\":1}}", "\"\":1,".repeat(members - 1));

        for count in [MOST_APART, 20 * MOST_APART] {
            let array = array(count);
            let read = Elements::parse(&array).unwrap();
            assert_eq!((read.first.len(), read.count), (MOST_APART, count));
            assert!(read.first.capacity() < 2 * MOST_APART, "{}", read.first.capacity());
        }
        assert!(Members::parse(object(MOST_APART).as_bytes()).is_ok());
        let error = Members::parse(object(MOST_APART + 1).as_bytes()).unwrap_err();
        assert!(error.to_string().contains("more than 10000 members"), "{error}");
        for wrong in ["", "[", "{}", "[1,]", "[1] 2"] {
            assert!(Elements::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_the_named_members_change() {
        let json = r#"{ "id":"a", "x":[1, 2.50], "model" : "m", "\u0078":1e3 }"#;

        let edited = edit(json, &[("model", r#""n""#), ("created", "7")]);

        assert_eq!(edited, r#"{"id":"a","x":[1, 2.50],"model":"n","x":1e3,"created":7}"#);
    }

    #[test]
    fn an_empty_object_gains_members_without_a_stray_comma() {
        assert_eq!(edit("{}", &[("a", "1"), ("b", "2")]), r#"{"a":1,"b":2}"#);
    }

    #[test]
    fn what_is_not_one_object_is_refused() {
        for json in ["", "[]", "{", "{} {}", "{\"a\":}", "nul"] {
            assert!(Members::parse(json.as_bytes()).is_err(), "{json}");
        }
    }

    proptest! {
        #[test]
        fn every_other_member_survives(keys in proptest::collection::btree_map(".{0,8}", any::<i64>(), 0..8)) {
            let json = serde_json::to_string(&keys).unwrap();
            let edited = edit(&json, &[("model", "\"new\"")]);
            let mut expected: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&json).unwrap();
            expected.insert("model".into(), "new".into());
            let got: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&edited).unwrap();
            prop_assert_eq!(got, expected);
        }
    }
}
