//! The audit: who did what to which key, told in the log and without a secret.
//!
//! Whoever makes or changes a key over the API is told of at once, by the gateway that did it. All
//! gateways tell of what they hear was changed, whoever did it and however: that is how acts of the
//! command line are told, which has no log of its own.

use std::net::IpAddr;

use contract::keys::{KeyId, KeyRecord};
use telemetry::names::http;

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
    /// Its record is gone, or cannot be read.
    Removed,
}

impl Act {
    fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Rotated => "rotated",
            Self::Revoked => "revoked",
            Self::Changed => "changed",
            Self::Removed => "removed",
        }
    }
}

/// As records and audits name whoever acts over the API.
pub(crate) fn actor(key: Option<&KeyId>) -> String {
    key.map_or_else(|| ANYBODY.to_owned(), |id| format!("{OF_KEY}{id}"))
}

/// Tells what this gateway did for somebody, who called from there.
pub(crate) fn did(act: Act, by: &str, from: IpAddr, record: &KeyRecord) {
    let (act, id, tenant) = (act.as_str(), record.id.as_str(), record.tenant.as_str());
    tracing::warn!(
        audit.act = act,
        audit.by = by,
        audit.key = id,
        audit.tenant = tenant,
        { http::CLIENT_ADDRESS } = %from,
        "audit: key {id} of tenant {tenant} was {act} by {by} from {from}"
    );
}

/// Tells what was heard: what a record was before, if it was, and what it is now, with the number
/// of the change, which is the same on every gateway.
pub(crate) fn heard(before: Option<&KeyRecord>, after: Option<&KeyRecord>, change: u64) {
    let Some(KeyRecord { id, tenant, .. }) = after.or(before) else { return };
    for Done { act, by, at } in done(before, after) {
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

/// One act, as records tell it.
#[derive(Debug, PartialEq, Eq)]
struct Done<'a> {
    act: Act,
    by: &'a str,
    /// When, in seconds since 1970, if that is known.
    at: Option<u64>,
}

/// What was done between two states of a record; nothing when they are the same.
fn done<'a>(before: Option<&KeyRecord>, after: Option<&'a KeyRecord>) -> Vec<Done<'a>> {
    let Some(after) = after else {
        let removed = before.map(|_gone| Done { act: Act::Removed, by: UNKNOWN, at: None });
        return removed.into_iter().collect();
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
    use contract::keys::NewKey;

    use super::*;

    fn record() -> KeyRecord {
        let wanted: NewKey = serde_json::from_str(r#"{"name":"test"}"#).unwrap();
        wanted.make("command line", 100).1
    }

    fn acts(before: Option<&KeyRecord>, after: Option<&KeyRecord>) -> Vec<(Act, String)> {
        done(before, after).into_iter().map(|done| (done.act, done.by.to_owned())).collect()
    }

    #[test]
    fn what_was_done_is_seen_by_what_is_different() {
        let made = record();
        let mut rotated = made.clone();
        rotated.rotate("ann", 200, 300);
        let mut revoked = made.clone();
        revoked.revoke("bob", 400);
        let mut both = rotated.clone();
        both.revoke("bob", 400);
        let mut wider = made.clone();
        wider.scopes.operator = true;

        let by = |act, by: &str| (act, by.to_owned());
        for (before, after, expected) in [
            (None, Some(&made), vec![by(Act::Created, "command line")]),
            (Some(&made), Some(&rotated), vec![by(Act::Rotated, "ann")]),
            (Some(&made), Some(&revoked), vec![by(Act::Revoked, "bob")]),
            (Some(&made), Some(&both), vec![by(Act::Rotated, "ann"), by(Act::Revoked, "bob")]),
            (Some(&made), Some(&wider), vec![by(Act::Changed, UNKNOWN)]),
            (Some(&revoked), Some(&made), vec![by(Act::Changed, UNKNOWN)]),
            (Some(&made), None, vec![by(Act::Removed, UNKNOWN)]),
            (Some(&made), Some(&made), vec![]),
            (None, None, vec![]),
        ] {
            assert_eq!(acts(before, after), expected);
        }
        assert_eq!(done(Some(&made), Some(&rotated))[0].at, Some(200));
    }
}
