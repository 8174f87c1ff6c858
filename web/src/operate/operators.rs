//! Who has signed in: the key that a visitor brought, for as long as they come back.
//!
//! A ticket in a cookie leads to a key; the key itself leaves this process towards the gateway only.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use crate::cookie::{Cookie, Way};
use crate::gateway_client::ApiKey;
use crate::paths;
use crate::session::{digits_in, fresh_digits};

pub(crate) const COOKIE: Cookie = Cookie { name: "chappe_operator", path: paths::OPERATE };
/// A working day and a half, without a look at the page.
const KEPT_FOR: Duration = Duration::from_secs(12 * 60 * 60);
/// More operators than any house has. Only who has a key that counts is taken in.
const MOST: usize = 256;

/// What is in the cookie. Who knows it is that operator, so nothing shows it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Ticket(String);

/// Everybody who has signed in here. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Operators(Arc<Mutex<HashMap<Digest, Kept>>>);

/// A ticket is not kept: who reads our memory by mistake cannot come in its name.
type Digest = [u8; 32];

#[derive(Debug)]
struct Kept {
    key: ApiKey,
    used: Instant,
}

impl Ticket {
    /// That of a request.
    pub(crate) fn of(headers: &HeaderMap, way: Way) -> Option<Self> {
        digits_in(headers, COOKIE, way).map(Self)
    }

    /// For the cookie, and nothing else.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    fn digest(&self) -> Digest {
        Sha256::digest(&self.0).into()
    }
}

impl Operators {
    /// Takes a key that the gateway has accepted. The ticket is always a new one: another that the
    /// browser had before may be somebody else's.
    pub(crate) fn enter(&self, key: ApiKey) -> Ticket {
        let ticket = Ticket(fresh_digits());
        let mut kept = self.kept();
        forget_old(&mut kept, MOST - 1);
        kept.insert(ticket.digest(), Kept { key, used: Instant::now() });
        ticket
    }

    /// The key behind a ticket, whose time begins anew.
    pub(crate) fn key(&self, ticket: &Ticket) -> Option<ApiKey> {
        let mut all = self.kept();
        forget_old(&mut all, MOST);
        let kept = all.get_mut(&ticket.digest())?;
        kept.used = Instant::now();
        Some(kept.key.clone())
    }

    /// Forgets a key.
    pub(crate) fn leave(&self, ticket: &Ticket) {
        self.kept().remove(&ticket.digest());
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<Digest, Kept>> {
        // Each change is one call: a panic elsewhere cannot have left the map half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets whoever did not come back in time, and the longest unused until there are `most`.
fn forget_old(kept: &mut HashMap<Digest, Kept>, most: usize) {
    kept.retain(|_, kept| kept.used.elapsed() < KEPT_FOR);
    while kept.len() > most {
        let oldest = kept.iter().min_by_key(|(_, kept)| kept.used).map(|(ticket, _)| *ticket);
        let Some(oldest) = oldest else { return };
        kept.remove(&oldest);
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> ApiKey {
        ApiKey::from_field("canary").unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_is_kept_as_long_as_its_operator_comes_back() {
        let operators = Operators::default();
        let ticket = operators.enter(key());
        assert_ne!(operators.enter(key()).as_str(), ticket.as_str());

        for _ in 0..3 {
            tokio::time::advance(KEPT_FOR - Duration::from_secs(1)).await;
            assert!(operators.key(&ticket).is_some());
        }
        tokio::time::advance(KEPT_FOR).await;
        assert!(operators.key(&ticket).is_none());

        let ticket = operators.enter(key());
        operators.leave(&ticket);
        assert!(operators.key(&ticket).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn who_came_longest_ago_makes_room() {
        let operators = Operators::default();
        let mut tickets = Vec::new();
        for _ in 0..MOST {
            tickets.push(operators.enter(key()));
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert!(operators.key(&tickets[0]).is_some(), "used again, so that it is not the oldest");

        operators.enter(key());

        assert!(operators.key(&tickets[0]).is_some());
        assert!(operators.key(&tickets[1]).is_none());
        assert!(operators.key(&tickets[2]).is_some());
        assert_eq!(operators.kept().len(), MOST);
    }

    #[tokio::test]
    async fn neither_key_nor_ticket_is_shown() {
        let operators = Operators::default();
        let ticket = operators.enter(key());

        let shown = format!("{operators:?} {ticket:?}");

        assert!(!shown.contains("canary") && !shown.contains(ticket.as_str()), "{shown}");
    }
}
