//! What the lock file may hold in several versions. `cargo xtask deny` knows more; this is looked at
//! each time, with nothing to install.

use std::collections::BTreeMap;

use crate::source;

/// Name → versions.
fn locked() -> BTreeMap<String, Vec<String>> {
    let mut packages: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let lock = source::read("Cargo.lock");
    let values = |key: &'static str| {
        lock.lines().filter_map(move |line| {
            Some(line.strip_prefix(key)?.strip_prefix(" = \"")?.trim_end_matches('"').to_owned())
        })
    };
    // The first line of the file is the version of its own format, and has no quotes.
    for (name, version) in values("name").zip(values("version")) {
        packages.entry(name).or_default().push(version);
    }
    packages
}

/// `name@version` of every exception; a version may be the beginning of one.
fn exceptions() -> Vec<(String, String)> {
    let named = source::read("deny.toml");
    let named = named.lines().filter_map(|line| line.trim().strip_prefix("{ crate = \""));
    let named = named.filter_map(|rest| rest.split_once('"')?.0.split_once('@'));
    named.map(|(name, version)| (name.to_owned(), version.to_owned())).collect()
}

fn is(version: &str, exception: &str) -> bool {
    version.strip_prefix(exception).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[test]
fn one_opentelemetry_and_one_async_nats_are_locked() {
    let locked = locked();
    for name in ["opentelemetry", "opentelemetry_sdk", "async-nats", "axum", "reqwest", "hyper"] {
        let versions = &locked[name];
        assert_eq!(versions.len(), 1, "`{name}`: {versions:?}: traces would silently break");
    }
}

#[test]
fn whatever_is_locked_twice_is_excepted_with_a_reason_and_nothing_else_is() {
    let (locked, exceptions) = (locked(), exceptions());
    for (name, versions) in &locked {
        let excepted = |version: &&String| {
            exceptions.iter().any(|(of, beginning)| of == name && is(version, beginning))
        };
        let kept: Vec<_> = versions.iter().filter(|version| !excepted(version)).collect();
        assert!(
            kept.len() == 1,
            "`{name}` is locked as {versions:?}, of which deny.toml leaves {kept:?}"
        );
    }
    for (name, beginning) in exceptions {
        let known = locked.get(&name).is_some_and(|all| all.iter().any(|one| is(one, &beginning)));
        assert!(known, "deny.toml excepts {name}@{beginning}, which is not locked");
    }
}
