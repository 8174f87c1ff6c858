//! What a person may set besides a preset: how a model chooses, how much it says and thinks.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::preset::Preset;
use crate::texts;

/// As OpenAI's API has it.
pub(crate) const HOTTEST: f32 = 2.0;

/// Each as the preset or the model has it, unless it is set.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Parameters {
    /// The sampling temperature, 0 to [`HOTTEST`].
    pub(crate) temperature: Option<f32>,
    /// Longest answer, in tokens.
    pub(crate) longest: Option<u32>,
    pub(crate) effort: Option<Effort>,
}

/// How much a model thinks before it answers, if it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Effort {
    Low,
    Medium,
    High,
}

/// The fields of a form. What cannot be read is not set, and what is too much is the most there is.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    pub(crate) temperature: String,
    pub(crate) longest: String,
    pub(crate) effort: String,
}

/// The members of a response that tell them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Told<'a> {
    pub(crate) temperature: Option<f32>,
    pub(crate) max_output_tokens: Option<u32>,
    pub(crate) reasoning: Option<&'a RawValue>,
}

impl Effort {
    /// In the order in which they are offered.
    pub(crate) const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];

    /// As a field, and as the gateway calls it.
    pub(crate) fn to_field(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// The name that people read.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Low => texts::composer::EFFORT_LOW,
            Self::Medium => texts::composer::EFFORT_MEDIUM,
            Self::High => texts::composer::EFFORT_HIGH,
        }
    }
}

impl Fields {
    pub(crate) fn read(&self) -> Parameters {
        let temperature = self.temperature.trim().replace(',', ".").parse::<f32>().ok();
        let temperature = temperature.filter(|number| number.is_finite());
        let longest = self.longest.trim().parse::<u32>().ok();
        let effort = self.effort.as_str();
        Parameters {
            temperature: temperature.map(|number| number.clamp(0.0, HOTTEST)),
            longest: longest.map(|tokens| tokens.max(1)),
            effort: Effort::ALL.into_iter().find(|one| one.to_field() == effort),
        }
    }
}

impl Told<'_> {
    /// What was set besides this preset.
    pub(crate) fn besides(&self, preset: Preset) -> Parameters {
        #[derive(Deserialize)]
        struct Reasoning {
            #[serde(default)]
            effort: Option<Effort>,
        }
        let of_preset = |number: &f32| (number - preset.temperature()).abs() < 1e-3;
        // An effort that is none of ours is no reason not to show the turn.
        let reasoning = self.reasoning.and_then(|json| serde_json::from_str(json.get()).ok());
        Parameters {
            temperature: self.temperature.filter(|number| !of_preset(number)),
            longest: self.max_output_tokens,
            effort: reasoning.and_then(|Reasoning { effort }| effort),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(temperature: &str, longest: &str, effort: &str) -> Parameters {
        let [temperature, longest, effort] = [temperature, longest, effort].map(str::to_owned);
        Fields { temperature, longest, effort }.read()
    }

    #[test]
    fn what_is_not_set_or_not_readable_is_left_to_the_model() {
        assert_eq!(read("", "", ""), Parameters::default());
        assert_eq!(read("warm", "-1", "much"), Parameters::default());
        assert_eq!(read("NaN", "1e3", "LOW"), Parameters::default());
        let most = read("7", "0", "high");
        assert_eq!((most.temperature, most.longest), (Some(HOTTEST), Some(1)));
        assert_eq!(read("0,3", " 500 ", "low").temperature, Some(0.3));
    }

    #[test]
    fn what_a_response_tells_is_what_was_set() {
        let reasoning = |json: &str| RawValue::from_string(json.to_owned()).unwrap();
        let of_preset = Told { temperature: Some(0.7), ..Told::default() };
        assert_eq!(of_preset.besides(Preset::Balanced), Parameters::default());
        for unknown in [r#"{"effort":"minimal"}"#, "7", "{}", "null"] {
            let told = Told { reasoning: Some(&reasoning(unknown)), ..of_preset };
            assert_eq!(told.besides(Preset::Balanced), Parameters::default(), "{unknown}");
        }
        let low = reasoning(r#"{"effort":"low","summary":null}"#);
        let set =
            Told { temperature: Some(0.3), max_output_tokens: Some(9), reasoning: Some(&low) };
        let expected =
            Parameters { temperature: Some(0.3), longest: Some(9), effort: Some(Effort::Low) };
        assert_eq!(set.besides(Preset::Balanced), expected);
    }
}
