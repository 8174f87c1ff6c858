//! No secret is in a file of the repository. Files are read as they are now, not their history.
//!
//! What is found is told by its place and kind, and never repeated: logs of a pipeline are read by
//! more people than the file.

use std::fs;

use crate::cases::Counts;
use crate::repository::Repository;
use crate::run::{Log, Run};

/// A kind of secret: how it begins, and what stands behind that.
struct Kind {
    name: &'static str,
    prefixes: &'static [&'static str],
    behind: fn(u8) -> bool,
    /// Fewest characters behind the prefix.
    least: usize,
    /// Whether it has a length of its own, or goes on.
    exact: bool,
}

const KINDS: &[Kind] = &[
    Kind {
        name: "a private key",
        prefixes: &[
            "-----BEGIN PRIVATE KEY--",
            "-----BEGIN ENCRYPTED PRIVATE KEY--",
            "-----BEGIN RSA PRIVATE KEY--",
            "-----BEGIN EC PRIVATE KEY--",
            "-----BEGIN DSA PRIVATE KEY--",
            "-----BEGIN OPENSSH PRIVATE KEY--",
            "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY--",
            "-----BEGIN ENCRYPTED COSIGN PRIVATE KEY--",
            "-----BEGIN USER NKEY SEED--",
        ],
        behind: |byte| byte == b'-',
        least: 3,
        exact: false,
    },
    Kind {
        name: "a seed of NATS",
        prefixes: &["SU", "SA", "SO", "SN", "SC", "SX"],
        behind: |byte| byte.is_ascii_uppercase() || matches!(byte, b'2'..=b'7'),
        least: 56,
        exact: true,
    },
    Kind {
        name: "an API key",
        prefixes: &["sk-chappe-", "sk-ant-", "sk-proj-", "sk-or-", "sk-", "gsk_", "hf_", "AIza"],
        behind: is_word,
        least: 20,
        exact: false,
    },
    Kind {
        name: "an id of AWS",
        prefixes: &["AKIA", "ASIA"],
        behind: |byte| byte.is_ascii_uppercase() || byte.is_ascii_digit(),
        least: 16,
        exact: true,
    },
    Kind {
        name: "a token of a code host",
        prefixes: &["ghp_", "gho_", "ghs_", "ghu_", "github_pat_", "glpat-", "glrt-", "gldt-"],
        behind: is_word,
        least: 20,
        exact: false,
    },
    Kind {
        name: "a token of a registry or a messenger",
        prefixes: &["npm_", "pypi-", "xoxb-", "xoxp-"],
        behind: is_word,
        least: 30,
        exact: false,
    },
];

/// What is no secret although it looks like one: the file, what it looks like, and why it is none.
const NONE_OF_THEM: &[(&str, &str, &str)] = &[];

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// A place that looks like a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Found {
    line: usize,
    kind: &'static str,
}

pub(super) fn run(repository: &Repository, log: &mut Log) -> anyhow::Result<Counts> {
    // What git tracks or would, so that a file is looked at before it is committed.
    let listed = Run::new("git", repository.root())
        .arguments(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .quietly()?;
    let (mut files, mut secrets) = (0_u32, 0_u32);
    for path in listed.split('\0').filter(|path| !path.is_empty()) {
        // One that was deleted and is not committed yet, or leads elsewhere.
        let Ok(bytes) = fs::read(repository.root().join(path)) else { continue };
        files += 1;
        for Found { line, kind } in found_in(&bytes) {
            if !NONE_OF_THEM.iter().any(|(file, what, _why)| *file == path && *what == kind) {
                log.line(&format!("{path}:{line} looks like {kind}"));
                secrets += 1;
            }
        }
    }
    anyhow::ensure!(files > 0, "git names no files");
    log.line(&format!("{files} files, {secrets} that look like they hold a secret"));
    Ok(Counts::of(secrets == 0))
}

fn found_in(bytes: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        for kind in KINDS {
            if kind.prefixes.iter().any(|prefix| holds(line, prefix.as_bytes(), kind)) {
                found.push(Found { line: number + 1, kind: kind.name });
            }
        }
    }
    found
}

fn holds(line: &[u8], prefix: &[u8], kind: &Kind) -> bool {
    let places = line.windows(prefix.len()).enumerate().filter(|(_, window)| *window == prefix);
    places.map(|(at, _)| at).any(|at| {
        // Within a longer word it is a part of something else.
        let begins = at == 0 || !line[at - 1].is_ascii_alphanumeric();
        let behind = &line[at + prefix.len()..];
        let end = behind.iter().position(|byte| !(kind.behind)(*byte)).unwrap_or(behind.len());
        let ends = !kind.exact
            || (end == kind.least
                && behind.get(end).is_none_or(|byte| !byte.is_ascii_alphanumeric()));
        begins && ends && end >= kind.least && is_drawn(&behind[..end], kind)
    })
}

/// Whether it was drawn at random rather than written by a person: names of things have no digits
/// among their letters.
fn is_drawn(secret: &[u8], kind: &Kind) -> bool {
    kind.exact
        || secret.iter().all(|byte| *byte == b'-')
        || (secret.iter().any(u8::is_ascii_digit)
            && secret.iter().any(u8::is_ascii_alphabetic)
            && !secret.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Put together here, so that this file does not hold what it looks for.
    fn planted() -> Vec<(&'static str, String)> {
        let drawn = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6";
        let key = |kind: &str| format!("-----{} {kind} KEY-----", "BEGIN");
        vec![
            ("a private key", key("PRIVATE")),
            ("a private key", key("RSA PRIVATE")),
            ("a private key", key("ENCRYPTED SIGSTORE PRIVATE")),
            ("a private key", format!("-----{} USER NKEY SEED------", "BEGIN")),
            ("a seed of NATS", format!("{}{}", "SU", "AB2C3D4".repeat(8))),
            ("a seed of NATS", format!("{}{}", "SA", "AB2C3D4".repeat(8))),
            ("an API key", format!("{}{drawn}", "sk-chappe-")),
            ("an API key", format!("{}{drawn}", "sk-")),
            ("an API key", format!("{}{drawn}", "sk-ant-api03-")),
            ("an API key", format!("{}{drawn}", "hf_")),
            ("an id of AWS", format!("{}{}", "AKIA", "A1B2C3D4E5F6G7H8")),
            ("a token of a code host", format!("{}{drawn}", "ghp_")),
            ("a token of a code host", format!("{}{drawn}", "glpat-")),
            ("a token of a registry or a messenger", format!("{}{drawn}", "npm_")),
        ]
    }

    #[test]
    fn a_planted_secret_of_each_kind_is_found_wherever_it_stands() {
        for (kind, secret) in planted() {
            let texts =
                [secret.clone(), format!("KEY={secret}\n"), format!("{{\"key\":\"{secret}\"}}")];
            for text in texts {
                let text = format!("one\ntwo {text}");
                assert_eq!(found_in(text.as_bytes()), [Found { line: 2, kind }], "{kind}");
            }
        }
    }

    #[test]
    fn every_kind_is_planted() {
        for kind in KINDS {
            assert!(planted().iter().any(|(name, _)| *name == kind.name), "{}", kind.name);
        }
    }

    #[test]
    fn what_only_begins_like_one_is_none() {
        for text in [
            "sk-chappe-…",
            "a `sk-` key",
            "sk-this-is-how-a-key-is-written-here",
            "risk-a1B2c3D4e5F6g7H8i9J0k1",
            "-----BEGIN CERTIFICATE-----",
            "-----BEGIN PUBLIC KEY-----",
            "SUBSCRIBE",
            "AKIA",
            "SUPPORTED_VALUES_OF_SOMETHING_THAT_HAS_A_VERY_LONG_NAME_AND_MORE",
        ] {
            assert_eq!(found_in(text.as_bytes()), [], "{text}");
        }
    }
}
