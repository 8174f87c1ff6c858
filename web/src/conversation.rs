//! What was said so far. It travels within the form, because nobody else remembers it.

use serde::{Deserialize, Serialize};

use crate::receipt::Receipt;

/// More turns than a person reads.
pub(crate) const MOST_TURNS: usize = 2_000;

/// Who said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Author {
    /// The person.
    User,
    /// The model.
    Assistant,
}

impl Author {
    /// The word on the wire.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// What a reader should know of an answer, and no model is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mark {
    /// A remark.
    Note(String),
    /// It broke off, for this reason; its question can be asked again.
    Interrupted(String),
}

/// One thing that was said, as it was written: no HTML.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Turn {
    /// Who.
    pub(crate) role: Author,
    /// What.
    pub(crate) content: String,
    /// How it ended, if that needs words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mark: Option<Mark>,
    /// What it took. It is shown below the answer for as long as that is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) receipt: Option<Receipt>,
}

/// Everything that was said, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Conversation(Vec<Turn>);

/// The form's conversation cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    /// It is not what this page writes.
    #[error("the conversation in the form is damaged")]
    Damaged,
    /// It has more than [`MOST_TURNS`] turns.
    #[error("the conversation has more than {MOST_TURNS} messages")]
    TooLong,
}

impl Conversation {
    /// Reads the form's field. Nothing at all is an empty conversation.
    pub(crate) fn from_field(json: &str) -> Result<Self, Unreadable> {
        if json.is_empty() {
            return Ok(Self::default());
        }
        let turns: Vec<Turn> = serde_json::from_str(json).map_err(|_json| Unreadable::Damaged)?;
        if turns.len() > MOST_TURNS { Err(Unreadable::TooLong) } else { Ok(Self(turns)) }
    }

    /// The form's field. JSON escapes line ends, which forms would change.
    pub(crate) fn to_field(&self) -> String {
        // Strings and nothing else: this cannot fail.
        serde_json::to_string(&self.0).unwrap_or_default()
    }

    /// The turns.
    pub(crate) fn turns(&self) -> &[Turn] {
        &self.0
    }

    /// Whether nothing was said yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds what was said last.
    pub(crate) fn add(&mut self, role: Author, content: impl Into<String>) {
        self.0.push(Turn { role, content: content.into(), mark: None, receipt: None });
    }

    /// Adds an answer, with how it ended and what it took.
    pub(crate) fn add_answer(
        &mut self,
        content: impl Into<String>,
        mark: Option<Mark>,
        receipt: Option<Receipt>,
    ) {
        self.0.push(Turn { role: Author::Assistant, content: content.into(), mark, receipt });
    }

    /// Takes back the answer to the last question, so that it can be asked again.
    pub(crate) fn take_back_answer(&mut self) {
        self.0.pop_if(|turn| turn.role == Author::Assistant);
    }

    /// Takes back the last turn, so that it can be written again.
    pub(crate) fn take_back(&mut self) -> String {
        self.0.pop().map(|turn| turn.content).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_the_page_did_not_write_is_refused() {
        for json in ["{", "{}", "[1]", r#"[{"role":"system","content":"x"}]"#] {
            assert_eq!(Conversation::from_field(json), Err(Unreadable::Damaged), "{json}");
        }
        let one = r#"{"role":"user","content":""}"#;
        let many = format!("[{}]", vec![one; MOST_TURNS + 1].join(","));
        assert_eq!(Conversation::from_field(&many), Err(Unreadable::TooLong));
    }

    #[test]
    fn how_an_answer_ended_survives_the_form() {
        let mut conversation = Conversation::default();
        conversation.add(Author::User, "Why?");
        conversation.add_answer("Bec", Some(Mark::Interrupted("the line broke.".into())), None);

        let field = conversation.to_field();

        assert!(field.ends_with(r#""mark":{"interrupted":"the line broke."}}]"#), "{field}");
        assert_eq!(Conversation::from_field(&field).unwrap(), conversation);
        conversation.take_back_answer();
        conversation.take_back_answer();
        assert_eq!(conversation.turns().len(), 1, "a question is no answer");
    }

    proptest! {
        #[test]
        fn a_conversation_survives_the_form(texts in proptest::collection::vec("(?s).{0,40}", 0..6)) {
            let mut conversation = Conversation::default();
            for (index, text) in texts.into_iter().enumerate() {
                conversation.add(if index % 2 == 0 { Author::User } else { Author::Assistant }, text);
            }

            let field = conversation.to_field();

            prop_assert!(!field.contains(['\n', '\r']));
            prop_assert_eq!(Conversation::from_field(&field).unwrap(), conversation);
        }
    }
}
