//! Numbers and strings that fit a schema.

use serde_json::{Number, Value};

use crate::random::Random;

/// How far values go from a bound when the other bound is open.
const SPREAD: f64 = 100.0;
/// Longest string that is made.
const MOST_CHARACTERS: usize = 10_000;
/// Most characters of the prompt in a string.
const PROMPT_CHARACTERS: usize = 60;

const WORDS: &[&str] =
    &["signal", "tower", "relay", "lantern", "courier", "harbour", "ridge", "bell"];
const PLACES: &[&str] = &["Paris", "Lille", "Strasbourg", "Lyon", "Bordeaux", "Toulon"];
const PEOPLE: &[&str] = &["Claude Chappe", "Ignace Chappe", "Abraham Breguet", "Léon Delaunay"];

/// The least and the most that a number may be.
fn bounds(schema: &Value, step: f64) -> (f64, f64) {
    let bound = |inclusive: &str, exclusive: &str, inwards: f64| {
        let excluded = schema[exclusive].as_f64().map(|bound| bound + inwards);
        schema[inclusive].as_f64().or(excluded)
    };
    match (bound("minimum", "exclusiveMinimum", step), bound("maximum", "exclusiveMaximum", -step))
    {
        (None, None) => (1.0, SPREAD),
        (Some(least), None) => (least, least + SPREAD),
        (None, Some(most)) => ((most - SPREAD).max(most.min(0.0)), most),
        (Some(least), Some(most)) => (least, most.max(least)),
    }
}

pub(super) fn integer(schema: &Value, random: &mut Random) -> Value {
    let (least, most) = bounds(schema, 1.0);
    let (least, most) = (least.ceil() as i64, most.floor() as i64);
    if let Some(step) = schema["multipleOf"].as_i64().filter(|step| *step > 0) {
        let up = (step - least.rem_euclid(step)) % step;
        return least.saturating_add(up).into();
    }
    let choices = most.saturating_sub(least).saturating_add(1).clamp(1, SPREAD as i64);
    least.saturating_add(random.below(choices.unsigned_abs()) as i64).into()
}

pub(super) fn number(schema: &Value, random: &mut Random) -> Value {
    let (least, most) = bounds(schema, f64::EPSILON);
    if let Some(step) = schema["multipleOf"].as_f64().filter(|step| *step > 0.0) {
        return float((least / step).ceil() * step);
    }
    // Away from both ends, which may not belong to it.
    let exact = least + (most - least) * (0.05 + 0.9 * random.unit());
    let short = (exact * 100.0).round() / 100.0;
    float(if short > least && short < most { short } else { exact })
}

fn float(number: f64) -> Value {
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

pub(super) fn string(schema: &Value, name: &str, prompt: &str, random: &mut Random) -> Value {
    if let Some(text) = schema["format"].as_str().and_then(of_format) {
        return text.into();
    }
    let length = |key: &str| schema[key].as_u64().and_then(|n| usize::try_from(n).ok());
    let least = length("minLength").unwrap_or(0).min(MOST_CHARACTERS);
    let most = length("maxLength").unwrap_or(MOST_CHARACTERS).max(least);
    let mut text = named(name, prompt, random);
    while text.chars().count() < least {
        text.push(' ');
        text.push_str(random.word(WORDS));
    }
    if text.chars().count() > most {
        text = text.chars().take(most).collect();
    }
    text.into()
}

fn of_format(format: &str) -> Option<&'static str> {
    Some(match format {
        "date" => "2026-03-14",
        "date-time" => "2026-03-14T15:09:26Z",
        "time" => "15:09:26Z",
        "duration" => "PT15M",
        "email" => "claude.chappe@example.com",
        "hostname" => "tower.example.com",
        "uri" | "url" => "https://example.com/tower",
        "uuid" => "0197f6a1-7c5e-7d3a-9c1b-3f2e5d4c6b7a",
        "ipv4" => "192.0.2.15",
        "ipv6" => "2001:db8::15",
        _ => return None,
    })
}

/// A text that suits the member's name.
fn named(name: &str, prompt: &str, random: &mut Random) -> String {
    let lower = name.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if has(&["city", "place", "location", "town", "address"]) {
        random.word(PLACES).to_owned()
    } else if has(&["country"]) {
        "France".to_owned()
    } else if has(&["author", "person", "user", "name"]) {
        random.word(PEOPLE).to_owned()
    } else if has(&["query", "question", "prompt", "input", "text"]) && !prompt.is_empty() {
        prompt.chars().take(PROMPT_CHARACTERS).collect()
    } else {
        random.word(WORDS).to_owned()
    }
}
