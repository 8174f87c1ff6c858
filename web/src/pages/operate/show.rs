//! `GET /operate`: the state in words, and behind it every figure.

use axum::extract::{Extension, RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use maud::{Markup, html};

use super::super::Served;
use super::tables::section;
use super::{Visit, history, letters, machines, queues, sign_in, slow};
use crate::components::{clock, count, optional, rate};
use crate::cookie::Way;
use crate::gateway_client::Refused;
use crate::layout::{OperatorsPage, operators_page};
use crate::operate::{Level, Overview, Verdict};
use crate::paths;

/// `GET /operate`
pub(super) async fn show(
    State(served): State<Served>,
    RawQuery(query): RawQuery,
    Extension(way): Extension<Way>,
    headers: HeaderMap,
) -> Response {
    let visit = Visit::of(&served, &headers, way);
    let live = query.as_deref() != Some("still");
    match visit.gateway.overview().await {
        Ok(overview) => {
            let content = content(&overview, live);
            page(&served, &visit, &Verdict::of(&overview), live, &content).into_response()
        }
        Err(Refused::Key(trouble)) => {
            let response = sign_in::wanted(&served, &visit, trouble);
            visit.refused(&served, &Refused::Key(trouble));
            response
        }
        Err(refused) => silence(&served, &visit, &refused).into_response(),
    }
}

/// When there is nothing to show but that. The page itself is fine: its status is not that of the
/// gateway.
pub(super) fn silence(served: &Served, visit: &Visit, refused: &Refused) -> Markup {
    page(served, visit, &Verdict::of_silence(refused), true, &html! {})
}

fn page(served: &Served, visit: &Visit, verdict: &Verdict, live: bool, content: &Markup) -> Markup {
    let title = format!("{} · Operate", verdict.level.word());
    let content = html! {
        h1.unseen { "Operate" }
        (spoken(verdict))
        (content)
    };
    let (level, signed_in) = (Some(verdict.level.as_str()), visit.signed_in);
    let page = OperatorsPage { title: &title, level, live, signed_in, content };
    operators_page(&served.assets, &page)
}

/// The state in words.
fn spoken(verdict: &Verdict) -> Markup {
    html! {
        div.verdict.(verdict.level.as_str()) {
            p.level { (verdict.level.word()) }
            h2 #verdict { (marked(&verdict.headline)) }
            @if !verdict.more.is_empty() {
                ul {
                    @for finding in &verdict.more {
                        li.(finding.level.as_str()) {
                            @if finding.level > Level::Good {
                                span.unseen { (finding.level.word()) ": " }
                            }
                            (marked(&finding.sentence))
                        }
                    }
                }
            }
        }
    }
}

/// A sentence whose names stand between backticks.
fn marked(sentence: &str) -> Markup {
    html! {
        @for (index, part) in sentence.split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

fn content(overview: &Overview, live: bool) -> Markup {
    html! {
        p.meta {
            "Figures of " (clock(overview.at)) " UTC. "
            @if live {
                a href=(paths::OPERATE_STILL) { "Hold them still" }
            } @else {
                "They are not renewed. " a href=(paths::OPERATE) { "Follow them live" }
            }
            @if is_incomplete(overview) { " · " a href="#notes" { "Something is missing here" } }
        }
        (tiles(overview))
        (history::history(overview))
        (queues::queues(overview))
        (machines::workers(overview))
        (queues::models(overview))
        (slow::slow_answers(overview))
        (letters::recent(overview))
        (machines::gateways(overview))
        (totals(overview))
        (notes(overview))
    }
}

/// The figures that are looked for first.
fn tiles(overview: &Overview) -> Markup {
    let window = window(overview);
    let of_models = |figure: fn(&crate::operate::Model) -> f64| {
        overview.models.as_ref().map(|models| models.iter().map(figure).sum())
    };
    let waiting = overview
        .queues
        .as_ref()
        .map(|queues| queues.iter().filter_map(|queue| queue.waiting).sum());
    let speed = of_models(|model| model.output_tokens_per_second.unwrap_or_default());
    let kept = overview.dead_letters.as_ref().and_then(|letters| letters.kept);
    html! {
        dl.tiles {
            (tile("Open now", &optional(overview.answers.as_ref().map(|all| all.open), count), ""))
            (tile("Waiting now", &optional(waiting, count), ""))
            (tile("Asked", &optional(of_models(|model| model.requests), count), &window))
            (tile("Failed", &optional(of_models(|model| model.failed), count), &window))
            (tile("Tokens a second", &optional(speed, rate), ""))
            (tile("Redelivered", &optional(overview.redeliveries, count), &window))
            (tile("Dead letters", &optional(kept, count), "kept"))
        }
    }
}

fn tile(name: &str, value: &str, unit: &str) -> Markup {
    html! {
        div {
            dt { (name) }
            dd { strong { (value) } @if !unit.is_empty() { " " span { (unit) } } }
        }
    }
}

/// "in 5 min"
pub(super) fn window(overview: &Overview) -> String {
    format!("in {}", crate::components::seconds(overview.window_seconds))
}

/// What became of everything that was ever taken.
fn totals(overview: &Overview) -> Markup {
    let Some(all) = &overview.answers else { return html! {} };
    let since = html! {
        @if let Some(since) = all.since {
            "Since the oldest gateway began, " (crate::components::when(Some(since), overview.at)) ":"
        }
    };
    section(
        "totals",
        "Everything so far",
        &html! {
            p.fine { (since) }
            dl.facts {
                @for (name, value) in [
                    ("Accepted", Some(all.accepted)),
                    ("Completed", Some(all.completed)),
                    ("Failed", Some(all.failed)),
                    ("Left by their callers", Some(all.client_gone)),
                    ("Could not be queued", Some(all.not_queued)),
                    ("Handed over", all.handed_over),
                    ("Cancelled", all.cancelled),
                    ("Open", Some(all.open)),
                    ("Tokens read", Some(all.input_tokens)),
                    ("Tokens said", Some(all.output_tokens)),
                ] {
                    @if let Some(value) = value { div { dt { (name) } dd { (count(value)) } } }
                }
            }
        },
    )
}

fn is_incomplete(overview: &Overview) -> bool {
    let Overview { incomplete, unread, unknown, .. } = overview;
    !(incomplete.is_empty() && unread.is_empty() && unknown.is_empty())
}

/// What these figures leave out.
fn notes(overview: &Overview) -> Markup {
    let (unread, unknown) = (&overview.unread, &overview.unknown);
    if !is_incomplete(overview) {
        return html! {};
    }
    section(
        "notes",
        "What is missing here",
        &html! {
            ul.notes {
                @for sentence in &overview.incomplete { li { (sentence) } }
                @if !unread.is_empty() {
                    li { "The gateway does not tell, or not as this page reads it: " (listed(unread)) ". One of the two is older than the other." }
                }
                @if !unknown.is_empty() {
                    li { "The gateway also tells " (listed(unknown)) ", which this page does not know: it is newer than the page." }
                }
            }
        },
    )
}

fn listed<T: AsRef<str>>(names: &[T]) -> Markup {
    html! {
        @for (index, name) in names.iter().enumerate() {
            @if index > 0 { ", " }
            code { (name.as_ref()) }
        }
    }
}
