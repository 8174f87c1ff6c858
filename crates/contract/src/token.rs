//! Makes any text one subject token, and back.

use data_encoding::BASE32_NOPAD;

/// Begins every token that is not its own text.
const ESCAPE: &str = "x-";

/// One subject token for `text`; different texts give different tokens.
///
/// NATS reads `.` as a level, `*` and `>` as wildcards, and refuses spaces; model names do hold
/// dots (`gpt-4.1`). Plain texts of lower-case letters, digits, `-` and `_` stay readable; all
/// others become `x-` and their base32, as does a plain text that begins with `x-` itself.
pub(crate) fn of(text: &str) -> String {
    let plain = !text.is_empty()
        && !text.starts_with(ESCAPE)
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
    if plain {
        text.to_owned()
    } else {
        format!("{ESCAPE}{}", BASE32_NOPAD.encode(text.as_bytes()))
    }
}

/// The text whose token this is; `None` when [`of`] never made it.
pub(crate) fn read(token: &str) -> Option<String> {
    let text = match token.strip_prefix(ESCAPE) {
        Some(encoded) => String::from_utf8(BASE32_NOPAD.decode(encoded.as_bytes()).ok()?).ok()?,
        None => token.to_owned(),
    };
    (of(&text) == token).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_names_stay_readable() {
        assert_eq!(of("llama3"), "llama3");
        assert_eq!(of("default"), "default");
        assert!(of("gpt-4.1").starts_with("x-"));
        assert!(of("x-ray").starts_with("x-"));
        assert!(of("").starts_with("x-"));
    }

    proptest! {
        #[test]
        fn a_token_is_one_level_and_reads_back(text in ".{0,40}") {
            let token = of(&text);
            prop_assert!(!token.is_empty());
            prop_assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')));
            prop_assert_eq!(read(&token), Some(text));
        }

        #[test]
        fn different_texts_give_different_tokens(a in ".{0,12}", b in ".{0,12}") {
            prop_assert_eq!(a == b, of(&a) == of(&b));
        }
    }
}
