//! What is counted, in which step, and for how long.

use contract::JobId;

use super::*;

/// The beginning of a step, milliseconds since 1970.
const START: u64 = 1_700_000_000_000;

fn answer(model: &str, ms: u64) -> AnswerFigures<'_> {
    let duration = Duration::from_millis(ms);
    AnswerFigures {
        operation: Some("chat"),
        model,
        stream: true,
        duration,
        to_first_token: Some(duration / 2),
        speaking: (duration / 2, 10),
        longest_gap: Duration::ZERO,
        outcome: app::COMPLETED,
        error_type: None,
        callers_mistake: false,
        request_id: "req_1",
        job: Some(JobId::fresh()),
        lane: Some(Lane::Chat),
        work: None,
        trace_id: None,
    }
}

fn after(seconds: u64) -> u64 {
    START + seconds * 1000
}

#[test]
fn jobs_are_counted_from_the_start_and_by_the_step() {
    let mut ring = Ring::new(START);
    for at in [0, 1, 11, 12, 13] {
        ring.accepted(after(at));
    }
    let outcomes = [
        app::COMPLETED,
        app::FAILED,
        app::CLIENT_GONE,
        app::NOT_QUEUED,
        HANDED_OVER,
        CANCELLED,
        "x",
    ];
    for outcome in outcomes {
        ring.accepted(after(14));
        ring.settled(outcome, after(14));
    }

    let figures = ring.figures(after(20));

    let JobCounts { accepted, completed, failed, client_gone, not_queued, .. } = figures.jobs;
    assert_eq!((accepted, completed, failed, client_gone, not_queued), (12, 1, 1, 1, 1));
    assert_eq!(figures.jobs.open(), 5);
    let steps: Vec<_> =
        figures.steps.iter().map(|step| (step.at, step.accepted, step.failed)).collect();
    assert_eq!(steps, [(1_700_000_000, 2, 0), (1_700_000_010, 10, 2)]);
    assert_eq!(ring.figures(after(5)), figures, "a clock that is set back changes nothing");
}

#[test]
fn models_are_of_the_window_and_the_history_is_longer() {
    let mut ring = Ring::new(START);
    ring.accepted(after(0));
    ring.answered(&answer("a", 100), Work::default(), after(0));
    ring.redelivered(after(0));
    ring.answered(&answer("a", 300), Work::default(), after(WINDOW_SECONDS - 1));

    let figures = ring.figures(after(WINDOW_SECONDS - 1));
    assert_eq!((figures.models[0].requests, figures.redelivered, figures.slow.len()), (2, 1, 2));
    assert_eq!(figures.models[0].to_first_token.count(), 2);

    let figures = ring.figures(after(WINDOW_SECONDS));
    assert_eq!((figures.models[0].requests, figures.redelivered, figures.slow.len()), (1, 0, 1));
    let of_step = |figures: &GatewayFigures| figures.steps[0].to_first_token.count();
    assert_eq!((figures.steps[0].at, of_step(&figures)), (1_700_000_000, 1));

    let figures = ring.figures(after(HISTORY * STEP_SECONDS));
    assert_eq!((figures.steps[0].at, figures.models.len()), (1_700_000_000, 0));
    let figures = ring.figures(after((HISTORY + 1) * STEP_SECONDS));
    assert_eq!(figures.steps[0].at, 1_700_000_000 + WINDOW_SECONDS - STEP_SECONDS);
    assert_eq!(figures.jobs.accepted, 1, "what was counted since the start stays");
}

#[test]
fn what_was_only_read_or_wrongly_asked_is_no_work_of_a_model() {
    let mut ring = Ring::new(START);
    let fine = answer("a", 100);
    let read = AnswerFigures { operation: None, ..fine };
    let unknown = AnswerFigures {
        callers_mistake: true,
        job: None,
        outcome: app::REFUSED,
        ..answer(app::OTHER, 1)
    };
    let refused_by_model = AnswerFigures { job: fine.job, outcome: app::FAILED, ..unknown };
    let no_worker = AnswerFigures { callers_mistake: false, ..unknown };
    for counted in [&fine, &read, &unknown, &refused_by_model, &no_worker] {
        ring.answered(counted, Work::default(), START);
    }

    let models = ring.figures(START).models;

    let told: Vec<_> = models.iter().map(|one| (&*one.model, one.requests, one.failed)).collect();
    assert_eq!(told, [("other", 2, 2), ("a", 1, 0)]);
}

#[test]
fn the_slowest_of_the_window_are_told_and_no_more() {
    let mut ring = Ring::new(START);
    for at in 0..200_u64 {
        ring.answered(&answer("a", 1 + at * 7 % 200), Work::default(), after(at));
    }

    let slow = ring.figures(after(200)).slow;

    let told: Vec<f64> = slow.iter().map(|answer| answer.duration_ms).collect();
    let expected: Vec<f64> = (181..=200_u32).rev().map(f64::from).collect();
    assert_eq!(told, expected);
}

#[test]
fn the_queues_are_told_at_their_worst() {
    let mut ring = Ring::new(START);
    for (waiting, oldest_ms, at) in [(3, 10, 0), (1, 900, 3), (0, 0, 6), (2, 5, 12)] {
        ring.queues_seen(waiting, Duration::from_millis(oldest_ms), after(at));
    }

    let steps = ring.figures(after(30)).steps;

    let told: Vec<_> = steps.iter().map(|step| (step.waiting, step.oldest_wait_ms)).collect();
    assert_eq!(told, [(Some(3), Some(900)), (Some(2), Some(5))]);
}

#[test]
fn those_asked_least_are_told_together() {
    let mut ring = Ring::new(START);
    let names: Vec<String> = (0..MOST_MODELS + 10).map(|at| format!("m{at}")).collect();
    for (at, name) in names.iter().enumerate() {
        for _request in 0..=usize::from(at < 5) {
            ring.answered(&answer(name, 1), Work::default(), START);
        }
    }

    let models = ring.figures(START).models;

    assert_eq!(models.len(), MOST_MODELS);
    let requests: u64 = models.iter().map(|model| model.requests).sum();
    assert_eq!(requests, names.len() as u64 + 5, "nothing is left out");
    assert!(models[..5].iter().all(|model| model.requests == 2));
    assert_eq!(models.last().map(|model| (&*model.model, model.requests)), Some(("other", 11)));
}

#[test]
fn what_the_worker_measured_is_counted_and_told_of_the_slow() {
    let mut ring = Ring::new(START);
    let work = |attempt| Work {
        queue_wait_ms: Some(1.5),
        first_token_ms: Some(20.0),
        attempt: Some(attempt),
        input_tokens: Some(7),
        output_tokens: Some(40),
        trace_id: Some("0af7651916cd43dd8448eb211c80319c".to_owned()),
    };
    let unstored = answer("a", 100);
    let stored = AnswerFigures { lane: Some(Lane::Live), ..unstored };
    ring.answered(&unstored, work(2), START);
    ring.answered(&stored, work(1), START);
    ring.answered(&stored, work(3), START);

    let figures = ring.figures(after(10));

    assert_eq!((figures.jobs.input_tokens, figures.jobs.output_tokens), (21, 120));
    let model = &figures.models[0];
    assert_eq!((model.input_tokens, model.output_tokens), (21, 120));
    assert_eq!(figures.steps[0].output_tokens, 120);
    assert_eq!(figures.redelivered, 1, "those of unstored jobs are counted when they are claimed");
    let slow = &figures.slow[0];
    let told = (slow.queue_wait_ms, slow.model_first_token_ms, slow.first_token_ms);
    assert_eq!(told, (Some(1.5), Some(20.0), Some(50.0)));
    assert_eq!((slow.output_tokens, slow.trace.as_deref().map(str::len)), (Some(40), Some(32)));
}
