//! Behind which turn of its conversation a request goes. Ours: OpenAI's conversations are lines.

use super::reading::{Object, shown};
use crate::InvalidRequest;

/// The member that is ours.
const PARAM: &str = "chappe";

/// Where in its conversation a request is a turn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum After {
    /// Behind the newest one.
    #[default]
    Newest,
    /// Before all others.
    Beginning,
    /// Behind the turn with this id.
    Turn(String),
}

impl After {
    pub(super) fn read(request: &Object<'_>) -> Result<Self, InvalidRequest> {
        const AFTER: &str = "after";
        let Some(ours) = request.object(PARAM)? else { return Ok(Self::Newest) };
        if let Some((other, _json)) = ours.members().iter().find(|(key, _json)| *key != AFTER) {
            let param = ours.path_of(&shown(other));
            let message =
                format!("Unsupported parameter: '{param}'. '{PARAM}' has '{AFTER}' alone.");
            return Err(InvalidRequest::unsupported(param, message));
        }
        Ok(match (ours.string(AFTER)?, ours.members().get(AFTER)) {
            (Some(turn), _json) => Self::Turn(turn),
            (None, Some(_null)) => Self::Beginning,
            (None, None) => Self::Newest,
        })
    }
}
