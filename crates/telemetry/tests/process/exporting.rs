//! What leaves a process over OTLP, as a collector receives it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue as Attribute;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use telemetry::{Exported, InitError, Otlp, Settings, init, names};
use tokio::time::Instant;
use tracing::{info, info_span};

use crate::support::{ALPHA, BETA, Collector, Request, in_process};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

#[test]
fn two_services_of_one_process_export_under_their_own_names() {
    let collector = Collector::listen();

    let variables = [
        (ENDPOINT, collector.endpoint.as_str()),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test,service.name=ignored"),
    ];
    let name = "exporting::two_services_of_one_process_export_under_their_own_names";
    let Some(output) = in_process(name, &variables, two_services) else { return };

    let requests = collector.received();
    assert!(requests.iter().all(|request| request.content_type == "application/x-protobuf"));
    assert_eq!(spans(&requests), [pair("alpha", "GET"), pair("beta", "process")]);
    let metrics = metrics(&requests);
    for service in ["alpha", "beta"] {
        assert!(metrics.contains(&pair(service, "app.jobs.accepted")), "{metrics:?}");
        assert!(metrics.contains(&pair(service, "app.build.info")), "{metrics:?}");
    }

    // Each line is sent once, under its service and in its span; a library's under the first. Of
    // what exporting itself says nothing is, or it would never end.
    let sent = logs(&requests);
    let lines: Vec<_> = sent.iter().map(|(service, line, _)| pair(service, line)).collect();
    assert_eq!(
        lines,
        [pair("alpha", "from a library"), pair("alpha", "from alpha"), pair("beta", "last")]
    );
    assert!(sent.iter().all(|(_, line, trace)| trace.is_empty() == (line != "from alpha")));

    // The only spans are the two above, however much the exporter says about itself.
    let log = String::from_utf8(output.stderr).unwrap();
    let lines = log.lines().filter(|line| line.starts_with('{'));
    let lines: Vec<serde_json::Value> =
        lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().any(|line| line["target"].as_str().unwrap().starts_with("hyper")));
    let ours = lines.iter().find(|line| line["message"] == "from alpha").unwrap();
    assert_eq!(ours["trace_id"].as_str().unwrap().len(), 32);
}

#[test]
fn the_environment_decides_about_sampling() {
    let collector = Collector::listen();

    let variables = [
        (ENDPOINT, collector.endpoint.as_str()),
        ("OTEL_TRACES_SAMPLER", "parentbased_always_off"),
    ];
    let name = "exporting::the_environment_decides_about_sampling";
    if in_process(name, &variables, two_services).is_none() {
        return;
    }

    let requests = collector.received();
    assert!(spans(&requests).is_empty());
    assert!(!metrics(&requests).is_empty());
}

#[test]
fn each_signal_can_be_left_out() {
    let collector = Collector::listen();
    let left_out = |exported: Exported, paths: &[&str]| {
        let variables = [(ENDPOINT, collector.endpoint.as_str())];
        let name = "exporting::each_signal_can_be_left_out";
        let inside = || async move { two_services_export(exported).await };
        let ended = in_process(name, &variables, inside);
        if ended.is_some() {
            let requests = collector.received();
            let found: BTreeSet<_> = requests.iter().map(|request| request.path.as_str()).collect();
            assert_eq!(found.into_iter().collect::<Vec<_>>(), paths);
        }
    };

    left_out(Exported { traces: false, logs: false, metrics: true }, &["/v1/metrics"]);
}

#[test]
fn what_no_collector_takes_and_no_queue_holds_is_counted() {
    let name = "exporting::what_no_collector_takes_and_no_queue_holds_is_counted";
    let variables = [
        (ENDPOINT, "http://127.0.0.1:1"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "1"),
        ("OTEL_BLRP_MAX_QUEUE_SIZE", "1"),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "50"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "50"),
    ];
    in_process(name, &variables, || async {
        let settings = Settings { otlp: Otlp::FromEnvironment, ..Settings::default() };
        let telemetry = init(&[ALPHA], &settings).unwrap();
        let service = telemetry.service("alpha");
        let counted = |signal: &str, reason: &str| {
            let line = format!(
                "app_telemetry_dropped_total{{app_reason=\"{reason}\",app_signal=\"{signal}\"}} "
            );
            let text = service.prometheus_text();
            let count = text.lines().find_map(|shown| shown.strip_prefix(&line));
            count.unwrap_or_else(|| panic!("{line} is not in\n{text}")).parse::<u64>().unwrap() > 0
        };
        let all = || {
            let of_queues = counted("traces", "queue_full") && counted("logs", "queue_full");
            let failed = ["traces", "metrics", "logs"];
            of_queues && failed.iter().all(|signal| counted(signal, "export_failed"))
        };

        let begun = Instant::now();
        while !all() {
            info_span!(target: "alpha", "GET").in_scope(|| info!(target: "alpha", "once more"));
            assert!(begun.elapsed() < Duration::from_secs(30), "{}", service.prometheus_text());
        }
        telemetry.shutdown().await;
    });
}

#[test]
fn a_process_ends_when_no_collector_listens() {
    let name = "exporting::a_process_ends_when_no_collector_listens";
    in_process(name, &[(ENDPOINT, "http://127.0.0.1:1")], two_services);
}

#[test]
fn an_https_endpoint_finds_its_cryptography() {
    let name = "exporting::an_https_endpoint_finds_its_cryptography";
    in_process(name, &[(ENDPOINT, "https://127.0.0.1:1")], two_services);
}

#[test]
fn an_endpoint_that_is_no_url_is_refused_and_nothing_installed() {
    let name = "exporting::an_endpoint_that_is_no_url_is_refused_and_nothing_installed";
    in_process(name, &[(ENDPOINT, "not a url")], || async {
        let settings = Settings { otlp: Otlp::FromEnvironment, ..Settings::default() };
        let refused = init(&[ALPHA], &settings).unwrap_err();
        assert!(matches!(refused, InitError::Exporter(_)), "{refused}");
        assert!(!tracing::dispatcher::has_been_set());
    });
}

/// Two services that count, log and trace a little, and end.
async fn two_services() {
    two_services_export(Exported::default()).await;
}

async fn two_services_export(exported: Exported) {
    let settings = Settings {
        otlp: Otlp::FromEnvironment,
        exported,
        // Everything the exporter and its HTTP client say about themselves.
        log_filter: "trace,hyper=trace,opentelemetry=trace,reqwest=trace".parse().unwrap(),
        ..Settings::default()
    };
    let telemetry = init(&[ALPHA, BETA], &settings).unwrap();
    for (service, jobs) in [("alpha", 1), ("beta", 2)] {
        let accepted = names::app::JOBS_ACCEPTED.counter(telemetry.service(service).meter());
        accepted.add(jobs, &[KeyValue::new(names::app::LANE, "chat")]);
    }
    info_span!(target: "alpha", "GET").in_scope(|| info!(target: "alpha", "from alpha"));
    info_span!(target: "beta::intake", "process").in_scope(|| ());
    info!(target: "bus", "from a library");
    info!(target: "beta", "last");

    telemetry.shutdown().await;
    info!(target: "alpha", "after the end");
}

fn pair(service: &str, name: &str) -> (String, String) {
    (service.to_owned(), name.to_owned())
}

/// Service and name of each span, in order.
fn spans(requests: &[Request]) -> Vec<(String, String)> {
    let traces = requests.iter().filter(|request| request.path == "/v1/traces");
    let mut found = Vec::new();
    for request in traces {
        let export = ExportTraceServiceRequest::decode(request.body.as_slice()).unwrap();
        for group in export.resource_spans {
            let service = service_of(group.resource.as_ref().unwrap());
            for span in group.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                found.push((service.clone(), span.name));
            }
        }
    }
    found.sort();
    found
}

/// Service and name of each metric.
fn metrics(requests: &[Request]) -> Vec<(String, String)> {
    let metrics = requests.iter().filter(|request| request.path == "/v1/metrics");
    let mut found = Vec::new();
    for request in metrics {
        let export = ExportMetricsServiceRequest::decode(request.body.as_slice()).unwrap();
        for group in export.resource_metrics {
            let service = service_of(group.resource.as_ref().unwrap());
            for metric in group.scope_metrics.into_iter().flat_map(|scope| scope.metrics) {
                found.push((service.clone(), metric.name));
            }
        }
    }
    found
}

/// Service, text and trace of each log line, in order.
fn logs(requests: &[Request]) -> Vec<(String, String, String)> {
    let logs = requests.iter().filter(|request| request.path == "/v1/logs");
    let mut found = Vec::new();
    for request in logs {
        let export = ExportLogsServiceRequest::decode(request.body.as_slice()).unwrap();
        for group in export.resource_logs {
            let service = service_of(group.resource.as_ref().unwrap());
            for line in group.scope_logs.into_iter().flat_map(|scope| scope.log_records) {
                let Some(Value::StringValue(text)) = line.body.and_then(|body| body.value) else {
                    panic!("a line without text")
                };
                let trace = line.trace_id.iter().map(|byte| format!("{byte:02x}")).collect();
                found.push((service.clone(), text, trace));
            }
        }
    }
    found.sort();
    found
}

/// The service's name, after the rest of its resource was checked.
fn service_of(resource: &Resource) -> String {
    let text = |attribute: &Attribute| match &attribute.value {
        Some(value) => match &value.value {
            Some(Value::StringValue(text)) => text.clone(),
            other => panic!("{other:?}"),
        },
        None => String::new(),
    };
    let attributes = resource.attributes.iter();
    let attributes: BTreeMap<_, _> = attributes.map(|a| (a.key.as_str(), text(a))).collect();
    assert!(attributes.contains_key("service.version"), "{attributes:?}");
    assert_eq!(attributes["service.instance.id"].len(), 36);
    attributes["service.name"].clone()
}
