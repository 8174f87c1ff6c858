//! The list of targets.
#![expect(clippy::panic, reason = "a target says by a panic that something is not as it must be")]

mod answers;
mod catalogue;
mod markdown;
mod names;
mod records;
mod requests;
mod streams;

/// One thing that parses.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, which is that of its folders.
    pub name: &'static str,
    /// What it looks at.
    pub about: &'static str,
    /// Looks at one input; panics when something is not as it must be.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "answers", about: "what a model says, as events", run: answers::run },
    Target { name: "catalogue", about: "models.toml", run: catalogue::run },
    Target { name: "markdown", about: "what a model says, as HTML", run: markdown::run },
    Target { name: "names", about: "ids, names, subjects and keys", run: names::run },
    Target { name: "records", about: "records of logs and packed events", run: records::run },
    Target { name: "requests", about: "bodies of requests", run: requests::run },
    Target { name: "streams", about: "server-sent events", run: streams::run },
];

/// The target of this name.
pub fn target(name: &str) -> Option<Target> {
    TARGETS.iter().find(|target| target.name == name).copied()
}

/// Says that something is JSON, and on one line: a record and an event end at the first break.
fn assert_one_line_of_json(json: &[u8], what: &str) {
    assert!(!json.contains(&b'\n') && !json.contains(&b'\r'), "{what} holds a line break");
    assert_json(json, what);
}

fn assert_json(json: &[u8], what: &str) {
    let read = serde_json::from_slice::<&serde_json::value::RawValue>(json);
    assert!(read.is_ok(), "{what} is no JSON: {read:?}");
}
