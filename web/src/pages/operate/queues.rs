//! Who waits where, and how fast models are.

use maud::{Markup, html};

use super::show::window;
use super::tables::{Column, Kind, Row, name, section, table};
use crate::components::{count, optional, rate, seconds};
use crate::operate::{Overview, Percentiles, Queue};

/// Each lane of each queue.
pub(super) fn queues(overview: &Overview) -> Markup {
    let columns = [
        Column("Queue", Kind::Text),
        Column("Lane", Kind::Text),
        Column("Waiting", Kind::Number),
        Column("Longest wait", Kind::Number),
        Column("In work", Kind::Number),
        Column("Redelivered", Kind::Number),
        Column("Workers", Kind::Number),
        Column("Free slots", Kind::Number),
    ];
    let rows = |queue: &Queue| {
        let (workers, free) = serving(overview, &queue.queue);
        Row(
            format!("{}/{}", queue.queue, queue.lane),
            vec![
                name(&queue.queue),
                html! { (queue.lane) },
                html! { (optional(queue.waiting, count)) },
                html! { (optional(longest_wait(queue), seconds)) },
                html! { (optional(queue.delivered, count)) },
                html! { (optional(queue.redelivered, count)) },
                html! { (optional(workers, count)) },
                html! { (optional(free, count)) },
            ],
        )
    };
    let queues = overview.queues.as_deref();
    let table = table("Lanes and queues", &columns, queues, "There are no queues.", rows);
    section("queues", "Lanes and queues", &table)
}

/// Where nobody waits, there is no wait.
fn longest_wait(queue: &Queue) -> Option<f64> {
    queue.oldest_wait_seconds.filter(|_| queue.waiting.is_none_or(|waiting| waiting > 0.0))
}

/// How many workers serve a queue, and how many free slots they have.
fn serving(overview: &Overview, queue: &str) -> (Option<f64>, Option<f64>) {
    let Some(workers) = &overview.workers else { return (None, None) };
    let serving = workers.iter().filter(|one| one.queues.iter().any(|served| served == queue));
    let (count, free) = serving.fold((0.0, 0.0), |(count, free), one| {
        let slots = if one.draining { 0.0 } else { one.slots - one.busy };
        (count + 1.0, free + slots.max(0.0))
    });
    (Some(count), Some(free))
}

/// Each model.
pub(super) fn models(overview: &Overview) -> Markup {
    let columns = [
        Column("Model", Kind::Text),
        Column("Queue", Kind::Text),
        Column("Asked", Kind::Number),
        Column("Failed", Kind::Number),
        Column("Tokens/s read", Kind::Number),
        Column("Tokens/s said", Kind::Number),
        Column("First token p50", Kind::Number),
        Column("p95", Kind::Number),
        Column("p99", Kind::Number),
        Column("Each token p50", Kind::Number),
        Column("p95", Kind::Number),
        Column("p99", Kind::Number),
    ];
    let models = overview.models.as_deref();
    let caption = format!("Models, {}", window(overview));
    let table = table(&caption, &columns, models, "No model was asked.", |model| {
        let mut cells = vec![
            name(&model.model),
            name(&model.queue),
            html! { (count(model.requests)) },
            html! {
                @if model.failed > 0.0 { strong.failed { (count(model.failed)) } } @else { "0" }
            },
            html! { (optional(model.input_tokens_per_second, rate)) },
            html! { (optional(model.output_tokens_per_second, rate)) },
        ];
        cells.extend(percentiles(model.time_to_first_token_seconds));
        cells.extend(percentiles(model.time_per_output_token_seconds));
        Row(model.model.clone(), cells)
    });
    let content = html! {
        (table)
        @if models.is_some_and(|models| !models.is_empty()) {
            p.fine { "Times as their callers see them, the queue included: half of the answers took no longer than p50, 95 in 100 no longer than p95, 99 in 100 no longer than p99. All of it " (window(overview)) "." }
        }
    };
    section("models", "Models", &content)
}

fn percentiles(all: Option<Percentiles>) -> [Markup; 3] {
    let all = all.unwrap_or_default();
    [all.p50, all.p95, all.p99].map(|one| html! { (optional(one, seconds)) })
}
