//! Stored work: what it costs beside the unstored, and what remains of it.
//!
//! * `figures`: every figure, those of the loads and those of what is measured here.
//! * `footprint`: many responses in the background; what they take once they have ended.
//! * `moments`: creating, fetching and reading on, one client and one thing at a time.
//!
//! Both are measured in a Chappe of their own, which has done nothing else before.

mod figures;
mod footprint;
mod moments;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::chappe::Variant;
use super::fleet::Fleet;
use super::screen;
use crate::tokens::Plan;

pub(crate) use figures::lines;
use footprint::Footprint;
use moments::Moments;

/// Of most responses.
const SHORT: Plan = Plan { first: Duration::ZERO, gap: Duration::ZERO, tokens: 16 };
/// 100 tokens/s. A faster one has more tokens in each record of its log.
const LONG: Plan = Plan { first: Duration::ZERO, gap: Duration::from_millis(10), tokens: 5_000 };
/// As long, for those who do not measure.
const LONG_AT_ONCE: Plan = Plan { gap: Duration::ZERO, ..LONG };

/// How much is done.
#[derive(Debug, Clone, Copy)]
struct Extent {
    /// Responses before memory is looked at for the first time.
    warm_up: u32,
    /// Responses until it is looked at again.
    responses: u32,
    /// Whether as many are asked for again.
    again: bool,
    /// What processes are given to return what they do not need any more.
    settles_in: Duration,
    /// How often each moment is measured.
    samples: u32,
    long: Plan,
}

const WHOLE: Extent = Extent {
    warm_up: 500,
    responses: 10_000,
    again: true,
    settles_in: Duration::from_secs(15),
    samples: 50,
    long: LONG,
};
const QUICK: Extent = Extent {
    warm_up: 20,
    responses: 300,
    again: false,
    settles_in: Duration::ZERO,
    samples: 3,
    long: LONG_AT_ONCE,
};

/// The models that are asked for here.
pub(crate) fn models() -> [String; 2] {
    [LONG, LONG_AT_ONCE].map(|plan| plan.model())
}

/// What was found beside the loads.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Found {
    footprint: Option<Footprint>,
    moments: Option<Moments>,
    /// What could not be measured, or was not as it should be.
    pub(crate) failures: Vec<String>,
}

/// Starts a Chappe, measures, and stops it.
pub(crate) async fn measure(fleet: &Fleet, quick: bool) -> anyhow::Result<Found> {
    let extent = if quick { QUICK } else { WHOLE };
    let chappe = fleet.new_chappe("chappe-alone", Variant::default()).await?;
    let mut found = Found::default();
    match footprint::measure(&chappe, &extent).await {
        Ok(footprint) => {
            screen::step(&footprint.sentence());
            found.failures.extend(footprint.failure());
            found.footprint = Some(footprint);
        }
        Err(error) => found.failures.push(format!("finished responses: {error:#}")),
    }
    match moments::measure(&chappe, &extent).await {
        Ok(moments) => {
            screen::step(&moments.sentence());
            found.moments = Some(moments);
        }
        Err(error) => found.failures.push(format!("creating and reading: {error:#}")),
    }
    chappe.stop().await;
    Ok(found)
}
