//! What counts as a token: a short word, or a piece of a long one, with the space after it.

/// Most characters of a token, without the space after it.
const LONGEST: usize = 8;
/// Characters to a token of a prompt, as a rule of thumb.
const CHARACTERS_PER_TOKEN: u64 = 4;

/// The tokens of a text. Joined they are the text again; a text that begins where a token ended
/// has the same tokens from there on.
pub(crate) fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (token, after) = rest.split_at(first_token_bytes(rest));
        rest = after;
        Some(token)
    })
}

fn first_token_bytes(text: &str) -> usize {
    let mut characters = 0;
    let mut in_space = false;
    for (at, character) in text.char_indices() {
        if character.is_whitespace() {
            in_space = true;
        } else if in_space || characters == LONGEST {
            return at;
        } else {
            characters += 1;
        }
    }
    text.len()
}

/// How many tokens a prompt of this text has, roughly.
pub(crate) fn estimate(text: &str) -> u64 {
    (text.chars().count() as u64).div_ceil(CHARACTERS_PER_TOKEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_keep_every_character_and_the_space_after_them() {
        for text in
            ["", " ", "Hello, world!\n\n* a  b", "donaudampfschifffahrt", "日本語の長い文章です"]
        {
            assert_eq!(split(text).collect::<String>(), text);
        }
        assert_eq!(
            split("Hello, wide\n world").collect::<Vec<_>>(),
            ["Hello, ", "wide\n ", "world"]
        );
    }

    #[test]
    fn a_rest_has_the_tokens_that_the_whole_has_there() {
        let whole: Vec<_> = split("one two three fourteenth").collect();

        assert_eq!(split("three fourteenth").collect::<Vec<_>>(), whole[2..]);
    }
}
