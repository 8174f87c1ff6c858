//! What somebody thought of an answer. Ours: OpenAI's API has no place for it.

use super::reading::{Object, shown};
use crate::InvalidRequest;
use crate::request::parse;

/// Most characters of a comment.
const MOST_CHARS: usize = 1_000;
const RATING: &str = "rating";
const COMMENT: &str = "comment";

/// A thumb, up or down, and what was said with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feedback {
    /// Whether it was up.
    pub good: bool,
    /// What was said with it, if anything was.
    pub comment: Option<String>,
}

impl Feedback {
    /// The words for a thumb down and up, in that order.
    pub const RATINGS: [&'static str; 2] = ["down", "up"];

    /// Reads and checks the body of a request. A rating of `null` takes back what was said before.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with the member at fault.
    pub fn parse(body: &[u8]) -> Result<Option<Self>, InvalidRequest> {
        let request = Object::root(parse(body)?);
        let mut members = request.members().iter();
        if let Some((other, _json)) = members.find(|(key, _)| ![RATING, COMMENT].contains(key)) {
            let param = shown(other);
            let message = format!(
                "Unsupported parameter: '{param}'. Feedback has '{RATING}' and '{COMMENT}'."
            );
            return Err(InvalidRequest::unsupported(param, message));
        }
        if request.members().get(RATING).is_none() {
            return Err(InvalidRequest::missing(RATING));
        }
        let comment = request.string(COMMENT)?;
        if comment.as_ref().is_some_and(|text| text.chars().count() > MOST_CHARS) {
            let message = format!("Invalid '{COMMENT}': at most {MOST_CHARS} characters are kept.");
            return Err(InvalidRequest::at(COMMENT, "string_above_max_length", message));
        }
        let rating = request.word(RATING, &Self::RATINGS)?;
        Ok(rating.map(|word| Self { good: word == Self::RATINGS[1], comment }))
    }

    /// The word for the thumb.
    pub fn rating(&self) -> &'static str {
        Self::RATINGS[usize::from(self.good)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumb_is_up_or_down_or_taken_back() {
        let read = |body: &str| Feedback::parse(body.as_bytes()).unwrap();
        let up = Feedback { good: true, comment: None };
        assert_eq!(read(r#"{"rating":"up"}"#), Some(up.clone()));
        assert_eq!(up.rating(), "up");
        let down = read(r#"{"rating":"down","comment":"why?"}"#).unwrap();
        assert_eq!((down.rating(), down.comment.as_deref()), ("down", Some("why?")));
        assert_eq!(read(r#"{"rating":null}"#), None);
    }

    #[test]
    fn what_is_no_thumb_is_refused_by_name() {
        let long = format!(r#"{{"rating":"up","comment":"{}"}}"#, "é".repeat(MOST_CHARS + 1));
        for (body, param) in [
            ("{}", "rating"),
            (r#"{"rating":"sideways"}"#, "rating"),
            (r#"{"rating":1}"#, "rating"),
            (r#"{"rating":"up","comment":[]}"#, "comment"),
            (r#"{"rating":"up","stars":5}"#, "stars"),
            (&long, "comment"),
        ] {
            let refused = Feedback::parse(body.as_bytes()).unwrap_err();
            assert!(format!("{refused:?}").contains(param), "{refused:?}");
        }
        let full = long.replacen('é', "", 1);
        assert!(Feedback::parse(full.as_bytes()).is_ok());
    }
}
