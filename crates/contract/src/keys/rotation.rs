//! A new secret for a key, and how long the one before stays good.

use serde::{Deserialize, Serialize};

use super::KeyHash;

/// How long the secret before stays good unless it is said: a day, in seconds.
pub const GRACE: u64 = 24 * 60 * 60;
/// The longest that may be said: 90 days, in seconds.
pub const LONGEST_GRACE: u64 = 90 * 24 * 60 * 60;

/// How a key is to be rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rotation {
    /// How long the secret before stays good, in seconds.
    pub grace_seconds: u64,
    /// Whether a secret that was replaced earlier, and is still good, may end at once.
    pub force: bool,
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

/// Why a key got no new secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotRotated {
    /// It was revoked or has expired.
    #[error("it was revoked or has expired: make a new one")]
    NotGood,
    /// It was rotated lately, and the secret before would end at once.
    #[error(
        "it was rotated already, and the secret before that is good until {good_until} (seconds \
         since 1970): another rotation would end it at once, which has to be forced"
    )]
    InRotation {
        /// When the one before ends, in seconds since 1970.
        good_until: u64,
    },
    /// The one before would stay good for too long.
    #[error("the secret before may stay good for at most {LONGEST_GRACE} seconds")]
    GraceTooLong,
}

impl Default for Rotation {
    fn default() -> Self {
        Self { grace_seconds: GRACE, force: false }
    }
}

impl Rotation {
    /// Until when the secret before stays good.
    pub(super) fn good_until(self, now: u64) -> Result<u64, NotRotated> {
        match self.grace_seconds {
            ..=LONGEST_GRACE => Ok(now.saturating_add(self.grace_seconds)),
            _ => Err(NotRotated::GraceTooLong),
        }
    }
}
