//! The walls between rooms. When one of these fails, move the code, or change
//! `docs/ARCHITECTURE.md` and say why in an ADR.

#[cfg(test)]
mod locked;
#[cfg(test)]
mod operations;
#[cfg(test)]
mod signals;
#[cfg(test)]
mod source;

use source::{Dependencies, members, rust_files, tracked_files};

/// A folder, what its files may not mention, and why.
const WALLS: &[(&str, &[&str], &str)] = &[
    (
        "crates/contract/src",
        &["tokio", "async_nats", "axum", "reqwest", "std::env", "std::fs"],
        "messages are pure data",
    ),
    (
        "crates/openai-api/src",
        &["tokio", "async_nats", "axum", "reqwest", "std::env", "std::fs"],
        "the wire format is pure data",
    ),
    (
        "crates/bus/src",
        &["axum", "reqwest", "openai_api", "std::env"],
        "the bus carries, and does not know what",
    ),
    (
        "crates/telemetry/src",
        &["contract::", "bus::", "axum"],
        "telemetry serves every crate and knows none",
    ),
    (
        "crates/service-runtime/src",
        &["contract::", "bus::", "openai_api", "reqwest"],
        "a runtime does not know what runs",
    ),
    (
        "gateway/src/http",
        &["bus::", "async_nats", "reqwest", "std::env"],
        "handlers start asks; asks use the bus",
    ),
    (
        "gateway/src/chat",
        &["axum", "StatusCode", "async_nats", "reqwest", "std::env"],
        "the domain does not know it is on HTTP",
    ),
    (
        "gateway/src/conversations",
        &["axum", "StatusCode", "async_nats", "reqwest", "std::env"],
        "the domain does not know it is on HTTP",
    ),
    (
        "gateway/src/idempotency",
        &["axum", "StatusCode", "async_nats", "reqwest", "std::env"],
        "the domain does not know it is on HTTP",
    ),
    (
        "gateway/src/operator",
        &["axum", "StatusCode", "async_nats", "reqwest", "std::env"],
        "the domain does not know it is on HTTP",
    ),
    (
        "llm-worker/src/completion",
        &["async_nats", "bus::", "reqwest", "outbound::", "axum"],
        "rules are tested without a network",
    ),
    (
        "llm-worker/src/upstream",
        &["bus::", "async_nats"],
        "a model call does not know about queues",
    ),
    ("llm-worker/src/intake", &["reqwest", "axum", "outbound::"], "intake does not call models"),
    (
        "web/src",
        &["contract::", "bus::", "async_nats"],
        "the chat is a client of the API and of nothing else",
    ),
    ("web/src/components", &["async fn", "reqwest", "axum"], "components are pure functions"),
    ("web/src/pages", &["reqwest"], "pages ask the gateway client"),
];

/// A crate and the only members that may depend on it directly, apart from their tests.
const ONLY: &[(&str, &[&str])] = &[
    ("async-nats", &["bus"]),
    ("maud", &["web"]),
    ("reqwest", &["example", "launcher", "outbound", "test-support", "web"]),
    ("axum", &["gateway", "model-simulator", "service-runtime", "test-support", "web"]),
    ("opentelemetry_sdk", &["telemetry"]),
    ("gateway", &["launcher"]),
    ("llm-worker", &["launcher"]),
    ("web", &["fuzz", "launcher"]),
    ("test-support", &[]),
];

/// What each member of ours may depend on, apart from its tests. A new arrow is an ADR.
const ARROWS: &[(&str, &[&str])] = &[
    // It measures release programs from outside; the server they need is run by the same code
    // as everywhere else.
    ("bench", &["nats-server", "openai-api"]),
    ("bus", &["contract", "service-runtime", "telemetry"]),
    ("contract", &[]),
    // What strangers copy: it knows the API, and nothing of ours.
    ("example", &[]),
    // Whatever parses what others wrote.
    ("fuzz", &["contract", "openai-api", "web"]),
    ("gateway", &["bus", "contract", "openai-api", "service-runtime", "telemetry"]),
    (
        "launcher",
        &[
            "bus",
            "contract",
            "gateway",
            "llm-worker",
            "model-simulator",
            "nats-server",
            "service-runtime",
            "telemetry",
            "web",
        ],
    ),
    ("llm-worker", &["bus", "contract", "openai-api", "outbound", "service-runtime", "telemetry"]),
    ("model-simulator", &["openai-api", "service-runtime", "telemetry"]),
    ("nats-server", &[]),
    ("openai-api", &[]),
    ("outbound", &[]),
    ("service-runtime", &["telemetry"]),
    ("telemetry", &[]),
    (
        "test-support",
        &["bus", "contract", "model-simulator", "nats-server", "service-runtime", "telemetry"],
    ),
    ("web", &["openai-api", "service-runtime", "telemetry"]),
    ("xtask", &["nats-server"]),
];

/// Longest file we read in one sitting. Split by responsibility, not by number.
const MAX_LINES: usize = 400;
/// A main that holds more does something that its library should do.
const MAX_MAIN_LINES: usize = 30;

#[test]
fn rooms_keep_to_themselves() {
    for (folder, forbidden, why) in WALLS {
        let files = rust_files(folder);
        assert!(!files.is_empty(), "there is nothing in `{folder}`: the wall guards no room");
        for file in files {
            for word in *forbidden {
                assert!(!file.code().contains(word), "{} mentions `{word}`: {why}", file.path);
            }
        }
    }
}

#[test]
fn files_are_short_and_say_what_they_are() {
    for file in rust_files(".") {
        let lines = file.text.lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines; at most {MAX_LINES}", file.path);
        assert!(file.text.starts_with("//!"), "{} does not begin with `//!`", file.path);
        if file.path.ends_with("src/main.rs") {
            assert!(
                lines <= MAX_MAIN_LINES,
                "{} has {lines} lines; at most {MAX_MAIN_LINES}",
                file.path
            );
        }
    }
}

#[test]
fn arrows_between_our_crates_are_the_listed_ones() {
    let names: Vec<String> = members().into_iter().map(|member| member.name).collect();
    for member in members() {
        let allowed = ARROWS.iter().find(|(name, _)| *name == member.name);
        let (_, allowed) = allowed.unwrap_or_else(|| panic!("`{}` is not in ARROWS", member.name));
        for dependency in member.dependencies(Dependencies::Normal) {
            let ours = names.contains(&dependency);
            assert!(
                !ours || allowed.contains(&dependency.as_str()),
                "`{}` depends on `{dependency}`: not a listed arrow",
                member.name
            );
        }
    }
}

#[test]
fn some_crates_have_one_user_only() {
    for member in members() {
        for dependency in member.dependencies(Dependencies::Normal) {
            let Some((_, users)) = ONLY.iter().find(|(name, _)| *name == dependency) else {
                continue;
            };
            assert!(
                users.contains(&member.name.as_str()),
                "`{}` depends on `{dependency}`, which only {users:?} may",
                member.name
            );
        }
    }
}

#[test]
fn every_dependency_is_used() {
    for member in members() {
        for (kind, folder) in [
            (Dependencies::Normal, "/src"),
            // Tests stand beside the code as well.
            (Dependencies::Dev, ""),
            (Dependencies::Build, "/build.rs"),
        ] {
            let place = format!("{}{folder}", member.folder);
            let mut files = rust_files(&member.folder);
            files.retain(|file| file.path.starts_with(&place));
            for dependency in member.dependencies(kind) {
                let path = format!("{}::", dependency.replace('-', "_"));
                let used = files.iter().any(|file| file.code().contains(&path));
                assert!(used, "`{}` depends on `{dependency}` and does not use it", member.name);
            }
        }
    }
}

#[test]
fn every_dependency_of_the_workspace_is_somebodys() {
    let mut somebodys: Vec<String> = Vec::new();
    for member in members() {
        for kind in [Dependencies::Normal, Dependencies::Dev, Dependencies::Build] {
            somebodys.extend(member.dependencies(kind));
        }
    }
    let declared = source::workspace_dependencies();
    assert!(declared.len() > 20, "the root Cargo.toml declares dependencies: {declared:?}");
    let nobodys: Vec<_> = declared.iter().filter(|name| !somebodys.contains(name)).collect();
    assert!(nobodys.is_empty(), "nobody depends on {nobodys:?}");
}

#[test]
fn every_member_has_the_lints_of_the_workspace_and_no_unsafe_code() {
    let root = source::read("Cargo.toml");
    assert!(root.contains("\n[workspace.lints.rust]\nunsafe_code = \"forbid\"\n"));
    for member in members() {
        let inherits = member.manifest.contains("\n[lints]\nworkspace = true\n");
        assert!(inherits, "`{}` does not inherit the lints of the workspace", member.name);
    }
}

#[test]
fn features_and_versions_are_declared_in_one_place() {
    for member in members() {
        for line in member.manifest.lines() {
            let dependency = line.contains("version = \"") || line.contains("features = [");
            let own = ["version", "required-features", "#"];
            let own = own.iter().any(|begin| line.starts_with(begin));
            assert!(
                own || !dependency,
                "{}: `{line}` belongs into the root Cargo.toml",
                member.name
            );
        }
    }
}

#[test]
fn no_registry_host_is_written_down() {
    // Built from parts, so that this file does not contain what it looks for.
    let hosts =
        [["registry.npm", "js.org"], ["files.python", "hosted.org"], ["pypi", ".org/simple"]];
    for (path, text) in tracked_files() {
        for [a, b] in hosts {
            assert!(!text.contains(&format!("{a}{b}")), "{path} names a package registry's host");
        }
    }
}

#[test]
fn the_tests_of_the_invariants_exist() {
    let architecture = source::read("docs/ARCHITECTURE.md");
    let named: Vec<(&str, &str)> = architecture
        .split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|code| code.split_once("::"))
        .collect();
    let named: Vec<_> = named.into_iter().filter(|(path, _)| path.contains('/')).collect();
    assert!(named.len() > 20, "the table of invariants names tests: {named:?}");
    for (path, test) in named {
        let text = source::read(path);
        let found = [format!("fn {test}("), format!("def {test}(")];
        assert!(found.iter().any(|line| text.contains(line)), "{path} has no test `{test}`");
    }
}

#[test]
fn every_source_file_is_compiled() {
    // A file that no `mod` names is neither built nor tested, and looks as if it were.
    for member in members() {
        let folder = format!("{}/", member.folder);
        let files = rust_files(&member.folder);
        let all: String = files.iter().map(|file| file.code() + "\n").collect();
        for file in &files {
            let inside = file.path.trim_start_matches(&folder);
            let is_root = ["src/lib.rs", "src/main.rs", "build.rs"].contains(&inside)
                || inside.starts_with("src/bin/")
                || inside.starts_with("examples/")
                || (inside.starts_with("tests/") && inside.split('/').count() == 2)
                || (inside.starts_with("tests/") && inside.ends_with("/main.rs"));
            let name = inside.trim_end_matches(".rs").trim_end_matches("/mod").rsplit('/').next();
            let named = format!("mod {};", name.unwrap_or_default());
            assert!(is_root || all.contains(&named), "no `{named}` for {}", file.path);
        }
    }
}
