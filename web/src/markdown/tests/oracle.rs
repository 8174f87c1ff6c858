//! A sanitizer as the judge of what is written: it takes nothing away, and writes the same again.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::whole;
use crate::markdown::written::ELEMENTS;

/// What a sanitizer that knows our elements makes of it.
fn sanitized(html: &str) -> String {
    let attributes = ELEMENTS
        .iter()
        .map(|(name, attributes)| (*name, attributes.iter().copied().collect::<HashSet<_>>()));
    let mut ammonia = ammonia::Builder::empty();
    ammonia
        .tags(ELEMENTS.iter().map(|(name, _)| *name).collect())
        .tag_attributes(attributes.collect::<HashMap<_, _>>())
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .link_rel(None);
    ammonia.clean(html).to_string()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn a_sanitizer_finds_nothing_to_take_away(
        text in "([a<>/\"'=&;:|`*_~\\[\\]()!#\n 1.\\-\u{a0}\0\r\t$^{}\\\\]|script|img|src|href|\
                 javascript:|https://|www\\.|a@b\\.c|<svg|<math>|on|\\\\frac|\\\\text\\{|\\|-\\|\n|- \\[x\\] |\
                 \\[\\^1\\]: |\u{202e}|```rust\n|\\\\begin\\{matrix\\}|\\$\\$){0,40}",
    ) {
        let html = whole(&text);

        prop_assert_eq!(sanitized(&html), html);
    }

    #[test]
    fn nor_in_formulas(
        text in "(\\\\(left|right|sqrt|text|href|url|class|style|color|cancel|not|hat|bar|sum|int|tag|label|\
                 eqref|operatorname|mathbb|begin|end|hline|frac|over|underbrace|phantom|rule|,|!|quad|\\\\)|\
                 [a-z0-9<>&\"'(){}\\[\\]^_|=+. -]|\\{(matrix|cases|aligned|array|red|a)\\}|\\{\\|c\\|\\}){0,24}",
    ) {
        let html = whole(&format!("$${text}$$"));

        prop_assert_eq!(sanitized(&html), html);
    }
}
