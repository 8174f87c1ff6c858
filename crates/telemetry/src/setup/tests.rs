//! Several services in one process, each under its own name; logs and trace context.

use std::collections::HashMap;

use opentelemetry::trace::{SpanKind, Status};
use tracing::{info, info_span};

use super::*;
use crate::names::span;
use crate::propagation;
use crate::testing::{ALPHA, BETA, Captured, Memory};

#[test]
fn each_span_leaves_under_the_service_whose_crate_made_it() {
    let memory = Memory::default();
    let captured = Captured::with(&[ALPHA, BETA], Some(&memory));

    captured.within(|| {
        info_span!(target: "alpha::http", "GET").in_scope(|| ());
        info_span!(target: "beta", "process").in_scope(|| ());
        // Asked for its id before it was entered: started through the layer, not on entry.
        assert!(propagation::trace_id(&info_span!(target: "beta", "early")).is_some());
        info_span!(target: "reqwest", "not ours").in_scope(|| ());
        tracing::debug_span!(target: "alpha", "too fine").in_scope(|| ());
    });

    let mut seen: Vec<_> = memory.spans().iter().map(|s| (s.service.clone(), s.name())).collect();
    seen.sort();
    let expected = [("alpha", "GET"), ("beta", "early"), ("beta", "process")];
    assert_eq!(seen, expected.map(|(service, name)| (service.to_owned(), name.to_owned())));
    assert!(memory.spans().iter().all(|span| span.attribute("target").is_none()));
}

#[test]
fn a_span_keeps_its_attributes_kind_name_and_status() {
    let memory = Memory::default();
    let captured = Captured::with(&[ALPHA, BETA], Some(&memory));

    captured.within(|| {
        let request = info_span!(
            target: "beta",
            "HTTP",
            { span::NAME } = "GET /v1/models/{id}",
            { span::KIND } = span::SERVER,
            { span::STATUS_CODE } = tracing::field::Empty,
            { crate::names::http::RESPONSE_STATUS_CODE } = tracing::field::Empty,
        );
        request.in_scope(|| info!(target: "beta", "an event stays a log line"));
        request.record(crate::names::http::RESPONSE_STATUS_CODE, 500);
        request.record(span::STATUS_CODE, span::ERROR);
    });

    let spans = memory.spans();
    assert_eq!(spans[0].name(), "GET /v1/models/{id}");
    assert_eq!(spans[0].data.span_kind, SpanKind::Server);
    assert_eq!(spans[0].data.status, Status::error(""));
    assert_eq!(spans[0].attribute("http.response.status_code").as_deref(), Some("500"));
    assert!(spans[0].data.events.is_empty());
}

#[test]
fn context_crosses_from_one_service_to_the_other() {
    let memory = Memory::default();
    let captured = Captured::with(&[ALPHA, BETA], Some(&memory));
    let mut carrier = HashMap::new();

    let (sent, received) = captured.within(|| {
        let publish = info_span!(target: "alpha", "publish");
        propagation::inject(&publish, |key, value| {
            carrier.insert(key.to_owned(), value);
        });
        let process = info_span!(target: "beta", "process");
        propagation::continue_from(&process, |key| carrier.get(key).cloned());
        propagation::link_from(&process, |key| carrier.get(key).cloned());
        process.in_scope(|| ());
        (propagation::trace_id(&publish), propagation::trace_id(&process))
    });

    let spans = memory.spans();
    let publish = spans.iter().find(|span| span.name() == "publish").unwrap();
    let process = spans.iter().find(|span| span.name() == "process").unwrap();
    assert_eq!(carrier.keys().collect::<Vec<_>>(), ["traceparent"]);
    assert_eq!(sent, received);
    assert_eq!(process.data.parent_span_id, publish.data.span_context.span_id());
    assert_eq!(process.data.links[0].span_context.span_id(), publish.data.span_context.span_id());
    assert_eq!((publish.service.as_str(), process.service.as_str()), ("alpha", "beta"));
}

#[test]
fn a_caller_who_does_not_sample_is_followed_and_his_state_passed_on() {
    let memory = Memory::default();
    let captured = Captured::with(&[ALPHA], Some(&memory));
    let mut incoming = http::HeaderMap::new();
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    incoming.insert("traceparent", parent.parse().unwrap());
    incoming.insert("tracestate", "vendor=1".parse().unwrap());
    let mut outgoing = http::HeaderMap::new();

    captured.within(|| {
        let span = info_span!(target: "alpha", "GET");
        propagation::continue_from(&span, propagation::headers(&incoming));
        span.in_scope(|| propagation::inject_headers(&span, &mut outgoing));
    });

    assert!(memory.spans().is_empty());
    let traceparent = outgoing["traceparent"].to_str().unwrap();
    assert!(traceparent.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"), "{traceparent}");
    assert!(traceparent.ends_with("-00"), "{traceparent}");
    assert_eq!(outgoing["tracestate"], "vendor=1");
}

#[test]
fn a_context_that_comes_too_late_or_malformed_is_counted() {
    let memory = Memory::default();
    let captured = Captured::with(&[ALPHA], Some(&memory));
    let count = |reason: &str| {
        let text = captured.telemetry.service("alpha").prometheus_text();
        let series =
            format!("app_telemetry_propagation_failures_total{{app_reason=\"{reason}\"}} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&series)).unwrap().to_owned();
        line.parse::<u64>().unwrap()
    };
    let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let carrier =
        |value: &'static str| move |key: &str| (key == "traceparent").then(|| value.into());
    let before = (count("already_started"), count("malformed"));

    captured.within(|| {
        let entered = info_span!(target: "alpha", "late");
        entered.in_scope(|| ());
        propagation::continue_from(&entered, carrier(good));
        propagation::continue_from(&info_span!(target: "alpha", "odd"), carrier("00-nonsense"));
        propagation::continue_from(&info_span!(target: "alpha", "none"), |_| None);
    });

    assert_eq!(count("already_started"), before.0 + 1);
    assert_eq!(count("malformed"), before.1 + 1);
}

#[test]
fn what_nats_does_not_permit_is_counted() {
    let captured = Captured::with(&[ALPHA], None);
    let count = || {
        let text = captured.telemetry.service("alpha").prometheus_text();
        let line = text.lines().find_map(|line| line.strip_prefix("app_nats_refusals_total "));
        line.unwrap().parse::<u64>().unwrap()
    };
    let before = count();

    crate::refusals::count();

    assert_eq!(count(), before + 1);
}

#[test]
fn a_line_carries_the_ids_of_the_span_it_was_written_in() {
    let memory = Memory::default();
    let captured = Captured::with(&[ALPHA, BETA], Some(&memory));

    captured.within(|| {
        info_span!(target: "alpha", "GET").in_scope(|| info!(target: "alpha", "inside"));
        info!(target: "beta::intake", "outside");
        info!(target: "bus", "a library's");
    });

    let ids = memory.spans()[0].data.span_context.clone();
    let lines = captured.lines();
    assert_eq!(lines[0]["trace_id"], ids.trace_id().to_string());
    assert_eq!(lines[0]["span_id"], ids.span_id().to_string());
    assert_eq!(lines[0]["service"], "alpha");
    assert_eq!(lines[1]["service"], "beta");
    assert_eq!(lines[1].get("trace_id"), None);
    assert_eq!(lines[2].get("service"), None, "with two services a library's event is nobody's");
}

#[test]
fn with_export_off_no_span_is_made_and_nothing_is_propagated() {
    let captured = Captured::with(&[ALPHA], None);

    captured.within(|| {
        let span = info_span!(target: "alpha", "GET");
        assert!(span.is_disabled());
        propagation::continue_from(&span, |_| panic!("the carrier was read"));
        propagation::inject(&span, |key, _| panic!("{key} was set"));
        assert_eq!(propagation::trace_id(&span), None);
        span.in_scope(|| info!(target: "bus", "still logged"));
    });

    let lines = captured.lines();
    assert_eq!(lines[0]["message"], "still logged");
    assert_eq!(lines[0]["service"], "alpha", "the only service of the process");
    assert_eq!(lines[0].get("trace_id"), None);
}

#[test]
fn services_that_cannot_be_told_apart_are_refused() {
    let build = |services: &[Identity]| {
        build(services, &Settings::default(), None, io::sink, false).map(|_| ()).unwrap_err()
    };
    let same_crate = Identity { name: "gamma", ..ALPHA };

    assert!(matches!(build(&[]), InitError::NoService));
    assert!(matches!(build(&[ALPHA, BETA, ALPHA]), InitError::DuplicateService("alpha")));
    assert!(matches!(build(&[ALPHA, same_crate]), InitError::DuplicateService("gamma")));
}

#[test]
fn an_unknown_service_gets_instruments_that_nobody_sees() {
    let captured = Captured::with(&[ALPHA], None);

    let service = captured.within(|| captured.telemetry.service("gamma"));

    assert_eq!(service.name(), "detached");
    assert_eq!(captured.lines()[0]["level"], "WARN");
}
