//! In which pieces a text comes, and what is seen of it meanwhile.

use proptest::prelude::*;

use super::whole;
use crate::markdown::{Renderer, Sealed, blocks, sealed_of};

/// Text with all that blocks begin and end with.
const TEXT: &str =
    "([ab*_`#>|\\-\n\\[\\]()<:!~1. é\r$^\\\\]|\n\n|```|\\|-\\|\n|- |  |\\$\\$|\\\\\\(){0,10}";

/// Each of the characters in a piece of its own.
fn each(text: &str) -> Vec<&str> {
    text.split("").filter(|piece| !piece.is_empty()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn it_does_not_matter_in_which_pieces_a_text_comes(
        pieces in proptest::collection::vec(TEXT, 0..24),
    ) {
        let text = pieces.concat();

        let (sealed, last) = sealed_of([text.as_str()]);

        prop_assert_eq!(whole(&text), sealed.concat() + &last.concat());
        prop_assert_eq!(sealed_of(pieces.iter().map(String::as_str)), (sealed.clone(), last.clone()));
        prop_assert_eq!(sealed_of(each(&text)), (sealed, last));
    }

    #[test]
    fn the_pieces_of_a_beginning_are_the_first_of_the_whole(
        beginning in TEXT, rest in TEXT, times in 1..4_usize, long in 0..2_usize,
    ) {
        // Long enough to be cut as well.
        let beginning = format!("{}{beginning}", "a |".repeat(long * blocks::LONGEST_LINE / 2)).repeat(times);
        let text = beginning.clone() + &rest;

        let (first, _) = sealed_of([beginning.as_str()]);
        let (all, _) = sealed_of([text.as_str()]);

        prop_assert_eq!(all.get(..first.len()), Some(first.as_slice()));
    }

    #[test]
    fn no_word_is_lost(words in proptest::collection::vec("[a-z]{1,8}", 1..40)) {
        let html = whole(&words.join(" "));
        prop_assert_eq!(html, format!("<p dir=\"auto\">{}</p>\n", words.join(" ")));
    }

    #[test]
    fn words_that_are_settled_stand(
        words in proptest::collection::vec("([a-z]{1,4}|[0-9][.,$@:/\\\\-]|\\$[0-9a]|\\*\\*|`|www\\.a)+", 1..16),
    ) {
        let mut renderer = Renderer::default();
        let mut settled = Vec::new();
        for word in words {
            renderer.push(&word);
            renderer.push(" ");
            settled.extend(renderer.settled());
        }
        renderer.finish();
        let html: String = renderer.take().iter().map(Sealed::as_html).collect();
        for words in settled {
            prop_assert!(html.starts_with(&words), "{:?} in {:?}", words, html);
        }
    }
}
