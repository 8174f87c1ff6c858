//! What the form of a question holds.

use crate::conversation::Kept;
use crate::parameters;

/// The fields of a composer.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) prompt: String,
    pub(super) model: String,
    pub(super) preset: String,
    pub(super) parameters: parameters::Fields,
    pub(super) instructions: String,
    pub(super) conversation: String,
    pub(super) after: String,
    pub(super) once: String,
    /// The turn that has files which may be sent once more.
    pub(super) files_of: String,
    /// The numbers of those that are to be.
    pub(super) keep: Vec<String>,
    /// The button that asks a question again.
    pub(super) again: Option<String>,
    /// The button that has an answer gone on with.
    pub(super) go_on: Option<String>,
}

impl Fields {
    pub(super) fn of(sent: Vec<(String, String)>) -> Self {
        let mut fields = Self::default();
        for (name, value) in sent {
            match name.as_str() {
                "prompt" => fields.prompt = value,
                "model" => fields.model = value,
                "preset" => fields.preset = value,
                "temperature" => fields.parameters.temperature = value,
                "longest" => fields.parameters.longest = value,
                "effort" => fields.parameters.effort = value,
                "instructions" => fields.instructions = value,
                "conversation" => fields.conversation = value,
                "after" => fields.after = value,
                "once" => fields.once = value,
                "files_of" => fields.files_of = value,
                "keep" => fields.keep.push(value),
                "again" => fields.again = Some(value),
                "go_on" => fields.go_on = Some(value),
                _ => {}
            }
        }
        fields
    }

    /// Which files are to go with it; the outer `None` when they are named as none can be.
    pub(super) fn kept(&self) -> Option<Option<Kept>> {
        if self.keep.is_empty() {
            return Some(None);
        }
        let turn = self.files_of.parse().ok()?;
        let numbers = self.keep.iter().map(|number| number.parse().ok()).collect::<Option<_>>()?;
        Some(Some(Kept { turn, numbers }))
    }
}
