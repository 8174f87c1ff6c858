//! The audit: who did what to which key, told in the log and without a secret.
//!
//! Whoever makes or changes a key over the API is told of at once, by the gateway that did it. All
//! gateways tell of what they hear was changed, whoever did it and however: that is how acts of the
//! command line are told, which has no log of its own.

use std::fmt;
use std::net::IpAddr;

use contract::keys::{KeyId, KeyRecord};
use telemetry::names::http;

use super::known::{After, Entered};

/// How acts over the API begin to say who acted.
const OF_KEY: &str = "key ";
/// Who acted where nobody needs a key.
const ANYBODY: &str = "anybody (GATEWAY_AUTH is off)";
/// Who acted when the record does not say.
const UNKNOWN: &str = "somebody who left no name";

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Created,
    Rotated,
    Revoked,
    /// Something else in its record.
    Changed,
    /// Its record is gone.
    Removed,
    /// There is something under its id that is no record of it.
    MadeUnreadable,
}

impl Act {
    fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Rotated => "rotated",
            Self::Revoked => "revoked",
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::MadeUnreadable => "made unreadable",
        }
    }
}

/// Who acts over the API, and from where.
#[derive(Debug, Clone)]
pub(crate) struct Actor {
    by: String,
    from: IpAddr,
}

impl Actor {
    /// Whoever calls with this key.
    pub(crate) fn of(key: Option<&KeyId>, from: IpAddr) -> Self {
        Self { by: key.map_or_else(|| ANYBODY.to_owned(), |id| format!("{OF_KEY}{id}")), from }
    }

    /// From where.
    pub(crate) fn from(&self) -> IpAddr {
        self.from
    }

    /// As records name it.
    pub(crate) fn as_str(&self) -> &str {
        &self.by
    }

    /// Tells what this gateway did for it.
    pub(super) fn did(&self, act: Act, record: &KeyRecord) {
        let (act, id, tenant) = (act.as_str(), record.id.as_str(), record.tenant.as_str());
        let Self { by, from } = self;
        tracing::warn!(
            audit.act = act,
            audit.by = by,
            audit.key = id,
            audit.tenant = tenant,
            { http::CLIENT_ADDRESS } = %from,
            "audit: key {id} of tenant {tenant} was {act} by {by} from {from}"
        );
    }

    /// Tells what this gateway may have done for it: the store has not said.
    pub(super) fn may_have_done(&self, act: Act, id: &KeyId, why: &dyn fmt::Display) {
        let (act, Self { by, from }) = (act.as_str(), self);
        tracing::warn!(
            audit.act = act,
            audit.by = by,
            audit.key = %id,
            audit.in_doubt = true,
            { http::CLIENT_ADDRESS } = %from,
            "audit: it is not known whether key {id} was {act} by {by} from {from}: {why}"
        );
    }
}

/// Tells what was heard, with the number of the change, which is the same on every gateway.
pub(super) fn heard(Entered { before, after, change }: &Entered) {
    let before = before.as_deref().map(|entry| &entry.record);
    let now = match after {
        After::Key(entry) => Now::Record(&entry.record),
        After::Removed => Now::Removed,
        After::Unreadable => Now::Unreadable,
    };
    let record = if let Now::Record(record) = now { Some(record) } else { before };
    let Some(KeyRecord { id, tenant, .. }) = record else { return };
    for Done { act, by, at } in done(before, now) {
        let act = act.as_str();
        macro_rules! tell {
            ($level:ident) => {
                tracing::$level!(
                    audit.act = act,
                    audit.by = by,
                    audit.key = %id,
                    audit.tenant = %tenant,
                    audit.at = at,
                    audit.change = change,
                    "audit: change {change} of the keys was heard: key {id} of tenant {tenant} was \
                     {act} by {by}"
                )
            };
        }
        // What was done over the API has been told, as a warning, by the gateway that did it.
        if by.starts_with(OF_KEY) || by == ANYBODY { tell!(info) } else { tell!(warn) }
    }
}

/// What is stored of a key now.
#[derive(Debug, Clone, Copy)]
enum Now<'a> {
    Record(&'a KeyRecord),
    Removed,
    Unreadable,
}

/// One act, as records tell it.
#[derive(Debug, PartialEq, Eq)]
struct Done<'a> {
    act: Act,
    by: &'a str,
    /// When, in seconds since 1970, if that is known.
    at: Option<u64>,
}

/// What was done between two states of a record; nothing when they are the same.
fn done<'a>(before: Option<&KeyRecord>, now: Now<'a>) -> Vec<Done<'a>> {
    let gone = |act| before.map(|_gone| Done { act, by: UNKNOWN, at: None }).into_iter().collect();
    let after = match now {
        Now::Record(after) => after,
        Now::Removed => return gone(Act::Removed),
        Now::Unreadable => return gone(Act::MadeUnreadable),
    };
    let mut done = Vec::new();
    let mut push = |act, by: &'a str, at| done.push(Done { act, by, at: Some(at) });
    if before.is_none() {
        push(Act::Created, &after.created_by, after.created_at);
    }
    if let Some(replaced) = &after.replaced
        && before.is_none_or(|before| before.hash != after.hash)
    {
        push(Act::Rotated, &replaced.by, replaced.at);
    }
    if let Some(revoked) = &after.revoked
        && before.is_none_or(|before| before.revoked.is_none())
    {
        push(Act::Revoked, &revoked.by, revoked.at);
    }
    if done.is_empty() && before.is_some_and(|before| before != after) {
        done.push(Done { act: Act::Changed, by: UNKNOWN, at: None });
    }
    done
}

#[cfg(test)]
mod tests {
    use contract::keys::{NewKey, Rotation};

    use super::*;

    fn record() -> KeyRecord {
        let wanted: NewKey = serde_json::from_str(r#"{"name":"test"}"#).unwrap();
        wanted.make("command line", 100).1
    }

    fn acts(before: Option<&KeyRecord>, now: Now<'_>) -> Vec<(Act, String)> {
        done(before, now).into_iter().map(|done| (done.act, done.by.to_owned())).collect()
    }

    #[test]
    fn what_was_done_is_seen_by_what_is_different() {
        let made = record();
        let mut rotated = made.clone();
        rotated.rotate(Rotation::default(), "ann", 200).unwrap();
        let mut revoked = made.clone();
        revoked.revoke("bob", 400);
        let mut both = rotated.clone();
        both.revoke("bob", 400);
        let mut wider = made.clone();
        wider.scopes.operator = true;

        let by = |act, by: &str| (act, by.to_owned());
        let nothing = Vec::new;
        for (before, now, expected) in [
            (None, Now::Record(&made), vec![by(Act::Created, "command line")]),
            (Some(&made), Now::Record(&rotated), vec![by(Act::Rotated, "ann")]),
            (Some(&made), Now::Record(&revoked), vec![by(Act::Revoked, "bob")]),
            (
                Some(&made),
                Now::Record(&both),
                vec![by(Act::Rotated, "ann"), by(Act::Revoked, "bob")],
            ),
            (Some(&made), Now::Record(&wider), vec![by(Act::Changed, UNKNOWN)]),
            (Some(&revoked), Now::Record(&made), vec![by(Act::Changed, UNKNOWN)]),
            (Some(&made), Now::Removed, vec![by(Act::Removed, UNKNOWN)]),
            (Some(&made), Now::Unreadable, vec![by(Act::MadeUnreadable, UNKNOWN)]),
            (Some(&made), Now::Record(&made), nothing()),
            (None, Now::Removed, nothing()),
            (None, Now::Unreadable, nothing()),
        ] {
            assert_eq!(acts(before, now), expected, "{now:?}");
        }
        assert_eq!(done(Some(&made), Now::Record(&rotated))[0].at, Some(200));
    }
}
