//! What is known of a key.

use serde::{Deserialize, Serialize};

use super::rotation::{NotRotated, Replaced, Rotation};
use super::scopes::stored_limits;
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
    #[serde(deserialize_with = "stored_limits")]
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

/// The time of a key would be over before it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key has to expire in the future, or not at all")]
pub struct AlreadyOver;

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
    replaced_good_until: Option<u64>,
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
    /// Whether it would count if it was made at `now`.
    ///
    /// # Errors
    ///
    /// [`AlreadyOver`].
    pub fn lasts_beyond(&self, now: u64) -> Result<(), AlreadyOver> {
        if self.expires_at.is_some_and(|end| end <= now) { Err(AlreadyOver) } else { Ok(()) }
    }

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
            replaced_good_until: replaced.map(|replaced| replaced.good_until),
        }
    }

    /// Whether it can still be used at `now`, by whoever has its newest secret.
    pub fn is_good(&self, now: u64) -> bool {
        self.revoked.is_none() && self.expires_at.is_none_or(|end| now < end)
    }

    /// Gives it a new secret. The one before stays good for a while.
    ///
    /// # Errors
    ///
    /// [`NotRotated`]; then nothing has changed.
    pub fn rotate(&mut self, rotation: Rotation, by: &str, now: u64) -> Result<ApiKey, NotRotated> {
        let good_until = rotation.good_until(now)?;
        if !self.is_good(now) {
            return Err(NotRotated::NotGood);
        }
        // Only one is remembered. Whoever asks again because an answer was lost would end at once
        // the secret that everybody has.
        let still_good = self.replaced.as_ref().filter(|before| now < before.good_until);
        if let Some(before) = still_good.filter(|_before| !rotation.force) {
            return Err(NotRotated::InRotation { good_until: before.good_until });
        }
        let key = ApiKey::of_id(self.id.clone());
        let hash = std::mem::replace(&mut self.hash, key.hash());
        self.replaced = Some(Replaced { hash, at: now, by: by.to_owned(), good_until });
        Ok(key)
    }

    /// Takes it back, and says whether that has changed anything: what was taken back stays so, and
    /// by whom.
    pub fn revoke(&mut self, by: &str, now: u64) -> bool {
        let is_first = self.revoked.is_none();
        self.revoked.get_or_insert_with(|| Revoked { at: now, by: by.to_owned() });
        is_first
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::super::LONGEST_GRACE;
    use super::*;

    const NAMED: &str = r#"{"name": "test"}"#;

    fn for_a_minute() -> Rotation {
        Rotation { grace_seconds: 60, ..Rotation::default() }
    }

    fn made() -> (ApiKey, KeyRecord) {
        let wanted: NewKey = serde_json::from_str(NAMED).unwrap();
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

        assert!(record.revoke("operator", 150));
        assert!(!record.revoke("another", 160), "it was taken back before");
        assert_eq!(record.standing(&key, 151), Standing::Revoked);
        assert_eq!(record.revoked.as_ref().map(|revoked| revoked.at), Some(150));
        assert!(!record.is_good(151));
    }

    #[test]
    fn who_has_no_secret_learns_nothing() {
        let (key, mut record) = made();
        assert!(record.revoke("operator", 150));
        let guess = ApiKey::of_id(key.id().clone());

        assert_eq!(record.standing(&guess, 200), Standing::Wrong);
    }

    #[test]
    fn a_secret_that_was_replaced_is_good_for_a_while() {
        let (before, mut record) = made();

        let after = record.rotate(for_a_minute(), "operator", 100).unwrap();

        assert_eq!(after.id(), before.id());
        assert_eq!(record.standing(&after, 100), Standing::Good);
        assert_eq!(record.standing(&before, 159), Standing::Good);
        assert_eq!(record.standing(&before, 160), Standing::Expired);
    }

    #[test]
    fn a_rotation_that_is_repeated_does_not_end_the_secret_in_use() {
        let (before, mut record) = made();
        let after = record.rotate(for_a_minute(), "operator", 100).unwrap();

        let refused = record.rotate(for_a_minute(), "operator", 120).unwrap_err();

        assert_eq!(refused, NotRotated::InRotation { good_until: 160 });
        assert_eq!(record.standing(&before, 120), Standing::Good);
        assert_eq!(record.standing(&after, 120), Standing::Good);

        let forced = Rotation { grace_seconds: 0, force: true };
        let newest = record.rotate(forced, "operator", 120).unwrap();
        assert_eq!(record.standing(&before, 120), Standing::Wrong, "two are never remembered");
        assert_eq!(record.standing(&after, 120), Standing::Expired);
        assert_eq!(record.standing(&newest, 120), Standing::Good);
        assert!(record.rotate(for_a_minute(), "operator", 120).is_ok(), "the one before is over");
    }

    #[test]
    fn what_does_not_count_is_not_rotated_and_no_secret_stays_for_ever() {
        let (_key, mut record) = made();
        let too_long = Rotation { grace_seconds: LONGEST_GRACE + 1, ..Rotation::default() };
        assert_eq!(record.rotate(too_long, "x", 100).unwrap_err(), NotRotated::GraceTooLong);
        record.expires_at = Some(200);
        let expired = record.rotate(for_a_minute(), "x", 200);
        assert_eq!(expired.unwrap_err(), NotRotated::NotGood);
        assert!(record.rotate(for_a_minute(), "x", 199).is_ok());
        record.revoke("x", 199);
        let revoked = record.rotate(for_a_minute(), "x", 199);
        assert_eq!(revoked.unwrap_err(), NotRotated::NotGood);
    }

    #[test]
    fn a_key_that_would_be_over_before_it_began_is_none() {
        let wanted = |end| NewKey { expires_at: end, ..serde_json::from_str(NAMED).unwrap() };
        assert_eq!(wanted(None).lasts_beyond(100), Ok(()));
        assert_eq!(wanted(Some(101)).lasts_beyond(100), Ok(()));
        assert_eq!(wanted(Some(100)).lasts_beyond(100), Err(AlreadyOver));
    }

    #[test]
    fn a_limit_of_nothing_is_refused_when_it_is_wanted_and_one_when_it_was_stored() {
        let limits = |number: u32| format!(r#"{{"requests_per_minute":{number}}}"#);
        let wanted = |number| format!(r#"{{"name":"test","limits":{}}}"#, limits(number));
        assert!(serde_json::from_str::<NewKey>(&wanted(1)).is_ok());
        assert!(serde_json::from_str::<NewKey>(&wanted(0)).is_err());

        let (_key, record) = made();
        let stored = serde_json::to_string(&record).unwrap();
        let stored = stored.replace("\"limits\":{}", &format!("\"limits\":{}", limits(0)));
        let read: KeyRecord = serde_json::from_str(&stored).unwrap();
        assert_eq!(read.limits.requests_per_minute, Some(NonZeroU32::MIN));
        assert_eq!(read.limits.concurrent_requests, None);
    }

    #[test]
    fn a_record_reads_back_and_holds_no_secret() {
        let (key, mut record) = made();
        record.rotate(for_a_minute(), "operator", 100).unwrap();

        let stored = serde_json::to_string(&record).unwrap();

        assert_eq!(serde_json::from_str::<KeyRecord>(&stored).unwrap(), record);
        let secret = key.reveal().rsplit('-').next().unwrap();
        assert!(!stored.contains(secret));
    }
}
