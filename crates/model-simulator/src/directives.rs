//! What a caller orders beside the request itself: a script, a pace, a fault.
//!
//! Three places, of which the first counts: the header `x-simulator`, the body's member
//! `simulator`, the first line `simulator: …` of the last user message. Below them all stand
//! model names that say how fast they are.

use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::ApiError;
use crate::fault::Fault;

/// The header with directives.
const HEADER: &str = "x-simulator";
/// How the first line of a prompt begins that holds directives.
const PROMPT_LINE: &str = "simulator:";
/// Most tokens that can be ordered.
const MOST_TOKENS: u64 = 1_000_000;

/// Everything that can be ordered. What is not ordered is chosen by the simulator.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Directives {
    pub(crate) script: Option<Script>,
    pub(crate) tokens: Option<u64>,
    pub(crate) ttft_ms: Option<f64>,
    pub(crate) token_ms: Option<f64>,
    pub(crate) jitter: Option<f64>,
    pub(crate) text: Option<String>,
    pub(crate) seed: Option<u64>,
    pub(crate) fault: Option<Fault>,
    pub(crate) extra: Option<Extra>,
    /// Whether the role comes with the first token and not before it, as some servers do.
    #[serde(skip)]
    pub(crate) role_with_first_token: bool,
}

/// The named scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Script {
    Text,
    Markdown,
    Code,
    Table,
    ToolCall,
    Reasoning,
    Echo,
    Count,
}

/// Members that are added to each chunk, to see what becomes of members that nobody knows.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Extra {
    top: Option<Box<RawValue>>,
    choice: Option<Box<RawValue>>,
    delta: Option<Box<RawValue>>,
}

impl Extra {
    /// Into the chunk itself.
    pub(crate) fn top(&self) -> String {
        members_of(self.top.as_deref())
    }

    /// Into each choice.
    pub(crate) fn choice(&self) -> String {
        members_of(self.choice.as_deref())
    }

    /// Into each delta, or the message of an answer in one piece.
    pub(crate) fn delta(&self) -> String {
        members_of(self.delta.as_deref())
    }

    fn check(&self) -> Result<(), String> {
        let parts = [("top", &self.top), ("choice", &self.choice), ("delta", &self.delta)];
        for (name, part) in parts {
            if part.as_ref().is_some_and(|json| !json.get().starts_with('{')) {
                return Err(format!("`extra.{name}` is not an object"));
            }
        }
        Ok(())
    }
}

/// The text between the braces of an object, on one line: a frame ends at a line break.
fn members_of(object: Option<&RawValue>) -> String {
    let text = object.map_or("{}", RawValue::get);
    let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or_default();
    // Within strings JSON has no raw line breaks; between members they mean nothing.
    inner.trim().replace(['\n', '\r'], " ")
}

impl Directives {
    /// Those of a request, with the prompt's line taken off `prompt`.
    pub(crate) fn of(
        model: &str,
        headers: &HeaderMap,
        member: Option<&str>,
        prompt: Option<&mut String>,
    ) -> Result<Self, ApiError> {
        let mut all = Self::default();
        if let Some(header) = headers.get(HEADER) {
            all = all.or(Self::parse(header.as_bytes(), HEADER)?);
        }
        if let Some(json) = member {
            all = all.or(Self::parse(json.as_bytes(), "simulator")?);
        }
        if let Some(prompt) = prompt {
            all = all.or(Self::take_line(prompt)?);
        }
        Ok(all.or(Self::of_model(model, headers)))
    }

    fn parse(json: &[u8], place: &str) -> Result<Self, ApiError> {
        let wrong =
            |reason: String| ApiError::invalid(place, format!("Invalid '{place}': {reason}."));
        let directives: Self =
            serde_json::from_slice(json).map_err(|error| wrong(error.to_string()))?;
        if directives.tokens.is_some_and(|tokens| tokens > MOST_TOKENS) {
            return Err(wrong(format!("`tokens` is over {MOST_TOKENS}")));
        }
        directives.extra.as_ref().map_or(Ok(()), Extra::check).map_err(wrong)?;
        directives.fault.as_ref().map_or(Ok(()), Fault::check).map_err(wrong)?;
        Ok(directives)
    }

    /// `simulator: {…}` or `simulator: <script>`. Any other line is part of the prompt.
    fn take_line(prompt: &mut String) -> Result<Self, ApiError> {
        let (line, rest) = prompt.split_once('\n').unwrap_or((prompt, ""));
        let Some(order) = line.trim().strip_prefix(PROMPT_LINE).map(str::trim) else {
            return Ok(Self::default());
        };
        let directives = if order.starts_with('{') {
            Self::parse(order.as_bytes(), "messages")?
        } else {
            let Ok(script) = serde_json::from_value(order.into()) else {
                return Ok(Self::default());
            };
            Self { script: Some(script), ..Self::default() }
        };
        *prompt = rest.to_owned();
        Ok(directives)
    }

    /// `mock-fast`, `mock-real`, `mock-slow`, `mock-t<ttft>-i<pause>-n<tokens>`, which count, and
    /// `fault-<status>`. What stands before the last `/` or `:` is passed over.
    fn of_model(model: &str, headers: &HeaderMap) -> Self {
        let name = model.rsplit(['/', ':']).next().unwrap_or(model);
        if let Some(status) = name.strip_prefix("fault-").and_then(|status| status.parse().ok()) {
            return Self { fault: Fault::of_status(status), ..Self::default() };
        }
        let Some(parts) = name.strip_prefix("mock-") else { return Self::default() };
        let (mut ttft_ms, mut token_ms, mut tokens) = match parts {
            "real" => (50, 10, 64),
            "slow" => (200, 50, 64),
            _ => (0, 0, 16),
        };
        let parts: &[&str] = &parts.split('-').collect::<Vec<_>>();
        for part in parts.iter().filter(|_| name.starts_with("mock-t")) {
            let set = |key: &str, value: &mut u64| {
                let number = part.strip_prefix(key).and_then(|number| number.parse().ok());
                *value = number.unwrap_or(*value);
            };
            set("t", &mut ttft_ms);
            set("i", &mut token_ms);
            set("n", &mut tokens);
        }
        let header = |name: &str, otherwise: u64| {
            let text = headers.get(name).and_then(|value| value.to_str().ok());
            text.and_then(|text| text.parse().ok()).unwrap_or(otherwise)
        };
        Self {
            script: Some(Script::Count),
            ttft_ms: Some(header("x-mock-ttft-ms", ttft_ms) as f64),
            token_ms: Some(header("x-mock-itl-ms", token_ms) as f64),
            tokens: Some(header("x-mock-tokens", tokens).min(MOST_TOKENS)),
            jitter: Some(0.0),
            role_with_first_token: true,
            ..Self::default()
        }
    }

    /// These, and what they leave open as `below` has it.
    fn or(self, below: Self) -> Self {
        Self {
            script: self.script.or(below.script),
            tokens: self.tokens.or(below.tokens),
            ttft_ms: self.ttft_ms.or(below.ttft_ms),
            token_ms: self.token_ms.or(below.token_ms),
            jitter: self.jitter.or(below.jitter),
            text: self.text.or(below.text),
            seed: self.seed.or(below.seed),
            fault: self.fault.or(below.fault),
            extra: self.extra.or(below.extra),
            role_with_first_token: self.role_with_first_token || below.role_with_first_token,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_model(model: &str) -> (f64, f64, u64) {
        let directives = Directives::of(model, &HeaderMap::new(), None, None).unwrap();
        assert_eq!(directives.script, Some(Script::Count), "{model}");
        (
            directives.ttft_ms.unwrap_or(-1.0),
            directives.token_ms.unwrap_or(-1.0),
            directives.tokens.unwrap_or(0),
        )
    }

    #[test]
    fn a_model_name_may_say_how_fast_it_is() {
        assert_eq!(of_model("mock-fast"), (0.0, 0.0, 16));
        assert_eq!(of_model("openai/mock-real"), (50.0, 10.0, 64));
        assert_eq!(of_model("mock-slow"), (200.0, 50.0, 64));
        assert_eq!(of_model("mock-t5-i20-n300"), (5.0, 20.0, 300));
        assert_eq!(of_model("x:mock-t5"), (5.0, 0.0, 16));
    }

    #[test]
    fn the_header_counts_before_the_body_and_the_body_before_the_prompt() {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, r#"{"tokens": 1}"#.parse().unwrap());
        let body = r#"{"tokens": 2, "seed": 2}"#;
        let mut prompt = "simulator: {\"tokens\": 3, \"seed\": 3, \"jitter\": 0.3}\nHi".to_owned();

        let all = Directives::of("m", &headers, Some(body), Some(&mut prompt)).unwrap();

        assert_eq!((all.tokens, all.seed, all.jitter), (Some(1), Some(2), Some(0.3)));
        assert_eq!(prompt, "Hi");
    }

    #[test]
    fn a_line_that_orders_nothing_is_part_of_the_prompt() {
        let mut prompt = "simulator: what are you?".to_owned();

        let all = Directives::of("m", &HeaderMap::new(), None, Some(&mut prompt)).unwrap();

        assert_eq!((all.script, prompt.as_str()), (None, "simulator: what are you?"));
    }

    #[test]
    fn what_is_misspelt_is_refused() {
        for json in [
            r#"{"scirpt": "text"}"#,
            r#"{"script": "poem"}"#,
            r#"{"fault": {"status": 7}}"#,
            r#"{"extra": {"top": []}}"#,
            r#"{"tokens": 1000001}"#,
        ] {
            let error = Directives::of("m", &HeaderMap::new(), Some(json), None).unwrap_err();
            assert_eq!(error.body.error.param.as_deref(), Some("simulator"), "{json}");
        }
    }
}
