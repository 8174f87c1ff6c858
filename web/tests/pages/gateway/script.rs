//! What is said where a test says nothing itself.

use openai_api::responses::first_user_text;

use super::answering::Answering;

/// How questions are answered.
#[derive(Clone, Default)]
pub(crate) enum Script {
    /// What was said last is said again, at once.
    #[default]
    Echo,
    /// Nothing is said until a test says it.
    Waits,
    /// This is said, at once.
    Says(Vec<Piece>),
}

/// A piece of an answer.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    Thought(String),
    Text(String),
    Refusal(String),
    /// A call of a tool, with its arguments.
    Call(String, String),
    /// The end, if nothing is wrong.
    Complete,
    /// The end, for this reason: `max_output_tokens` or `content_filter`.
    Incomplete(&'static str),
    /// The end, with this code and message.
    Fail(&'static str, &'static str),
}

impl Piece {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl Script {
    pub(super) fn play(&self, answer: &Answering) {
        match self {
            Self::Echo => {
                let said = first_user_text(&answer.input_items()).unwrap_or_default();
                answer.begin();
                answer.say(&format!("You said: {said}"));
                answer.complete();
            }
            Self::Waits => {}
            Self::Says(pieces) => {
                answer.begin();
                pieces.iter().for_each(|piece| answer.plays(piece));
            }
        }
    }
}
