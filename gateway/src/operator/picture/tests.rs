//! What several gateways have counted, as one.

use std::time::Duration;

use contract::Lane;

use super::*;

const START: u64 = 1_700_000_000_000;

fn catalogue() -> Catalogue {
    let text = "[[models]]\nname = \"a\"\nqueue = \"large\"\n\n[[models]]\nname = \"idle\"";
    Catalogue::parse(text).unwrap()
}

fn histogram(seconds: impl IntoIterator<Item = f64>) -> Histogram {
    let mut histogram = Histogram::default();
    seconds.into_iter().for_each(|one| histogram.record(one));
    histogram
}

fn model(name: &str, requests: u64, to_first_token: Histogram) -> ModelFigures {
    let output_tokens = requests * 10;
    let model = name.to_owned();
    ModelFigures { model, requests, output_tokens, to_first_token, ..ModelFigures::default() }
}

fn slow(ms: f64) -> SlowAnswer {
    SlowAnswer {
        at_ms: START,
        request: format!("req_{ms}"),
        job: None,
        trace: None,
        model: "a".to_owned(),
        lane: Some(Lane::Live),
        outcome: "completed".to_owned(),
        duration_ms: ms,
        queue_wait_ms: Some(1.5),
        model_first_token_ms: None,
        first_token_ms: None,
        output_tokens: None,
    }
}

fn picture(figures: Vec<GatewayFigures>, after: Duration, catalogue: &Catalogue) -> Picture<'_> {
    let now_ms = START + u64::try_from(after.as_millis()).unwrap();
    Picture { figures, now_ms, catalogue }
}

fn since(since_ms: u64) -> GatewayFigures {
    GatewayFigures { since_ms, ..GatewayFigures::default() }
}

#[test]
fn quantiles_and_rates_are_those_of_all_gateways_together() {
    let catalogue = catalogue();
    // One has the quick ones, the other the slow ones.
    let quick = histogram((1..=90).map(|at| f64::from(at) / 1000.0));
    let late = histogram((91..=100).map(|at| f64::from(at) / 10.0));
    let one =
        GatewayFigures { models: vec![model("a", 90, quick)], redelivered: 1, ..since(START) };
    let other = GatewayFigures {
        models: vec![model("a", 10, late), model("gone", 1, Histogram::default())],
        redelivered: 2,
        ..since(START + 50_000)
    };
    let all = picture(vec![one, other], Duration::from_secs(100), &catalogue);

    let models = all.models();

    let names: Vec<_> = models.iter().map(|one| (&*one.model, one.queue.as_deref())).collect();
    assert_eq!(names, [("a", Some("large")), ("idle", Some("default")), ("gone", None)]);
    let quantiles = models[0].time_to_first_token_seconds.unwrap();
    for (found, expected) in [(quantiles.p50, 0.05), (quantiles.p95, 9.5), (quantiles.p99, 9.9)] {
        assert!((found / expected - 1.0_f64).abs() < 0.05, "{found} instead of {expected}");
    }
    assert_eq!(models[0].requests, 100);
    assert!((models[0].output_tokens_per_second - 10.0).abs() < 1e-9, "1000 in 100 s: {models:?}");
    assert_eq!(models[1].time_to_first_token_seconds, None, "nobody asked it");
    assert_eq!(all.redeliveries(), 3);
}

#[test]
fn a_rate_is_over_the_window_once_that_is_over() {
    let catalogue = catalogue();
    let figures =
        || GatewayFigures { models: vec![model("a", 30, Histogram::default())], ..since(START) };
    for (after_seconds, expected) in [(0, 300.0), (100, 3.0), (300, 1.0), (3_000, 1.0)] {
        let all = picture(vec![figures()], Duration::from_secs(after_seconds), &catalogue);
        let rate = all.models()[0].output_tokens_per_second;
        assert!((rate - expected).abs() < 1e-9, "{rate} after {after_seconds} s");
    }
}

#[test]
fn the_history_has_every_step_since_the_oldest_gateway_started_and_is_over() {
    let catalogue = catalogue();
    let step = |at: u64, accepted, waiting| StepFigures {
        at: 1_700_000_000 + at,
        accepted,
        waiting,
        to_first_token: histogram([1.0]),
        ..StepFigures::default()
    };
    let one = GatewayFigures { steps: vec![step(0, 1, Some(2))], ..since(START) };
    let strange = vec![step(0, 2, Some(1)), step(20, 4, None), step(9_990, 8, None)];
    let other = GatewayFigures { steps: strange, ..since(START + 20_000) };
    let all = picture(vec![one, other], Duration::from_secs(35), &catalogue);

    let points = all.history().points;

    let told: Vec<_> =
        points.iter().map(|point| (point.at, point.accepted, point.waiting)).collect();
    let at = 1_700_000_000;
    assert_eq!(told, [(at, 3, Some(2)), (at + 10, 0, None), (at + 20, 4, None)]);
    assert!(points[0].time_to_first_token_p95_seconds.is_some());
    assert_eq!(points[1].time_to_first_token_p95_seconds, None);
    let later = picture(vec![since(START)], Duration::from_secs(100_000), &catalogue);
    assert_eq!(later.history().points.len(), 90);
}

#[test]
fn the_slowest_of_all_come_first() {
    let catalogue = catalogue();
    let of = |ms: std::ops::Range<u32>| {
        let slow = ms.map(|ms| slow(f64::from(ms))).collect();
        GatewayFigures { slow, ..since(START) }
    };
    let all = picture(vec![of(0..15), of(100..115)], Duration::ZERO, &catalogue);

    let slow = all.slow_answers();

    assert_eq!(slow.len(), 20);
    assert_eq!(slow[0].request_id, "req_114");
    assert_eq!((slow[0].queue.as_deref(), slow[0].lane), (Some("large"), Some("live")));
    assert_eq!(slow[0].queue_wait_seconds, Some(0.0015));
    assert_eq!(slow[19].request_id, "req_10");
}
