//! Files that a caller sends within the request: those that are text.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Some callers leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The text in a data URL such as `data:text/plain;base64,aGk=`.
///
/// # Errors
///
/// Why there is none, as the end of a sentence that begins with the name of the member.
pub fn text_of(url: &str) -> Result<String, &'static str> {
    let Some((head, data)) = url.strip_prefix("data:").and_then(|rest| rest.split_once(',')) else {
        return Err("is no data URL, such as `data:text/plain;base64,…`");
    };
    let mut head = head.split(';').map(str::trim);
    let kind = head.next().unwrap_or_default();
    let is_text = kind.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("text/"));
    if !is_text {
        return Err("is not of a type `text/…`: only text can be given to the model");
    }
    let bytes = match head.any(|word| word.eq_ignore_ascii_case("base64")) {
        true => BASE64.decode(data).map_err(|_| "is not valid base64")?,
        false => percent_decoded(data),
    };
    String::from_utf8(bytes).map_err(|_| "is not text in UTF-8")
}

fn percent_decoded(data: &str) -> Vec<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let mut bytes = Vec::with_capacity(data.len());
    let mut rest = data.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        let code = match (byte, behind) {
            (b'%', [high, low, ..]) => digit(high).zip(digit(low)),
            _ => None,
        };
        match code.and_then(|(high, low)| u8::try_from(high * 16 + low).ok()) {
            Some(decoded) => {
                bytes.push(decoded);
                rest = &behind[2..];
            }
            None => bytes.push(*byte),
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_however_it_is_packed() {
        for (url, text) in [
            ("data:text/plain;base64,aGk=", "hi"),
            ("data:text/plain;base64,aGk", "hi"),
            ("data:TEXT/markdown; charset=utf-8; base64,w6k=", "é"),
            ("data:text/csv,a%2Cb%0A100%", "a,b\n100%"),
            ("data:text/plain,", ""),
            ("data:text/plain,%C3%A9%4", "é%4"),
        ] {
            assert_eq!(text_of(url).as_deref(), Ok(text), "{url}");
        }
    }

    #[test]
    fn what_is_no_text_is_refused() {
        for url in [
            "",
            "aGk=",
            "data:text/plain",
            "data:application/pdf;base64,aGk=",
            "data:,hi",
            "data:text/plain;base64,?",
            "data:text/plain;base64,/w==",
            "data:té,hi",
        ] {
            assert!(text_of(url).is_err(), "{url}");
        }
    }
}
