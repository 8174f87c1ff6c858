//! How freely a model may choose its words, in words of ours.

use crate::texts;

/// A temperature by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Preset {
    /// The likeliest words: 0.
    Accurate,
    /// Between the two: 0.7.
    #[default]
    Balanced,
    /// Less likely words as well: 1.
    Creative,
}

impl Preset {
    /// In the order in which they are offered.
    pub(crate) const ALL: [Self; 3] = [Self::Accurate, Self::Balanced, Self::Creative];

    /// The form's value; an unknown one is the default.
    pub(crate) fn from_field(value: &str) -> Self {
        Self::ALL.into_iter().find(|preset| preset.value() == value).unwrap_or_default()
    }

    /// The form's value.
    pub(crate) fn value(self) -> &'static str {
        match self {
            Self::Accurate => "accurate",
            Self::Balanced => "balanced",
            Self::Creative => "creative",
        }
    }

    /// The name that people read.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Accurate => texts::composer::ACCURATE,
            Self::Balanced => texts::composer::BALANCED,
            Self::Creative => texts::composer::CREATIVE,
        }
    }

    /// The sampling temperature.
    pub(crate) fn temperature(self) -> f32 {
        match self {
            Self::Accurate => 0.0,
            Self::Balanced => 0.7,
            Self::Creative => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_preset_is_found_by_its_value_and_nonsense_is_balanced() {
        for preset in Preset::ALL {
            assert_eq!(Preset::from_field(preset.value()), preset);
        }
        assert_eq!(Preset::from_field("wild").temperature().to_string(), "0.7");
    }
}
