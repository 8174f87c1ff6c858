//! Keys as people and programs read them.

use contract::keys::KeyRecord;
use serde_json::{Value, json};

/// As a table for people.
pub(super) fn of(records: &[KeyRecord], now: u64) -> String {
    let head = ["ID", "NAME", "TENANT", "OWNER", "SCOPES", "STATE"].map(str::to_owned);
    let rows = records.iter().map(|record| {
        [
            record.id.to_string(),
            record.name.to_string(),
            record.tenant.to_string(),
            record.owner.to_string(),
            scopes(record),
            state(record, now),
        ]
    });
    let rows: Vec<[String; 6]> = std::iter::once(head).chain(rows).collect();
    let width = |column: usize| {
        rows.iter().map(|row| row.get(column).map_or(0, |cell| cell.chars().count())).max()
    };
    let widths: Vec<usize> = (0..6).map(|column| width(column).unwrap_or(0)).collect();
    let lines = rows.iter().map(|row| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// For programs: everything but the hashes.
pub(super) fn shown(record: &KeyRecord) -> Value {
    json!(record.shown())
}

fn scopes(record: &KeyRecord) -> String {
    let scopes = &record.scopes;
    let listed = |what: &str, names: Vec<&str>| format!("{what} {}", names.join(","));
    let named = [
        scopes
            .models
            .as_ref()
            .map(|models| listed("models", models.iter().map(|model| model.as_str()).collect())),
        scopes.endpoints.as_ref().map(|endpoints| {
            listed("endpoints", endpoints.iter().map(|endpoint| endpoint.as_str()).collect())
        }),
        scopes
            .lanes
            .as_ref()
            .map(|lanes| listed("lanes", lanes.iter().map(|lane| lane.token()).collect())),
        scopes.operator.then(|| "operator".to_owned()),
        scopes.on_behalf_of.then(|| "on behalf of".to_owned()),
    ];
    let named: Vec<String> = named.into_iter().flatten().collect();
    if named.is_empty() { "all".to_owned() } else { named.join("; ") }
}

fn state(record: &KeyRecord, now: u64) -> String {
    match (&record.revoked, record.expires_at) {
        (Some(_), _) => "revoked".to_owned(),
        (None, Some(end)) if now >= end => "expired".to_owned(),
        (None, Some(end)) => format!("good for {} days", (end - now) / (24 * 60 * 60)),
        (None, None) => "good".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use contract::Lane;
    use contract::keys::{NewKey, Scopes};

    use super::*;

    #[test]
    fn a_table_has_a_line_for_each_key_and_no_secret() {
        let wanted: NewKey = serde_json::from_value(json!({ "name": "nightly" })).unwrap();
        let scopes =
            Scopes { lanes: Some(vec![Lane::Background]), operator: true, ..Scopes::default() };
        let (key, limited) =
            NewKey { scopes, expires_at: Some(864_100), ..wanted.clone() }.make("x", 1);
        let (_key, mut revoked) = wanted.make("x", 1);
        revoked.revoke("x", 2);

        let text = of(&[limited.clone(), revoked], 100);

        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[1].ends_with("lanes background; operator  good for 10 days"), "{text}");
        assert!(lines[2].ends_with("all                         revoked"), "{text}");
        let everything = format!("{text}{}", shown(&limited));
        assert!(!everything.contains(key.reveal().rsplit('-').next().unwrap()));
        assert!(!everything.contains(&String::from(key.hash())));
    }
}
