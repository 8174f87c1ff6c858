//! What does not fit together: registry, names, code.

use std::collections::BTreeSet;

use super::code::Said;
use super::names::{Instrument, Names};
use super::registry::{Metric, Registry};

/// Types of attributes and fields.
const TYPES: [&str; 4] = ["string", "int", "double", "boolean"];
const SPAN_KINDS: [&str; 5] = ["server", "client", "producer", "consumer", "internal"];
/// Where a metric is made, if not in our code.
const MAKERS: [&str; 1] = [PIPELINE];
/// What delivers versions, and times it.
pub(super) const PIPELINE: &str = "pipeline";

/// All of it, one a line.
pub(super) fn all(registry: &Registry, names: &Names, said: &Said) -> Vec<String> {
    let mut problems = said.unread.clone();
    metrics(registry, names, &mut problems);
    spans(registry, said, &mut problems);
    attributes(registry, names, &mut problems);
    log_fields(registry, said, &mut problems);
    problems
}

fn metrics(registry: &Registry, names: &Names, problems: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for metric in &registry.metrics {
        let about = format!("metric `{}`", metric.name);
        if !seen.insert(&metric.name) {
            problems.push(format!("{about} is there twice"));
        }
        let scraped = scraped_name(metric);
        if metric.scraped != scraped {
            problems.push(format!("{about} is scraped as `{scraped}`"));
        }
        for label in metric.labels.iter().filter(|label| !registry.labels.contains_key(*label)) {
            problems.push(format!("{about}: the label `{label}` has no bound in `labels`"));
        }
        let made = names.instruments.iter().find(|one| one.name == metric.name);
        match (&metric.made_by, made) {
            (None, None) => problems.push(format!("{about} is not in telemetry::names")),
            (None, Some(made)) => differences(metric, made, &about, problems),
            (Some(maker), _) if !MAKERS.contains(&maker.as_str()) => {
                problems.push(format!("{about}: `{maker}` makes none"));
            }
            (Some(maker), Some(_)) => {
                problems.push(format!("{about} is made by `{maker}` and in telemetry::names"));
            }
            (Some(_), None) => {}
        }
        let known = |service: &&String| registry.services.contains(service);
        if metric.made_by.as_deref() != Some(PIPELINE)
            && (metric.services.is_empty() || !metric.services.iter().all(|one| known(&one)))
        {
            problems.push(format!("{about}: `services` are some of `services`"));
        }
    }
    for made in &names.instruments {
        if !registry.metrics.iter().any(|metric| metric.name == made.name) {
            problems.push(format!("`{}` of telemetry::names is not in `metrics`", made.name));
        }
    }
    for (label, most) in &registry.labels {
        if !registry.metrics.iter().any(|metric| metric.labels.contains(label)) {
            problems.push(format!("label `{label}` is on no metric"));
        }
        if *most < 1 {
            problems.push(format!("label `{label}` may have {most} values"));
        }
    }
}

fn differences(metric: &Metric, made: &Instrument, about: &str, problems: &mut Vec<String>) {
    for (what, registered, made) in [
        ("kind", &metric.kind, &made.kind),
        ("unit", &metric.unit, &made.unit),
        ("description", &metric.description, &made.description),
    ] {
        if registered != made {
            problems.push(format!("{about}: its {what} is `{made}` in telemetry::names"));
        }
    }
    if metric.buckets != made.buckets {
        problems.push(format!("{about}: its buckets are {:?} in telemetry::names", made.buckets));
    }
}

/// The name under which Prometheus has it.
fn scraped_name(metric: &Metric) -> String {
    let name = metric.name.replace('.', "_");
    let unit = match metric.unit.as_str() {
        "s" => "_seconds",
        "ms" => "_milliseconds",
        "By" => "_bytes",
        _noted => "",
    };
    let total = if metric.kind == "counter" { "_total" } else { "" };
    format!("{name}{unit}{total}")
}

fn spans(registry: &Registry, said: &Said, problems: &mut Vec<String>) {
    for span in &registry.spans {
        let about = format!("span `{}` of {}", span.code, span.service);
        if !SPAN_KINDS.contains(&span.kind.as_str()) {
            problems.push(format!("{about}: `{}` is no kind", span.kind));
        }
        let registered: BTreeSet<&String> = span.always.iter().chain(&span.sometimes).collect();
        let Some(made) = said.spans.get(&(span.service.clone(), span.code.clone())) else {
            problems.push(format!("{about} is not in the code"));
            continue;
        };
        for name in made.iter().filter(|name| !registered.contains(name)) {
            problems.push(format!("{about} has `{name}`, which is not registered"));
        }
        for name in registered.iter().filter(|name| !made.contains(**name)) {
            problems.push(format!("{about} has no `{name}` in the code"));
        }
    }
    for (service, code) in said.spans.keys() {
        if !registry.spans.iter().any(|span| (&span.service, &span.code) == (service, code)) {
            problems.push(format!("span `{code}` of {service} is not in `spans`"));
        }
    }
}

fn attributes(registry: &Registry, names: &Names, problems: &mut Vec<String>) {
    let mut used: BTreeSet<&String> =
        registry.resource.iter().chain(registry.labels.keys()).collect();
    used.extend(registry.log_fields.keys());
    for span in &registry.spans {
        used.extend(span.always.iter().chain(&span.sometimes));
    }
    let in_names = names.attributes();
    for (name, described) in &registry.attributes {
        if !TYPES.contains(&described.kind.as_str()) {
            problems.push(format!("attribute `{name}`: `{}` is no type", described.kind));
        }
        if !used.contains(name) {
            problems.push(format!("attribute `{name}` is on nothing"));
        }
    }
    let spans = registry.spans.iter().flat_map(|span| span.always.iter().chain(&span.sometimes));
    for name in spans.chain(&registry.resource).chain(registry.labels.keys()) {
        if registry.attribute(name).is_none() {
            problems.push(format!("`{name}` is not in `attributes`"));
        }
    }
    for name in in_names {
        if registry.attribute(name).is_none() && !registry.log_fields.contains_key(name) {
            problems.push(format!("`{name}` of telemetry::names is not in `attributes`"));
        }
    }
}

fn log_fields(registry: &Registry, said: &Said, problems: &mut Vec<String>) {
    for (name, path) in &said.fields {
        if !registry.log_fields.contains_key(name) {
            problems.push(format!("{path}: the log field `{name}` is not in `log_fields`"));
        }
    }
    for (name, described) in &registry.log_fields {
        if !said.fields.contains_key(name) {
            problems.push(format!("log field `{name}` is in no line of the code"));
        }
        if !TYPES.contains(&described.kind.as_str()) {
            problems.push(format!("log field `{name}`: `{}` is no type", described.kind));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGISTRY: &str = r#"
services: [web]
resource: [service.name]
labels: {app.queue: 4}
attributes:
  app.queue: {type: string, about: "A."}
  app.id: {type: string, about: "B."}
  service.name: {type: string, about: "C."}
metrics:
  - name: app.wait
    scraped: app_wait_seconds
    kind: histogram
    unit: s
    description: How long.
    buckets: FAST
    labels: [app.queue]
    services: [web]
spans:
  - {name: x, kind: client, service: web, code: call, about: "D.", always: [app.id], sometimes: []}
log_fields:
  error: {type: string, about: "E."}
"#;
    const NAMES: &str = "pub const Q: &str = \"app.queue\";\npub const I: &str = \"app.id\";\n\
        pub const S: &str = \"service.name\";\npub const W: Instrument = \
        Instrument::histogram_of(\"app.wait\", \"s\", buckets::FAST, \"How long.\");";

    fn problems(registry: &str, names: &str, also_said: &[(&str, &str)]) -> Vec<String> {
        let mut said = Said::default();
        let call = ("web".to_owned(), "call".to_owned());
        said.spans.entry(call.clone()).or_default().insert("app.id".to_owned());
        said.fields.insert("error".to_owned(), "a.rs".to_owned());
        for (span, name) in also_said {
            match *span {
                "" => {
                    said.fields.insert((*name).to_owned(), "a.rs".to_owned());
                }
                span => {
                    let key = ("web".to_owned(), span.to_owned());
                    said.spans.entry(key).or_default().insert((*name).to_owned());
                }
            }
        }
        let names = Names::of(&[("app".to_owned(), names.to_owned())]);
        all(&Registry::read(registry).unwrap(), &names, &said)
    }

    #[test]
    fn what_fits_together_has_no_problems() {
        assert_eq!(problems(REGISTRY, NAMES, &[]), Vec::<String>::new());
    }

    #[test]
    fn each_difference_is_noticed() {
        for (from, to) in [
            ("unit: s", "unit: ms"),
            ("kind: histogram", "kind: gauge"),
            ("How long.", "How short."),
            ("buckets: FAST", "buckets: SLOW"),
            ("name: app.wait", "name: app.other"),
            ("scraped: app_wait_seconds", "scraped: app_wait"),
            ("labels: [app.queue]", "labels: [app.queue, app.id]"),
            ("labels: [app.queue]", "labels: []"),
            ("services: [web]\nresource", "services: [gateway]\nresource"),
            ("always: [app.id]", "always: []"),
            ("sometimes: []", "sometimes: [app.queue]"),
            ("code: call", "code: other"),
            ("kind: client", "kind: caller"),
            ("app.id: {type: string", "app.id: {type: text"),
            ("  error: {", "  other: {"),
        ] {
            assert!(REGISTRY.contains(from), "{from}");
            assert!(!problems(&REGISTRY.replace(from, to), NAMES, &[]).is_empty(), "{to}");
        }
        for (from, to) in [("app.id", "app.other.id"), ("app.wait", "app.waits")] {
            assert!(!problems(REGISTRY, &NAMES.replace(from, to), &[]).is_empty(), "{to}");
        }
        for said in [("", "left"), ("call", "app.queue"), ("receive", "app.id")] {
            assert_eq!(problems(REGISTRY, NAMES, &[said]).len(), 1, "{said:?}");
        }
        assert!(Registry::read(&REGISTRY.replace("kind: client", "kinds: client")).is_err());
    }
}
