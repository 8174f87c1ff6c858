//! The answers that took longest lately, and where their time went.

use maud::{Markup, html};

use super::show::window;
use super::tables::{Column, Kind, Row, name, section, table};
use crate::components::{key_to_stages, optional, rate, seconds, waterfall, when};
use crate::operate::{Overview, SlowAnswer};
use crate::receipt::Stages;

/// The slowest answers.
pub(super) fn slow_answers(overview: &Overview) -> Markup {
    let columns = [
        Column("Began", Kind::Text),
        Column("Model", Kind::Text),
        Column("Outcome", Kind::Text),
        Column("Where the time went", Kind::Text),
        Column("In all", Kind::Number),
        Column("In the queue", Kind::Number),
        Column("Model", Kind::Number),
        Column("On the way", Kind::Number),
        Column("Speaking", Kind::Number),
        Column("Tokens/s", Kind::Number),
        Column("Trace and job", Kind::Text),
    ];
    let answers = overview.slow_answers.as_deref();
    let longest = answers.unwrap_or_default().iter().map(|one| one.duration_seconds);
    let whole = longest.fold(0.0, f64::max);
    let rows = |answer: &SlowAnswer| {
        let stages = stages(answer);
        let known = |of: Option<f64>, took: f64| optional(of.map(|_| took), seconds);
        let first = answer.time_to_first_token_seconds;
        Row(
            format!("{} {}", answer.request_id, answer.job_id),
            vec![
                when(answer.at, overview.at),
                html! { (name(&answer.model)) (beneath(answer)) },
                html! {
                    @if answer.outcome == "completed" { (answer.outcome) }
                    @else { strong.failed { (answer.outcome.replace('_', " ")) } }
                },
                waterfall(&stages, whole),
                html! { (seconds(answer.duration_seconds)) },
                html! { (known(answer.queue_wait_seconds, stages.queue)) },
                html! { (seconds(stages.model)) },
                html! { (known(first, stages.platform)) },
                html! { (known(first, stages.speaking)) },
                html! { (optional(speed(answer, &stages), rate)) },
                html! { (name(&answer.trace_id)) div.beneath { (name(job(answer))) } },
            ],
        )
    };
    let caption = format!("The slowest answers, {}", window(overview));
    let content = html! {
        @if answers.is_some_and(|answers| !answers.is_empty()) { (key_to_stages()) }
        (table(&caption, &columns, answers, "There were no answers.", rows))
    };
    section("slow", "Slowest answers", &content)
}

/// Where it waited; what came by way of no queue did nowhere.
fn beneath(answer: &SlowAnswer) -> Markup {
    html! {
        @if !answer.queue.is_empty() || !answer.lane.is_empty() {
            div.beneath { (answer.queue) "/" (answer.lane) }
        }
    }
}

fn job(answer: &SlowAnswer) -> &str {
    if answer.job_id.is_empty() { &answer.request_id } else { &answer.job_id }
}

fn stages(answer: &SlowAnswer) -> Stages {
    Stages::of(
        answer.duration_seconds,
        answer.queue_wait_seconds,
        answer.model_first_token_seconds,
        answer.time_to_first_token_seconds,
    )
}

/// How fast it spoke, once it did.
fn speed(answer: &SlowAnswer, stages: &Stages) -> Option<f64> {
    let tokens = answer.output_tokens?;
    (stages.speaking > 0.0 && tokens > 1.0).then(|| (tokens - 1.0) / stages.speaking)
}
