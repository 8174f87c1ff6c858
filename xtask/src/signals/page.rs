//! The registry as a page.

use std::fmt::Write as _;

use super::problems::PIPELINE;
use super::registry::{Metric, Registry, Span};

const HEAD: &str = "\
# Signals

Made by `cargo xtask signals` from [signals.yaml](signals.yaml): change that. A wall compares it with the code.
What these signals are for, and what is in none of them, says [docs/LOGGING.md](../docs/LOGGING.md).

";

/// The whole page.
pub(super) fn of(registry: &Registry) -> String {
    let mut page = HEAD.to_owned();
    metrics(registry, &mut page);
    labels(registry, &mut page);
    spans(registry, &mut page);
    fields(registry, &mut page);
    page
}

fn metrics(registry: &Registry, page: &mut String) {
    page.push_str(
        "## Metrics\n\n\
         The name is OpenTelemetry's, below it what Prometheus scrapes. Kinds: a histogram also has \
         `_bucket`, `_sum` and `_count`. Of a process, which may hold several services, each metric is \
         of the service whose `/metrics` shows it. `target_info` has the attributes of the service \
         as labels.\n\n",
    );
    for service in &registry.services {
        table(
            &format!("In `{service}`"),
            page,
            |metric| {
                metric.made_by.as_deref() != Some(PIPELINE) && metric.services.contains(service)
            },
            registry,
        );
    }
    table(
        "From the pipeline",
        page,
        |metric| metric.made_by.as_deref() == Some(PIPELINE),
        registry,
    );
}

fn table(heading: &str, page: &mut String, shown: impl Fn(&Metric) -> bool, registry: &Registry) {
    let metrics: Vec<&Metric> = registry.metrics.iter().filter(|metric| shown(metric)).collect();
    if metrics.is_empty() {
        return;
    }
    line(page, format_args!("### {heading}\n"));
    page.push_str("| metric | kind, unit | labels | |\n|---|---|---|---|\n");
    for metric in metrics {
        let unit =
            if metric.unit.is_empty() { String::new() } else { format!(", {}", metric.unit) };
        let buckets = metric.buckets.as_ref().map(|name| format!(" Buckets: `{name}`."));
        line(
            page,
            format_args!(
                "| `{}`<br>`{}` | {}{unit} | {} | {}{} |",
                metric.name,
                metric.scraped,
                metric.kind.replace('_', "-"),
                quoted(&metric.labels),
                metric.description,
                buckets.unwrap_or_default(),
            ),
        );
    }
    page.push('\n');
}

fn labels(registry: &Registry, page: &mut String) {
    page.push_str(
        "## Labels\n\n\
         Nothing that tells requests apart is a label. An instrument keeps at most 2,000 sets of \
         labels; what is beyond is in one with `otel_metric_overflow=\"true\"`.\n\n\
         | label | as scraped | most values | |\n|---|---|---|---|\n",
    );
    for (label, most) in &registry.labels {
        let about = registry.attribute(label).map_or("", |described| &described.about);
        let scraped = label.replace('.', "_");
        line(page, format_args!("| `{label}` | `{scraped}` | {most} | {about} |"));
    }
    page.push('\n');
}

fn spans(registry: &Registry, page: &mut String) {
    page.push_str("## Spans\n\n| span | service | kind | |\n|---|---|---|---|\n");
    for Span { name, service, kind, about, .. } in &registry.spans {
        line(page, format_args!("| `{name}` | `{service}` | {kind} | {about} |"));
    }
    page.push('\n');
    for span in &registry.spans {
        line(
            page,
            format_args!(
                "`{}` of `{}` always has {}{}\n",
                span.name,
                span.service,
                listed(&span.always),
                if span.sometimes.is_empty() {
                    ".".to_owned()
                } else {
                    format!("; where it applies {}.", listed(&span.sometimes))
                },
            ),
        );
    }
    line(
        page,
        format_args!("Every signal carries {} of its service.\n", listed(&registry.resource)),
    );
    page.push_str("### Attributes\n\n| attribute | type | |\n|---|---|---|\n");
    for (name, described) in &registry.attributes {
        line(page, format_args!("| `{name}` | {} | {} |", described.kind, described.about));
    }
    page.push('\n');
}

fn fields(registry: &Registry, page: &mut String) {
    page.push_str(
        "## Log fields\n\n\
         Beside `timestamp`, `level`, `service`, `target`, `message`, `trace_id` and `span_id`.\n\n\
         | field | type | |\n|---|---|---|\n",
    );
    for (name, described) in &registry.log_fields {
        line(page, format_args!("| `{name}` | {} | {} |", described.kind, described.about));
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" ")
}

fn listed(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing into a string does not fail.
    let _written = writeln!(page, "{text}");
}
