//! What a caller sends, and what is stored of it.
//!
//! ```text
//! sk-chappe-<id, 16 characters>-<secret, 52 characters>
//! ```
//!
//! Characters are `a` to `z` and `2` to `7` (base32). The beginning is there for scanners that look
//! for leaked keys. The id alone opens nothing: it may stand in logs, lists and audits.

use std::fmt;
use std::str::FromStr;

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

const BEGINNING: &str = "sk-chappe-";
const ID_BYTES: usize = 10;
const ID_CHARACTERS: usize = 16;
const SECRET_BYTES: usize = 32;
const SECRET_CHARACTERS: usize = 52;

/// A text that is no key, or no id of one. It does not say which text: that may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a key of Chappe: `sk-chappe-`, 16 characters, `-`, 52 characters")]
pub struct InvalidKey;

/// Names one key. Written as 16 characters, safe as a subject token.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId(String);

/// A whole key. Neither `Debug` nor anything else shows it but [`ApiKey::reveal`].
#[derive(Clone)]
pub struct ApiKey {
    id: KeyId,
    text: String,
}

/// What is stored of a key: SHA-256 of its text. The secret is 256 random bits, so there is nothing
/// to guess that a slower function would protect.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyHash([u8; 32]);

impl KeyId {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for KeyId {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        if is_base32(text, ID_CHARACTERS) { Ok(Self(text.to_owned())) } else { Err(InvalidKey) }
    }
}

impl TryFrom<String> for KeyId {
    type Error = InvalidKey;

    fn try_from(text: String) -> Result<Self, InvalidKey> {
        text.parse()
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.0
    }
}

impl ApiKey {
    /// A new key under a new id, out of 336 random bits.
    pub fn fresh() -> Self {
        Self::of_id(KeyId(base32(&random::<ID_BYTES>())))
    }

    /// A new key under an id that there is.
    pub fn of_id(id: KeyId) -> Self {
        let secret = base32(&random::<SECRET_BYTES>());
        let text = format!("{BEGINNING}{id}-{secret}");
        Self { id, text }
    }

    /// The part that may be told.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// What its holder sends. To be shown once.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// What is stored of it.
    pub fn hash(&self) -> KeyHash {
        KeyHash(Sha256::digest(self.text.as_bytes()).into())
    }
}

impl FromStr for ApiKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let rest = text.strip_prefix(BEGINNING).ok_or(InvalidKey)?;
        let (id, secret) = rest.split_once('-').ok_or(InvalidKey)?;
        if !is_base32(secret, SECRET_CHARACTERS) {
            return Err(InvalidKey);
        }
        Ok(Self { id: id.parse()?, text: text.to_owned() })
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// In constant time: how much of a hash was right cannot be measured.
impl PartialEq for KeyHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for KeyHash {}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(..)")
    }
}

impl TryFrom<String> for KeyHash {
    type Error = InvalidKey;

    fn try_from(text: String) -> Result<Self, InvalidKey> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_not_hex| InvalidKey)?;
        bytes.try_into().map(Self).map_err(|_wrong_length| InvalidKey)
    }
}

impl From<KeyHash> for String {
    fn from(hash: KeyHash) -> Self {
        HEXLOWER.encode(&hash.0)
    }
}

fn random<const N: usize>() -> [u8; N] {
    rand::random()
}

fn base32(bytes: &[u8]) -> String {
    BASE32_NOPAD.encode(bytes).to_ascii_lowercase()
}

fn is_base32(text: &str, characters: usize) -> bool {
    text.len() == characters && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_reads_back_and_is_known_by_its_hash() {
        let key = ApiKey::fresh();

        let read: ApiKey = key.reveal().parse().unwrap();

        assert_eq!(read.id(), key.id());
        assert_eq!(read.hash(), key.hash());
        assert_ne!(ApiKey::of_id(key.id().clone()).hash(), key.hash());
        let stored = serde_json::to_string(&key.hash()).unwrap();
        assert_eq!(serde_json::from_str::<KeyHash>(&stored).unwrap(), key.hash());
    }

    #[test]
    fn what_may_be_printed_does_not_open_anything() {
        let key = ApiKey::fresh();
        let secret = key.reveal().rsplit('-').next().unwrap();

        let printed = format!("{key:?} {:?} {}", key.hash(), key.id());

        assert!(!printed.contains(secret));
        assert!(!printed.contains(&String::from(key.hash())));
        assert!(!format!("{:?}", "sk-chappe-x".parse::<ApiKey>()).contains("-x"));
    }

    #[test]
    fn other_texts_are_no_keys() {
        let key = ApiKey::fresh().reveal().to_owned();
        for text in [
            "",
            "sk-chappe-",
            "sk-chappe--",
            key.trim_start_matches("sk-"),
            &key.to_uppercase(),
            &key[..key.len() - 1],
            &format!("{key}a"),
            &format!(" {key}"),
            &key.replace("sk-chappe-", "sk-chappe_"),
        ] {
            assert!(text.parse::<ApiKey>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,100}") {
            let _read = text.parse::<ApiKey>();
            let _read = format!("{BEGINNING}{text}").parse::<ApiKey>();
        }
    }
}
