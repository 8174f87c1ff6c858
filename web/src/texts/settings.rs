//! What a reader can set.

pub(crate) const TITLE: &str = "Settings";

pub(crate) const COLOURS: &str = "Colours";
pub(crate) const AS_THE_SYSTEM: &str = "As the system";
pub(crate) const LIGHT: &str = "Light";
pub(crate) const DARK: &str = "Dark";

pub(crate) const ENTER: &str = "Enter key";
pub(crate) const ENTER_SENDS: &str = "Sends";
pub(crate) const ENTER_BREAKS_LINES: &str = "Makes a new line";
pub(crate) const ALOUD: &str = "Read answers aloud";
pub(crate) const ALOUD_OFF: &str = "Off";
pub(crate) const ALOUD_ON: &str = "When they are complete";
pub(crate) const ABOUT_ALOUD: &str =
    "For screen readers: the whole text of an answer is announced at its end.";
