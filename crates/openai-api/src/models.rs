//! `/v1/models`.

use serde::{Deserialize, Serialize};

/// One model that a caller may name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// The name.
    pub id: String,
    /// Always `model`.
    pub object: String,
    /// When it came to be, seconds since 1970.
    #[serde(default)]
    pub created: u64,
    /// Who serves it.
    #[serde(default)]
    pub owned_by: String,
    /// What it can do: `chat`, `embeddings`. An extension of ours, absent elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
}

/// All models, chat models first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelList {
    /// Always `list`.
    pub object: String,
    /// The models.
    pub data: Vec<Model>,
}

impl ModelList {
    /// A list of these.
    pub fn of(data: Vec<Model>) -> Self {
        Self { object: "list".to_owned(), data }
    }
}
