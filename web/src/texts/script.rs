//! What the script says. It has no words of its own: the page carries these, each under its name,
//! and the script puts numbers where a name stands in braces.

/// Each as an attribute `data-…`, which a script reads as `dataset.…`.
pub(crate) const ANSWERING: &str = "Answering";
pub(crate) const STILL: &str = "Still answering";
pub(crate) const STILL_WRITTEN: &str = "The answer is still being written";
pub(crate) const BEGUN_ANEW: &str = "Another worker has begun anew";
pub(crate) const STOPPING: &str = "Stopping";
pub(crate) const DONE: &str = "Answer complete";
pub(crate) const STOPPED: &str = "Stopped";
pub(crate) const FAILED: &str = "Ended with an error";
/// How it ended is one of the three before.
pub(crate) const ENDED: &str = "{how}, {words} words, {seconds} seconds";
pub(crate) const LOST: &str =
    "The server cannot be reached. The answer goes on, and will come as soon as it is back.";
pub(crate) const NOT_STOPPED: &str =
    "The server cannot be reached, so the answer was not stopped. Try it again.";
pub(crate) const GONE: &str = "This chat is not there any more.";
pub(crate) const COPY: &str = "Copy";
pub(crate) const COPIED: &str = "Copied";
pub(crate) const COPY_CODE: &str = "Copy code";
pub(crate) const NOT_COPIED: &str = "Nothing was copied: this browser does not allow it";
pub(crate) const RATED: &str = "Noted. Thank you";
pub(crate) const UNRATED: &str = "Taken back";
pub(crate) const NOT_RATED: &str =
    "The server cannot be reached, so that was not noted. Try it again.";
pub(crate) const TO_THE_END: &str = "To the end";
