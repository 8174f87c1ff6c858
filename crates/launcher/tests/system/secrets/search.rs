//! Looks for secrets in whatever came out, however they are spelt there.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// Letters that are looked for at once: a part of a secret is a leak as well.
const PART: usize = 12;

/// Something that nobody but its holders may see.
pub(crate) struct Secret {
    pub(crate) what: String,
    spelt: Vec<String>,
}

impl Secret {
    /// `text` is the secret part alone: without a prefix that all of its kind share.
    pub(crate) fn new(what: &str, text: &str) -> Self {
        assert!(text.len() >= 2 * PART, "{what} is too short to be told from chance");
        let starts = [0, (text.len() - PART) / 2, text.len() - PART];
        let parts = starts.map(|start| &text.as_bytes()[start..start + PART]);
        Self { what: what.to_owned(), spelt: parts.into_iter().flat_map(spellings).collect() }
    }

    /// Whether it is in a text, which has to be in small letters.
    fn is_in(&self, text: &str) -> bool {
        self.spelt.iter().any(|spelt| text.contains(spelt))
    }
}

/// As it is, percent-encoded, in hexadecimal, as numbers, and in base64 at each place within three.
/// All in small letters.
fn spellings(part: &[u8]) -> Vec<String> {
    let each = |spell: &dyn Fn(&u8) -> String, between: &str| {
        part.iter().map(spell).collect::<Vec<_>>().join(between)
    };
    let mut spelt = vec![
        String::from_utf8_lossy(part).to_ascii_lowercase(),
        each(&|byte| format!("%{byte:02x}"), ""),
        each(&|byte| format!("{byte:02x}"), ""),
        each(&|byte| byte.to_string(), ", "),
        each(&|byte| byte.to_string(), ","),
    ];
    for before in 0..3 {
        let padded = [&vec![0; before], part].concat();
        let whole = STANDARD_NO_PAD.encode(padded);
        // The first and the last letters also depend on what stands beside the part.
        let inner = &whole[[0, 2, 3][before]..whole.len() - 2];
        // Base64 tells capitals apart; in small letters it is found all the same.
        spelt.push(inner.to_ascii_lowercase());
    }
    spelt
}

/// Everything of `secrets` that is in `texts`, each with where it is.
pub(crate) fn found<'a>(
    secrets: &'a [Secret],
    texts: impl IntoIterator<Item = (String, Vec<u8>)>,
) -> Vec<String> {
    let mut found = Vec::new();
    for (place, text) in texts {
        let text = lower(&text);
        let here = secrets.iter().filter(|secret| secret.is_in(&text));
        found.extend(here.map(|secret: &'a Secret| format!("{} in {place}", secret.what)));
    }
    found
}

fn lower(text: &[u8]) -> String {
    String::from_utf8_lossy(text).to_ascii_lowercase()
}

#[test]
fn a_planted_secret_is_found_however_it_is_spelt() {
    let text = "q2r3s4t5u6v7w2x3y4z5a6b7c2d3e4f5";
    let secret = Secret::new("planted", text);
    let percent: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut planted = vec![
        text.to_owned(),
        text.to_uppercase(),
        text[..PART].to_owned(),
        text[text.len() - PART..].to_owned(),
        percent,
        hex,
        format!("{:?}", text.as_bytes()),
    ];
    for before in ["", "a", "ab", "Bearer "] {
        planted.push(base64::engine::general_purpose::STANDARD.encode(format!("{before}{text}")));
        planted.push(base64::engine::general_purpose::URL_SAFE.encode(format!("{before}{text}x")));
    }

    for spelt in planted {
        for place in [spelt.clone(), format!("{{\"key\":\"{spelt}\"}}"), format!("é{spelt}é")] {
            assert!(secret.is_in(&lower(place.as_bytes())), "{place}");
        }
    }
    assert!(!secret.is_in("q2r3s4t5 and nothing more"));
    let told = found(&[secret], [("a log".to_owned(), text.as_bytes().to_vec())]);
    assert_eq!(told, ["planted in a log"]);
}
