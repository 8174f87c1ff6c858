//! The tokens of a mocked answer. Token `k` is `"t<k> "`, so that the reader of an answer can
//! tell whether one is lost, doubled or out of order.

use std::collections::BTreeSet;
use std::fmt;
use std::fmt::Write as _;
use std::time::Duration;

/// How an answer is paced. It travels in the model's name, which survives every proxy:
/// `mock-t<ms to the first token>-g<ms between tokens>-n<tokens>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Until the first token.
    pub first: Duration,
    /// Between two tokens.
    pub gap: Duration,
    /// How many.
    pub tokens: u32,
}

impl Plan {
    /// Reads a model's name. What stands before the last `/` or `:` is a proxy's own prefix.
    pub fn of_model(name: &str) -> Option<Self> {
        let name = name.rsplit(['/', ':']).next()?;
        let (mut first, mut gap, mut tokens) = (None, None, None);
        for part in name.strip_prefix("mock-")?.split('-') {
            let (what, number) = part.split_at_checked(1)?;
            let number: u32 = number.parse().ok()?;
            match what {
                "t" => first = Some(Duration::from_millis(number.into())),
                "g" => gap = Some(Duration::from_millis(number.into())),
                "n" => tokens = Some(number),
                _ => return None,
            }
        }
        Some(Self { first: first?, gap: gap?, tokens: tokens? })
    }

    /// The name that [`Plan::of_model`] reads.
    pub fn model(&self) -> String {
        let Self { first, gap, tokens } = self;
        format!("mock-t{}-g{}-n{tokens}", first.as_millis(), gap.as_millis())
    }

    /// When token `number` is due after the request arrived.
    pub fn due(&self, number: u32) -> Duration {
        self.first + self.gap * number
    }

    /// The whole answer.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for number in 0..self.tokens {
            let _infallible = write!(text, "t{number} ");
        }
        text
    }
}

/// What is wrong with an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    /// Tokens that did not come.
    pub lost: u64,
    /// Tokens that came again.
    pub doubled: u64,
    /// Tokens that came after a later one.
    pub swapped: u64,
    /// Pieces of text that are no token of this answer.
    pub foreign: u64,
}

impl Faults {
    /// Compares what arrived with what was sent.
    pub fn of(text: &str, plan: &Plan) -> Self {
        let mut faults = Self::default();
        let mut seen = BTreeSet::new();
        let mut highest = None;
        for word in text.split_whitespace() {
            let number = word.strip_prefix('t').and_then(|number| number.parse::<u32>().ok());
            let Some(number) = number.filter(|number| *number < plan.tokens) else {
                faults.foreign += 1;
                continue;
            };
            if !seen.insert(number) {
                faults.doubled += 1;
            } else if highest > Some(number) {
                faults.swapped += 1;
            }
            highest = highest.max(Some(number));
        }
        faults.lost = u64::from(plan.tokens) - seen.len() as u64;
        faults
    }

    /// Whether nothing is.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lost, doubled, swapped, foreign } = self;
        write!(f, "{lost} tokens lost, {doubled} doubled, {swapped} swapped, {foreign} foreign")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOUR: Plan = Plan { first: Duration::ZERO, gap: Duration::ZERO, tokens: 4 };

    #[test]
    fn a_plan_is_read_from_the_name_of_a_model_whatever_a_proxy_puts_before_it() {
        let plan =
            Plan { first: Duration::from_millis(200), gap: Duration::from_millis(50), tokens: 64 };

        assert_eq!(plan.model(), "mock-t200-g50-n64");
        for name in ["mock-t200-g50-n64", "openai/mock-t200-g50-n64", "a::b::mock-t200-g50-n64"] {
            assert_eq!(Plan::of_model(name), Some(plan), "{name}");
        }
        for name in ["", "llama3", "mock-", "mock-t1-g1", "mock-t1-g1-nx", "mock-t1-é1-n1"] {
            assert_eq!(Plan::of_model(name), None, "{name}");
        }
    }

    #[test]
    fn a_whole_answer_has_no_faults() {
        assert!(Faults::of(&FOUR.text(), &FOUR).is_none());
    }

    #[test]
    fn a_lost_a_doubled_a_swapped_and_a_foreign_token_are_told_apart() {
        let none = Faults::default();
        for (text, faults) in [
            ("t0 t1 t3 ", Faults { lost: 1, ..none }),
            ("t0 t1 t2 ", Faults { lost: 1, ..none }),
            ("t0 t1 t1 t2 t3 ", Faults { doubled: 1, ..none }),
            ("t0 t1 t2 t3 t0 t1 ", Faults { doubled: 2, ..none }),
            ("t0 t2 t1 t3 ", Faults { swapped: 1, ..none }),
            ("t0 t1 t2 t3 t4 ", Faults { foreign: 1, ..none }),
            ("t0 t1 t2 x ", Faults { lost: 1, foreign: 1, ..none }),
            ("", Faults { lost: 4, ..none }),
        ] {
            assert_eq!(Faults::of(text, &FOUR), faults, "{text}");
        }
    }
}
