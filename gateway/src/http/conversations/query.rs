//! Which conversations are asked for.

use contract::ConversationId;
use openai_api::InvalidRequest;

use crate::http::responses::{Page, Pair, invalid, value};

/// Longest text that is searched for, in characters.
const MOST_SEARCHED_FOR: usize = 200;

/// `GET /v1/conversations`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct List {
    pub(super) limit: usize,
    /// Those that were made before this one.
    pub(super) after: Option<ConversationId>,
    /// Those that hold this text.
    pub(super) search: Option<String>,
}

impl List {
    pub(super) fn read(pairs: &[Pair]) -> Result<Self, InvalidRequest> {
        let page = Page::read(pairs)?;
        if !page.newest_first {
            return Err(invalid("order", "`desc`: conversations are listed the newest first"));
        }
        let read = |id: String| ConversationId::of_conversation(&id);
        let after = page.after.map(read).transpose();
        let after = after.map_err(|_invalid| invalid("after", "the id of a conversation"))?;
        let search = value(pairs, "search").map(str::trim).filter(|text| !text.is_empty());
        if search.is_some_and(|text| text.chars().nth(MOST_SEARCHED_FOR).is_some()) {
            let expected = format!("a text of at most {MOST_SEARCHED_FOR} characters");
            return Err(invalid("search", expected));
        }
        Ok(Self { limit: page.limit, after, search: search.map(str::to_owned) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<List, InvalidRequest> {
        let pairs: Vec<Pair> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        List::read(&pairs)
    }

    #[test]
    fn twenty_of_the_newest_are_listed_unless_asked_otherwise() {
        let id = ConversationId::fresh();
        for pairs in [&[][..], &[("search", "  ")]] {
            assert_eq!(read(pairs), Ok(List { limit: 20, after: None, search: None }));
        }
        let (after, search) = (Some(id), Some("a b".to_owned()));
        assert_eq!(
            read(&[("limit", "100"), ("after", &id.as_conversation()), ("search", " a b ")]),
            Ok(List { limit: 100, after, search })
        );
    }

    #[test]
    fn what_means_nothing_is_refused_by_name() {
        let long = "é".repeat(201);
        for (name, value) in
            [("limit", "101"), ("limit", "0"), ("order", "asc"), ("after", "x"), ("search", &long)]
        {
            assert_eq!(read(&[(name, value)]).unwrap_err().param.as_deref(), Some(name), "{value}");
        }
    }
}
