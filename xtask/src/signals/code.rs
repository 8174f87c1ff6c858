//! Which spans and log lines the code writes, and with which fields.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::ensure;

use super::names::{Names, is_attribute};

/// Folders of what runs, and the service that a span made there belongs to. A library makes none.
const ROOMS: &[(&str, Option<&str>)] = &[
    ("gateway/src/", Some("gateway")),
    ("llm-worker/src/", Some("llm-worker")),
    ("web/src/", Some("web")),
    ("crates/model-simulator/src/", Some("model-simulator")),
    ("crates/bus/src/", None),
    ("crates/launcher/src/", None),
    ("crates/nats-server/src/", None),
    ("crates/outbound/src/", None),
    ("crates/service-runtime/src/", None),
    ("crates/telemetry/src/", None),
];
/// The last stands where a macro is given the level.
const EVENTS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "$level"];
const SPANS: [&str; 5] = ["error_span", "warn_span", "info_span", "debug_span", "trace_span"];
/// The name in the registry of spans of what is over.
const PAST: &str = "span_of_the_past";
/// Where tests begin in a file of code.
const TESTS: &str = "#[cfg(test)]\nmod tests {";

/// What is said in the code.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Attributes by service and name of the span.
    pub(super) spans: BTreeMap<(String, String), BTreeSet<String>>,
    /// Fields of log lines, each with a file that has it.
    pub(super) fields: BTreeMap<String, String>,
    /// How many log lines were read.
    pub(super) events: usize,
    /// What could not be read.
    pub(super) unread: Vec<String>,
}

/// Reads the code of everything that runs.
pub(super) fn said_in(root: &Path, names: &Names) -> anyhow::Result<Said> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "*.rs"])
        .current_dir(root)
        .output()?;
    ensure!(listed.status.success(), "git ls-files failed");
    let mut said = Said::default();
    for path in String::from_utf8(listed.stdout)?.lines() {
        let room = ROOMS.iter().find(|(folder, _)| path.starts_with(folder));
        let is_test = path.ends_with("/tests.rs") || path.contains("/tests/");
        let is_test = is_test || path.ends_with("/testing.rs");
        if let (Some((_, service)), false) = (room, is_test)
            && let Ok(text) = fs::read_to_string(root.join(path))
        {
            said.read(path, *service, &text, names);
        }
    }
    Ok(said)
}

impl Said {
    fn read(&mut self, path: &str, service: Option<&str>, text: &str, names: &Names) {
        let text = text.split(TESTS).next().unwrap_or_default();
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let code = lines.collect::<Vec<_>>().join("\n");
        for arguments in calls(&code, &EVENTS) {
            self.events += 1;
            // Behind the message are its parameters.
            let fields = arguments.split(|one| one.starts_with('"')).next().unwrap_or_default();
            for field in fields_of(fields, names) {
                self.fields.entry(field).or_insert_with(|| path.to_owned());
            }
        }
        if let (Some(service), Some(attributes)) = (service, past_spans(&code, names)) {
            let key = (service.to_owned(), PAST.to_owned());
            self.spans.entry(key).or_default().extend(attributes);
        }
        for arguments in calls(&code, &SPANS) {
            let name = arguments.iter().find_map(|one| one.strip_prefix('"'));
            let name = name.unwrap_or_default().trim_end_matches('"').to_owned();
            let fields = fields_of(&arguments, names);
            let Some(service) = service else {
                self.unread.push(format!("{path}: the span `{name}` belongs to no service"));
                continue;
            };
            let attributes = fields.into_iter().filter(|name| is_attribute(name));
            let key = (service.to_owned(), name);
            self.spans.entry(key).or_default().extend(attributes);
        }
    }
}

/// The attributes of spans that are made without a macro, of what is over.
fn past_spans(code: &str, names: &Names) -> Option<BTreeSet<String>> {
    const ATTRIBUTE: &str = "KeyValue::new(";
    code.contains("PastSpan {").then(|| {
        let attributes = code.match_indices(ATTRIBUTE).filter_map(|(at, _)| {
            let given = arguments(&code[at + ATTRIBUTE.len()..]);
            given.first().map(|path| constant(path, names))
        });
        attributes.filter(|name| is_attribute(name)).collect()
    })
}

/// The arguments of each call of one of these macros.
fn calls(code: &str, macros: &[&str]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for name in macros {
        let begin = format!("{name}!(");
        for (at, _) in code.match_indices(&begin) {
            let before = code[..at].chars().next_back();
            // Not the end of a longer name.
            if before.is_none_or(|before| !before.is_alphanumeric() && before != '_') {
                found.push(arguments(&code[at + begin.len()..]));
            }
        }
    }
    found
}

/// What is between commas, up to the closing bracket.
fn arguments(code: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let (mut depth, mut in_text, mut escaped) = (0_u32, false, false);
    let mut characters = code.char_indices();
    while let Some((at, character)) = characters.next() {
        let last = found.last_mut();
        let Some(last) = last else { break };
        match character {
            _ if escaped => escaped = false,
            '\\' if in_text => escaped = true,
            '"' => in_text = !in_text,
            _ if in_text => {}
            // A character: what it is may look like a bracket or a quote.
            '\'' if code[at..].chars().nth(2) == Some('\'') => {
                last.push_str("' '");
                characters.nth(1);
                continue;
            }
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth > 0 => depth -= 1,
            ')' | ']' | '}' => break,
            ',' if depth == 0 => {
                found.push(String::new());
                continue;
            }
            _ => {}
        }
        last.push(character);
    }
    found.iter().map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect()
}

/// The names of the fields among these arguments.
fn fields_of(arguments: &[String], names: &Names) -> Vec<String> {
    const NOT_FIELDS: [&str; 5] = ["\"", "target:", "parent:", "name:", "level:"];
    let fields = arguments.iter().filter(|one| !NOT_FIELDS.iter().any(|it| one.starts_with(it)));
    let name = |argument: &String| {
        let name = argument.split(" = ").next().unwrap_or_default();
        let name = name.trim().trim_start_matches(['%', '?']);
        match name.strip_prefix('{') {
            Some(path) => constant(path.trim_end_matches('}').trim(), names),
            None => name.replace("r#", ""),
        }
    };
    fields.map(name).collect()
}

/// What `http::ROUTE` is.
fn constant(path: &str, names: &Names) -> String {
    let mut parts = path.rsplit("::");
    let constant = parts.next().unwrap_or_default();
    let module = parts.next().unwrap_or_default();
    names.text(module, constant).unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let texts =
            "pub const ROUTE: &str = \"http.route\";\npub const NAME: &str = \"otel.name\";";
        Names::of(&[("http".to_owned(), texts.to_owned())])
    }

    #[test]
    fn spans_and_lines_are_read_with_their_fields() {
        let code = r#"
            tracing::info_span!(
                parent: chat,
                "request",
                { span::NAME } = format!("{method}, {route}").trim_end(),
                { http::ROUTE } = route,
                { names::ROUTE } = tracing::field::Empty,
            );
            // info!(old = 1, "not this");
            warn!(%error, app.job.id = %id, error.r#type = kind(',', ")"), left, "{left} of {}", all);
            self::trace!("nothing but a text: {error}");
            println!("no line");
            #[cfg(test)]
            mod tests { }
        "#;
        let mut said = Said::default();

        said.read("web/src/x.rs", Some("web"), code, &names());

        let span = &said.spans[&("web".to_owned(), "request".to_owned())];
        assert_eq!(span.iter().collect::<Vec<_>>(), ["http.route"]);
        let fields: Vec<_> = said.fields.keys().map(String::as_str).collect();
        assert_eq!(fields, ["app.job.id", "error", "error.type", "left"]);
        assert_eq!(said.events, 2);
    }

    #[test]
    fn a_span_of_what_is_over_has_the_attributes_that_it_is_given() {
        let code =
            "let a = [KeyValue::new(http::ROUTE, x), KeyValue::new(\"y\", 1)]; PastSpan { a }";
        let mut said = Said::default();

        said.read("web/src/x.rs", Some("web"), code, &names());

        let span = &said.spans[&("web".to_owned(), PAST.to_owned())];
        assert_eq!(span.iter().collect::<Vec<_>>(), ["http.route"]);
    }

    #[test]
    fn a_span_of_a_library_is_not_let_pass() {
        let mut said = Said::default();

        said.read("crates/bus/src/x.rs", None, "info_span!(\"x\")", &names());

        assert_eq!(said.unread.len(), 1);
    }
}
