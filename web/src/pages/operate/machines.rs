//! The processes that were heard of.

use maud::{Markup, html};

use super::tables::{Column, Kind, Row, name, section, table};
use crate::components::{ago, count, optional, slots};
use crate::operate::{GatewaySeen, Overview, WorkerSeen};

/// Each worker with its slots.
pub(super) fn workers(overview: &Overview) -> Markup {
    let columns = [
        Column("Worker", Kind::Text),
        Column("Queues", Kind::Text),
        Column("Slots taken", Kind::Text),
        Column("State", Kind::Text),
        Column("Version", Kind::Text),
        Column("Catalogue", Kind::Text),
        Column("Heard", Kind::Number),
    ];
    let rows = |worker: &WorkerSeen| {
        Row(
            worker.id.clone(),
            vec![
                name(&worker.id),
                html! { (worker.queues.join(", ")) },
                html! { span.slots-of { (slots(worker.busy, worker.slots)) } },
                html! { (state(worker.draining)) },
                html! { (worker.version) },
                name(&worker.catalogue),
                html! { (optional(worker.seen_seconds_ago, ago)) },
            ],
        )
    };
    let workers = overview.workers.as_deref();
    section("workers", "Workers", &table("Workers", &columns, workers, "No worker is heard.", rows))
}

/// Each gateway.
pub(super) fn gateways(overview: &Overview) -> Markup {
    let columns = [
        Column("Gateway", Kind::Text),
        Column("In work", Kind::Number),
        Column("State", Kind::Text),
        Column("Version", Kind::Text),
        Column("Heard", Kind::Number),
    ];
    let rows = |gateway: &GatewaySeen| {
        Row(
            gateway.id.clone(),
            vec![
                html! { (name(&gateway.id)) @if gateway.this { " " small { "tells this" } } },
                html! { (optional(gateway.requests, count)) },
                html! { (state(gateway.draining)) },
                html! { (gateway.version) },
                html! { (optional(gateway.seen_seconds_ago, ago)) },
            ],
        )
    };
    let gateways = overview.gateways.as_deref();
    let table = table("Gateways", &columns, gateways, "No gateway is heard.", rows);
    section("gateways", "Gateways", &table)
}

fn state(draining: bool) -> &'static str {
    if draining { "being stopped" } else { "takes work" }
}
