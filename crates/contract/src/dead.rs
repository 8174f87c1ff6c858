//! Dead letters: jobs that cannot succeed, with the reason.

use serde::{Deserialize, Serialize};

/// A job that was given up. The job's own bytes travel as the message body beside this header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Why, for a program: `unreadable`, `attempts_exhausted`, …
    pub reason: String,
    /// Why, for a person. Holds no prompt and no answer.
    pub message: String,
    /// How often it was delivered.
    pub deliveries: u64,
    /// The subject it came on.
    pub subject: String,
}
