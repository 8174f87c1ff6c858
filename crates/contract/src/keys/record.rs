//! What is known of a key.

use serde::{Deserialize, Serialize};

use super::{ApiKey, KeyHash, KeyId, Limits, Scopes};
use crate::{KeyName, OwnerName, TenantName};

/// What is stored of a key. All times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// Its name in lists and logs.
    pub id: KeyId,
    /// What people call it.
    pub name: KeyName,
    /// How it is known again.
    pub hash: KeyHash,
    /// Who pays.
    pub tenant: TenantName,
    /// Whose objects its callers see, unless they say for whom they call.
    pub owner: OwnerName,
    /// What it may be used for.
    pub scopes: Scopes,
    /// How much.
    pub limits: Limits,
    /// When it was made.
    pub created_at: u64,
    /// By whom: an operator's key, or the command line.
    pub created_by: String,
    /// From when on it does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
    /// Whether it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revoked>,
    /// What was its secret before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced: Option<Replaced>,
}

/// What is wanted of a key that is to be made.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// What people call it.
    pub name: KeyName,
    /// Who pays. Unless it is said: `local`.
    #[serde(default = "TenantName::local")]
    pub tenant: TenantName,
    /// Whose objects its callers see. Unless it is said: `local`, so that all keys of a tenant share.
    #[serde(default = "OwnerName::local")]
    pub owner: OwnerName,
    /// What it may be used for.
    #[serde(default)]
    pub scopes: Scopes,
    /// How much.
    #[serde(default)]
    pub limits: Limits,
    /// From when on it does not count, in seconds since 1970.
    #[serde(default)]
    pub expires_at: Option<u64>,
}

/// A key was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked {
    /// When.
    pub at: u64,
    /// By whom.
    pub by: String,
}

/// A key got a new secret; the one before is good for a while longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    /// How the one before is known again.
    pub hash: KeyHash,
    /// When it was replaced.
    pub at: u64,
    /// By whom.
    pub by: String,
    /// From when on the one before does not count.
    pub good_until: u64,
}

/// A key as people and programs may see it: without its hashes.
#[derive(Debug, Serialize)]
pub struct ShownKey<'a> {
    id: &'a KeyId,
    name: &'a KeyName,
    tenant: &'a TenantName,
    owner: &'a OwnerName,
    scopes: &'a Scopes,
    limits: Limits,
    created_at: u64,
    created_by: &'a str,
    expires_at: Option<u64>,
    revoked_at: Option<u64>,
    revoked_by: Option<&'a str>,
    rotated_at: Option<u64>,
    rotated_by: Option<&'a str>,
}

/// Whether a key counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Good,
    /// The id is right, the secret is not.
    Wrong,
    /// It was taken back.
    Revoked,
    /// Its time is over, or that of a secret which was replaced.
    Expired,
}

impl NewKey {
    /// Makes it. The key is shown once; only the record is stored.
    pub fn make(self, by: &str, now: u64) -> (ApiKey, KeyRecord) {
        let key = ApiKey::fresh();
        let Self { name, tenant, owner, scopes, limits, expires_at } = self;
        let record = KeyRecord {
            id: key.id().clone(),
            name,
            hash: key.hash(),
            tenant,
            owner,
            scopes,
            limits,
            created_at: now,
            created_by: by.to_owned(),
            expires_at,
            revoked: None,
            replaced: None,
        };
        (key, record)
    }
}

impl KeyRecord {
    /// Whether `key` counts at `now`. Only who has the secret learns how it stands.
    pub fn standing(&self, key: &ApiKey, now: u64) -> Standing {
        let hash = key.hash();
        // Both are always compared: how long this takes says nothing.
        let is_newest = self.hash == hash;
        let before = self.replaced.as_ref().filter(|replaced| replaced.hash == hash);
        let over = |end: Option<u64>| end.is_some_and(|end| now >= end);
        match (is_newest, before) {
            (false, None) => Standing::Wrong,
            _ if self.revoked.is_some() => Standing::Revoked,
            _ if over(self.expires_at) => Standing::Expired,
            (false, Some(before)) if now >= before.good_until => Standing::Expired,
            _ => Standing::Good,
        }
    }

    /// What may be seen of it.
    pub fn shown(&self) -> ShownKey<'_> {
        let (revoked, replaced) = (self.revoked.as_ref(), self.replaced.as_ref());
        ShownKey {
            id: &self.id,
            name: &self.name,
            tenant: &self.tenant,
            owner: &self.owner,
            scopes: &self.scopes,
            limits: self.limits,
            created_at: self.created_at,
            created_by: &self.created_by,
            expires_at: self.expires_at,
            revoked_at: revoked.map(|revoked| revoked.at),
            revoked_by: revoked.map(|revoked| revoked.by.as_str()),
            rotated_at: replaced.map(|replaced| replaced.at),
            rotated_by: replaced.map(|replaced| replaced.by.as_str()),
        }
    }

    /// Whether it can still be used at `now`, by whoever has its newest secret.
    pub fn is_good(&self, now: u64) -> bool {
        self.revoked.is_none() && self.expires_at.is_none_or(|end| now < end)
    }

    /// Gives it a new secret. The one before stays good until `good_until`.
    pub fn rotate(&mut self, by: &str, now: u64, good_until: u64) -> ApiKey {
        let key = ApiKey::of_id(self.id.clone());
        let hash = std::mem::replace(&mut self.hash, key.hash());
        self.replaced = Some(Replaced { hash, at: now, by: by.to_owned(), good_until });
        key
    }

    /// Takes it back. What was taken back stays so.
    pub fn revoke(&mut self, by: &str, now: u64) {
        self.revoked.get_or_insert_with(|| Revoked { at: now, by: by.to_owned() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> (ApiKey, KeyRecord) {
        let wanted: NewKey = serde_json::from_str(r#"{"name": "test"}"#).unwrap();
        wanted.make("operator", 100)
    }

    #[test]
    fn a_key_counts_until_it_expires_or_is_taken_back() {
        let (key, mut record) = made();
        assert_eq!(record.standing(&key, 100), Standing::Good);

        record.expires_at = Some(200);
        assert_eq!(record.standing(&key, 199), Standing::Good);
        assert_eq!(record.standing(&key, 200), Standing::Expired);
        assert!(record.is_good(199) && !record.is_good(200));

        record.revoke("operator", 150);
        record.revoke("another", 160);
        assert_eq!(record.standing(&key, 151), Standing::Revoked);
        assert_eq!(record.revoked.as_ref().map(|revoked| revoked.at), Some(150));
        assert!(!record.is_good(151));
    }

    #[test]
    fn who_has_no_secret_learns_nothing() {
        let (key, mut record) = made();
        record.revoke("operator", 150);
        let guess = ApiKey::of_id(key.id().clone());

        assert_eq!(record.standing(&guess, 200), Standing::Wrong);
    }

    #[test]
    fn a_secret_that_was_replaced_is_good_for_a_while() {
        let (before, mut record) = made();

        let after = record.rotate("operator", 100, 160);

        assert_eq!(after.id(), before.id());
        assert_eq!(record.standing(&after, 100), Standing::Good);
        assert_eq!(record.standing(&before, 159), Standing::Good);
        assert_eq!(record.standing(&before, 160), Standing::Expired);

        let newest = record.rotate("operator", 120, 120);
        assert_eq!(record.standing(&before, 120), Standing::Wrong, "two are never remembered");
        assert_eq!(record.standing(&after, 120), Standing::Expired);
        assert_eq!(record.standing(&newest, 120), Standing::Good);
    }

    #[test]
    fn a_record_reads_back_and_holds_no_secret() {
        let (key, mut record) = made();
        record.rotate("operator", 100, 160);

        let stored = serde_json::to_string(&record).unwrap();

        assert_eq!(serde_json::from_str::<KeyRecord>(&stored).unwrap(), record);
        let secret = key.reveal().rsplit('-').next().unwrap();
        assert!(!stored.contains(secret));
    }
}
