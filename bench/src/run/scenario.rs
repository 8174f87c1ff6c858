//! The loads.

use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::rows::Row;
use crate::load::Api;
use crate::tokens::Plan;

/// A load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Scenario {
    /// 16 clients, unary, no waiting.
    Unary,
    /// The same, in rounds that are shorter and more: what is compared differs by little.
    Keys,
    /// One client, unary.
    SingleUnary,
    /// One client, streams that do not wait.
    SingleStream,
    /// 1,000 streams of 20 tokens/s.
    Streams,
    /// 1,000 streams of 100 tokens/s.
    Overload,
}

/// How long it takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) ramp: Duration,
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
    pub(crate) patience: Duration,
}

const STREAMS: u32 = 1000;
const AT_ONCE: Plan = Plan { first: Duration::ZERO, gap: Duration::ZERO, tokens: 16 };
/// 20 tokens/s: about as fast as a person reads.
const READING: Plan =
    Plan { first: Duration::from_millis(200), gap: Duration::from_millis(50), tokens: 64 };
/// 100 tokens/s.
const RACING: Plan =
    Plan { first: Duration::from_millis(50), gap: Duration::from_millis(10), tokens: 64 };

impl Scenario {
    /// In the order of a run.
    pub(crate) const ALL: &[Self] = &[
        Self::Unary,
        Self::Keys,
        Self::SingleUnary,
        Self::SingleStream,
        Self::Streams,
        Self::Overload,
    ];

    /// The models that the targets must know.
    pub(crate) fn models() -> [String; 3] {
        [AT_ONCE, READING, RACING].map(|plan| plan.model())
    }

    /// The rows that it measures.
    pub(crate) fn rows(self) -> &'static [Row] {
        match self {
            Self::Unary => &[Row::Unary, Row::Cpu, Row::Telemetry, Row::Stored],
            Self::Keys => &[Row::Keys],
            Self::SingleUnary | Self::SingleStream => &[Row::Single],
            Self::Streams => &[Row::Streams, Row::Memory, Row::Stored],
            Self::Overload => &[Row::Overload],
        }
    }

    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    pub(crate) fn plan(self) -> Plan {
        match self {
            Self::Unary | Self::Keys | Self::SingleUnary | Self::SingleStream => AT_ONCE,
            Self::Streams => READING,
            Self::Overload => RACING,
        }
    }

    pub(crate) fn streaming(self) -> bool {
        !matches!(self, Self::Unary | Self::Keys | Self::SingleUnary)
    }

    pub(crate) fn clients(self) -> u32 {
        match self {
            Self::Unary | Self::Keys => 16,
            Self::SingleUnary | Self::SingleStream => 1,
            Self::Streams | Self::Overload => STREAMS,
        }
    }

    /// How many rounds of it are as much as one of the others.
    pub(crate) fn rounds_in_one(self) -> u32 {
        if self == Self::Keys { 5 } else { 1 }
    }

    /// The ramp of paced streams is one stream long, so that they begin evenly spread, and the
    /// warm-up is a little longer: then every client has its second stream.
    pub(crate) fn times(self, quick: bool, api: Api) -> Times {
        let [ramp, warm_up, measured, patience] = match (self, quick) {
            (Self::Unary, true) if api == Api::Responses => [0, 300, 1000, 10_000],
            (Self::Unary, true) => [0, 500, 1500, 10_000],
            (Self::Keys | Self::SingleUnary | Self::SingleStream, true) => [0, 300, 1000, 10_000],
            // One stream of each client: whether it is whole is all that a quick run asks.
            (Self::Streams, true) if api == Api::Responses => [1000, 1300, 500, 60_000],
            (Self::Streams, true) => [3300, 3600, 2500, 60_000],
            (Self::Overload, true) => [700, 1500, 2500, 40_000],
            (Self::Unary, false) => [0, 700, 4000, 60_000],
            (Self::Keys, false) => [0, 300, 3000, 60_000],
            (Self::SingleUnary | Self::SingleStream, false) => [0, 700, 3000, 60_000],
            (Self::Streams, false) => [3300, 3600, 8000, 60_000],
            (Self::Overload, false) => [700, 1500, 6000, 40_000],
        }
        .map(Duration::from_millis);
        Times { ramp, warm_up, measured, patience }
    }
}
