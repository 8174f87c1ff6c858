//! The rows of the budgets, as they are named on the command line.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// A row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Row {
    /// Small unary calls of 16 clients: requests per second, added latency.
    Unary,
    /// Processor time for each of those requests.
    Cpu,
    /// One client: added latency, added time to the first token.
    Single,
    /// 1,000 streams of 20 tokens/s: order, rate, first token, gaps, processor time per token.
    Streams,
    /// 1,000 streams of 100 tokens/s.
    Overload,
    /// Memory, idle and with 1,000 streams.
    Memory,
    /// The same calls and streams of 20 tokens/s, stored; creating, fetching and reading on; what
    /// finished responses take in memory and on disk.
    Stored,
    /// The same calls with API keys and without, and with credentials on NATS and without; how often
    /// keys are looked up there, and how soon one that was revoked is refused.
    Keys,
    /// The chat page: from a token to what shows it, and the memory of those who look.
    Pages,
    /// From the start of a process until it is ready.
    Start,
    /// What tracing every request costs.
    Telemetry,
    /// JavaScript and CSS of the chat page.
    Assets,
}
