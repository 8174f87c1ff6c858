//! Which conversations, and which turns of one, are asked for.

use contract::ConversationId;
use openai_api::InvalidRequest;

use crate::conversations::Wanted;
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

/// `GET /v1/conversations/{conversation_id}/turns`.
pub(super) fn turns(pairs: &[Pair]) -> Result<Wanted, InvalidRequest> {
    let limit = Page::read(pairs)?.limit;
    let text = |name| value(pairs, name).map(str::to_owned);
    for name in ["order", "after"] {
        if value(pairs, name).is_some() {
            let expected = "nothing: turns are listed the oldest first, and paged by `before`";
            return Err(invalid(name, expected));
        }
    }
    let wanted = Wanted { at: text("at"), until: text("until"), before: text("before"), limit };
    if wanted.at.is_some() && wanted.until.is_some() {
        return Err(invalid("until", "nothing beside `at`: a path has one end"));
    }
    Ok(wanted)
}

/// Whether what is deleted takes its responses along.
pub(super) fn with_responses(pairs: &[Pair]) -> Result<bool, InvalidRequest> {
    match value(pairs, "responses") {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_other) => Err(invalid("responses", "`true` or `false`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(pairs: &[(&str, &str)]) -> Vec<Pair> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn read(pairs: &[(&str, &str)]) -> Result<List, InvalidRequest> {
        List::read(&owned(pairs))
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

    #[test]
    fn a_page_of_turns_is_the_last_twenty_of_the_newest_path_unless_asked_otherwise() {
        let wanted = |at: Option<&str>, before: Option<&str>, limit| Wanted {
            at: at.map(str::to_owned),
            until: None,
            before: before.map(str::to_owned),
            limit,
        };
        assert_eq!(turns(&[]), Ok(wanted(None, None, 20)));
        let pairs = owned(&[("at", "a"), ("before", "b"), ("limit", "100")]);
        assert_eq!(turns(&pairs), Ok(wanted(Some("a"), Some("b"), 100)));
        let until = turns(&owned(&[("until", "a"), ("limit", "1")])).unwrap();
        assert_eq!((until.until.as_deref(), until.at), (Some("a"), None));
        let both = turns(&owned(&[("at", "a"), ("until", "a")])).unwrap_err();
        assert_eq!(both.param.as_deref(), Some("until"));
        for (name, value) in
            [("limit", "0"), ("limit", "101"), ("limit", ""), ("order", "desc"), ("after", "a")]
        {
            let refused = turns(&owned(&[(name, value)])).unwrap_err();
            assert_eq!(refused.param.as_deref(), Some(name), "{value}");
        }
    }

    #[test]
    fn responses_go_along_only_if_that_is_said() {
        for (said, along) in [(None, false), (Some("false"), false), (Some("true"), true)] {
            let pairs = said.map(|said| ("responses", said));
            assert_eq!(with_responses(&owned(pairs.as_slice())), Ok(along), "{said:?}");
        }
        let refused = with_responses(&owned(&[("responses", "1")])).unwrap_err();
        assert_eq!(refused.param.as_deref(), Some("responses"));
    }
}
