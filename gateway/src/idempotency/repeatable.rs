//! What a caller asks under a key, without its words. Pure.

use contract::{Owner, subjects};
use sha2::{Digest as _, Sha256};

/// Most characters of a key.
pub(crate) const LONGEST_KEY: usize = 255;

/// A request that may come again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Repeatable {
    /// The key of its record.
    record: String,
    /// A digest of everything in it that a repeat has, too.
    digest: String,
}

impl Repeatable {
    /// The request with this body to this path; `None` when `key` is none: 1 to 255 visible
    /// characters of ASCII.
    pub(crate) fn of(owner: &Owner, key: &[u8], path: &str, body: &[u8]) -> Option<Self> {
        let is_visible = |byte: &u8| byte.is_ascii_graphic();
        if key.is_empty() || key.len() > LONGEST_KEY || !key.iter().all(is_visible) {
            return None;
        }
        let record = subjects::idempotency_key(owner, &digest(&[key]));
        // No path holds a line break.
        Some(Self { record, digest: digest(&[path.as_bytes(), b"\n", body]) })
    }

    /// The key of its record.
    pub(crate) fn record(&self) -> &str {
        &self.record
    }

    pub(super) fn digest(&self) -> &str {
        &self.digest
    }
}

fn digest(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    format!("{:x}", hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(key: &str, path: &str, body: &str) -> Option<Repeatable> {
        Repeatable::of(&Owner::local(), key.as_bytes(), path, body.as_bytes())
    }

    #[test]
    fn a_key_is_up_to_255_visible_characters() {
        for key in ["a", "~!.*> "].map(str::trim) {
            assert!(of(key, "/", "").is_some(), "{key}");
        }
        assert!(of(&"k".repeat(255), "/", "").is_some());
        for key in ["", " ", "a b", "é", "a\t", &"k".repeat(256)] {
            assert_eq!(of(key, "/", ""), None, "{key}");
        }
    }

    #[test]
    fn the_same_path_and_body_are_the_same_request_whatever_it_is_called() {
        let first = of("a", "/v1/x", "{}").unwrap();

        assert_eq!(of("a", "/v1/x", "{}").unwrap(), first);
        assert_eq!(of("b", "/v1/x", "{}").unwrap().digest, first.digest);
        assert_ne!(of("b", "/v1/x", "{}").unwrap().record, first.record);
        for (path, body) in [("/v1/x", "{ }"), ("/v1/y", "{}"), ("/v1/x\n", "{}")] {
            let other = of("a", path, body).unwrap();
            assert_eq!(other.record, first.record);
            assert_ne!(other.digest, first.digest, "{path} {body}");
        }
    }

    #[test]
    fn owners_do_not_share_keys_and_none_is_spelt_in_a_subject() {
        let other = Owner { name: "other".parse().unwrap(), ..Owner::local() };
        let theirs = Repeatable::of(&other, b"a.>", "/", b"").unwrap();
        let ours = of("a.>", "/", "").unwrap();

        assert_ne!(theirs.record, ours.record);
        assert!(!ours.record.contains('>') && ours.record.matches('.').count() == 2);
    }
}
