//! Where a person writes.

pub(crate) const YOUR_MESSAGE: &str = "Your message";
pub(crate) const ASK_ANYTHING: &str = "Ask anything";
pub(crate) const SEND: &str = "Send";
pub(crate) const STOP: &str = "Stop";
pub(crate) const WRITTEN_ANEW: &str = "Your message, written anew";
pub(crate) const CANCEL: &str = "Cancel";
pub(crate) const MODEL: &str = "Model";
pub(crate) const PRESETS: &str = "How the model chooses its words";
pub(crate) const ACCURATE: &str = "Accurate";
pub(crate) const BALANCED: &str = "Balanced";
pub(crate) const CREATIVE: &str = "Creative";
pub(crate) const PARAMETERS: &str = "Parameters";
pub(crate) const TEMPERATURE: &str = "Temperature, 0 to 2";
pub(crate) const LONGEST: &str = "Longest answer, in tokens";
pub(crate) const EFFORT: &str = "Thinking, if the model does";
pub(crate) const EFFORT_LOW: &str = "Little";
pub(crate) const EFFORT_MEDIUM: &str = "Some";
pub(crate) const EFFORT_HIGH: &str = "Much";
/// What counts where nothing is set: the preset, or what the model has.
pub(crate) const AS_PICKED: &str = "As picked";
pub(crate) const AS_THE_MODEL: &str = "As the model has it";
pub(crate) const INSTRUCTIONS: &str = "Instructions";
pub(crate) const WHAT_INSTRUCTIONS_ARE: &str = "What the model is told before everything you say";
