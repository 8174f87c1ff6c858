//! Values that fit a JSON schema, drawn at random.
//!
//! Understood: `type`, `enum`, `const`, `properties`, `required`, `items`, `prefixItems`,
//! `minItems`, `maxItems`, `uniqueItems`, bounds of numbers and lengths, `multipleOf`, the common
//! `format`s, `anyOf`, `oneOf`, `allOf` and `$ref` within the document. `pattern` is not.

use serde_json::{Map, Value, json};

use crate::random::Random;

mod scalar;

/// Below this depth only what is required is made, and the shortest alternative taken.
const SPARSE_DEPTH: usize = 4;
/// A schema that requires more is answered with null there.
const DEEPEST: usize = 24;
/// Most items of a list.
const MOST_ITEMS: u64 = 1_000;
/// Items of a list that may have them.
const ITEMS: u64 = 2;

/// A value that fits. Strings without a rule of their own may speak of the prompt.
pub(super) fn value_for(schema: &Value, prompt: &str, random: &mut Random) -> Value {
    Generator { root: schema, prompt, random }.value(schema, "", 0)
}

/// The same, and an object whatever the schema says: the arguments of a function.
pub(super) fn object_for(schema: &Value, prompt: &str, random: &mut Random) -> Value {
    match value_for(schema, prompt, random) {
        object @ Value::Object(_) => object,
        _ => json!({}),
    }
}

struct Generator<'a> {
    root: &'a Value,
    prompt: &'a str,
    random: &'a mut Random,
}

impl Generator<'_> {
    fn value(&mut self, schema: &Value, name: &str, depth: usize) -> Value {
        if depth > DEEPEST {
            return Value::Null;
        }
        if let Some(path) = schema["$ref"].as_str() {
            let root = self.root;
            let target = root.pointer(path.trim_start_matches('#')).unwrap_or(&Value::Null);
            return self.value(target, name, depth + 1);
        }
        if let Some(only) = schema.get("const") {
            return only.clone();
        }
        if let Some(values) = schema["enum"].as_array().filter(|values| !values.is_empty()) {
            return self.random.pick(values).clone();
        }
        if let Some(all) = schema["allOf"].as_array() {
            let merged = self.merged(schema, all);
            return self.value(&merged, name, depth + 1);
        }
        let alternatives = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array());
        if let Some(one) = alternatives.and_then(|all| alternative(all, depth)) {
            return self.value(one, name, depth + 1);
        }
        match kind(schema, depth) {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, name, depth),
            "integer" => scalar::integer(schema, self.random),
            "number" => scalar::number(schema, self.random),
            "boolean" => Value::Bool(self.random.below(2) == 1),
            "null" => Value::Null,
            _ => scalar::string(schema, name, self.prompt, self.random),
        }
    }

    fn object(&mut self, schema: &Value, depth: usize) -> Value {
        let required = |name: &str| {
            schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name))
        };
        let mut object = Map::new();
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            if depth < SPARSE_DEPTH || required(name) {
                object.insert(name.clone(), self.value(member, name, depth + 1));
            }
        }
        // A member may be required without being described.
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !object.contains_key(name) {
                object.insert(name.to_owned(), self.value(&Value::Null, name, depth + 1));
            }
        }
        Value::Object(object)
    }

    fn array(&mut self, schema: &Value, name: &str, depth: usize) -> Value {
        let least = schema["minItems"].as_u64().unwrap_or(0).min(MOST_ITEMS);
        let most = schema["maxItems"].as_u64().unwrap_or(MOST_ITEMS).max(least);
        let first = schema["prefixItems"].as_array().map_or(&[][..], Vec::as_slice);
        let wanted = if depth < SPARSE_DEPTH { ITEMS.max(first.len() as u64) } else { 0 };
        let count = wanted.clamp(least, most);
        let mut items = Vec::new();
        for at in 0..count as usize {
            let item = first.get(at).unwrap_or(&schema["items"]);
            items.push(self.value(item, name, depth + 1));
            if schema["uniqueItems"] == true {
                self.make_last_unique(&mut items, item, name, depth);
            }
        }
        Value::Array(items)
    }

    /// Draws the last item again while it is there twice; leaves it out when that does not help.
    fn make_last_unique(&mut self, items: &mut Vec<Value>, item: &Value, name: &str, depth: usize) {
        for _try in 0..32 {
            let Some(last) = items.pop() else { return };
            let is_new = !items.contains(&last);
            items.push(if is_new { last } else { self.value(item, name, depth + 1) });
            if is_new {
                return;
            }
        }
        items.pop();
    }

    /// One schema that says what the schema itself and all of `parts` say.
    fn merged(&self, schema: &Value, parts: &[Value]) -> Value {
        let mut merged = schema.clone();
        if let Some(own) = merged.as_object_mut() {
            own.remove("allOf");
        }
        for part in parts {
            let part = match part["$ref"].as_str() {
                Some(path) => self.root.pointer(path.trim_start_matches('#')).unwrap_or(part),
                None => part,
            };
            merge(&mut merged, part);
        }
        merged
    }
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key.as_str()).or_insert(Value::Null), value);
            }
        }
        (Value::Array(into), Value::Array(from)) => into.extend(from.iter().cloned()),
        (into, from) => *into = from.clone(),
    }
}

/// The first alternative; deep down one that ends here, if there is one.
fn alternative(all: &[Value], depth: usize) -> Option<&Value> {
    let ends = |schema: &&Value| !schema.to_string().contains("\"$ref\"");
    if depth < SPARSE_DEPTH {
        return all.iter().find(|schema| schema["type"] != "null").or(all.first());
    }
    all.iter().find(|schema| schema["type"] == "null").or(all.iter().find(ends)).or(all.first())
}

/// The type that the schema names, or the one that its other members speak of.
fn kind(schema: &Value, depth: usize) -> &str {
    if let Some(kind) = schema["type"].as_str() {
        return kind;
    }
    if let Some(kinds) = schema["type"].as_array() {
        let mut kinds = kinds.iter().filter_map(Value::as_str);
        let null_fits = kinds.clone().any(|kind| kind == "null");
        let other = kinds.find(|kind| *kind != "null");
        return if depth >= SPARSE_DEPTH && null_fits { "null" } else { other.unwrap_or("null") };
    }
    let has = |keys: &[&str]| keys.iter().any(|key| schema.get(key).is_some());
    if has(&["properties", "required", "additionalProperties"]) {
        "object"
    } else if has(&["items", "prefixItems", "minItems", "maxItems"]) {
        "array"
    } else if has(&["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]) {
        "number"
    } else {
        "string"
    }
}

#[cfg(test)]
mod tests;
