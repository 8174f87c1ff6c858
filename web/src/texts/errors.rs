//! What went wrong: what happened in one sentence, and what to do about it in another.

use std::time::Duration;

/// What can be done with one click.
pub(crate) const START_ANEW: &str = "Start a new chat";

// When another try may help.
pub(crate) const AGAIN: &str = "Send it again in a moment.";
pub(crate) const LOAD_AGAIN_SOON: &str = "Load this page again in a moment.";
pub(crate) const COMES_BY_ITSELF: &str = "It comes by itself as soon as there is room.";
pub(crate) const LOAD_AGAIN: &str = "Load this page again.";

// The model, or the way to it.
pub(crate) const MODEL_FAILED: &str = "The model answered with an error.";
pub(crate) const MODEL_AWAY: &str = "The model cannot be reached at the moment.";
pub(crate) const MODEL_CUT_OFF: &str = "The connection to the model ended.";
pub(crate) const MODEL_LATE: &str = "The model did not answer in time.";
pub(crate) const MODEL_MALFORMED: &str = "The model sent something that is no answer.";
pub(crate) const MODEL_NOT_SET_UP: &str =
    "The model is not set up as it should be; whoever runs this page can mend it.";
pub(crate) const TOO_MANY_QUESTIONS: &str = "Too many questions at once.";
pub(crate) const MODEL_BUSY_OR_AWAY: &str = "The model is busy, or nobody serves it at the moment.";
pub(crate) const MODEL_GONE: &str = "The model is not there any more.";
pub(crate) const NO_SUCH_MODEL: &str = "There is no such model any more.";
pub(crate) const PICK_ANOTHER: &str = "Pick another one below and send again.";
pub(crate) const MODEL_REFUSED: &str = "The model refused this";
pub(crate) const ASK_OTHERWISE: &str = "Ask in other words, or pick another model.";
pub(crate) const RESTARTED: &str = "The server is being restarted.";
pub(crate) const RESTARTED_GOES_ON: &str = "The server is being restarted; the answer goes on.";
pub(crate) const QUEUE_AWAY: &str = "The server cannot take questions at the moment.";
pub(crate) const READ_TOO_SLOWLY: &str = "The answer was not read fast enough.";
pub(crate) const TOO_MANY_ANSWERS: &str = "So many answers are read here at the moment that this \
                                           one cannot be shown yet. It is written all the same.";

// The gateway.
pub(crate) const GATEWAY_AWAY: &str = "The gateway cannot be reached.";
pub(crate) const GATEWAY_STRANGE: &str = "What answers as the gateway says nothing that one says.";
pub(crate) const LOOK_AT_URL: &str = "Whoever runs this page has to look at WEB_GATEWAY_URL.";
pub(crate) const NOBODY_IN_TIME: &str = "Nobody answered in time.";
pub(crate) const GATEWAY_OTHER_NAME: &str =
    "The gateway does not answer under the name that this page calls it by.";
pub(crate) const SET_NAMES: &str =
    "Whoever runs it has to set WEB_GATEWAY_URL or GATEWAY_ALLOWED_HOSTS.";
pub(crate) const NO_MODEL: &str = "The gateway cannot be reached, or knows no model that chats.";

// The page's own key.
pub(crate) const KEY_MISSING: &str = "This page has no key for the gateway, which asks for one.";
pub(crate) const KEY_UNKNOWN: &str = "The gateway does not know the key of this page.";
pub(crate) const KEY_REVOKED: &str = "The key of this page was revoked.";
pub(crate) const KEY_EXPIRED: &str = "The key of this page has expired.";
pub(crate) const KEY_NOT_FOR_READERS: &str =
    "The key of this page may not be used for its readers.";
pub(crate) const KEY_NOT_ALLOWED: &str = "The key of this page may not be used for this.";
pub(crate) const SET_KEY_THAT_MAY: &str = "Whoever runs it has to set WEB_API_KEY to one that may.";
pub(crate) const SET_KEY: &str = "Whoever runs it has to set WEB_API_KEY to a key that was made \
                                  with: chappe keys create web --on-behalf-of";

// What was sent.
pub(crate) const NOTHING_WRITTEN: &str = "Nothing was written.";
pub(crate) const WRITE_SOMETHING: &str = "Write something.";
pub(crate) const CONTEXT_TOO_LONG: &str = "The conversation is too long for this model.";
pub(crate) const WRITE_LESS: &str = "Write less, pick another model, or begin anew.";
pub(crate) const STILL_WRITTEN: &str = "An answer in this chat is still being written.";
pub(crate) const STOP_OR_WAIT: &str = "Stop it, or wait for its end.";
pub(crate) const SENT_BEFORE: &str = "This was sent before, with other words.";
pub(crate) const LOAD_AND_SEND: &str = "Load this page again, then send it once more.";
pub(crate) const CHAT_FULL: &str = "This chat has as many messages as one can hold.";
pub(crate) const BEGIN_NEW_ONE: &str = "Begin a new one.";
pub(crate) const TOO_LONG_TO_SEND: &str = "The conversation is too long to be sent.";
pub(crate) const WRITE_LESS_OR_ANEW: &str = "Write less, or begin anew.";
/// Where nothing was said before it.
pub(crate) const MESSAGE_TOO_LONG: &str = "This message is too long to be sent.";
pub(crate) const WRITE_SHORTER: &str = "Write less.";
pub(crate) const FORM_TOO_SLOW: &str = "What was sent came too slowly.";
pub(crate) const TOO_MANY_FORMS: &str = "Too many large messages are sent at once.";
pub(crate) const FORM_UNREADABLE: &str = "This form cannot be read.";
pub(crate) const LOAD_CHAT_AGAIN: &str = "Load the chat page again.";
pub(crate) const NEEDS_NAME: &str = "A chat needs a name.";
pub(crate) const WRITE_ONE: &str = "Write one.";
pub(crate) const FOREIGN_SITE: &str = "This message came from another site, so it was not sent.";
pub(crate) const WRITE_IT_HERE: &str = "Write it on the chat page itself.";

// What is not there.
pub(crate) const CHAT_GONE: &str = "This chat is not there any more.";
pub(crate) const SEND_TO_BEGIN: &str = "What you wrote is still here: send it to begin a new one.";
pub(crate) const NO_SUCH_CHAT: &str = "There is no such chat.";
pub(crate) const WHY_NO_CHAT: &str =
    "It was deleted, is older than 30 days, or belongs to another browser.";
pub(crate) const NO_SUCH_QUESTION: &str =
    "The question that was to be edited is not among these messages.";
pub(crate) const EDIT_WHERE_IT_STANDS: &str = "Look for it here, and choose Edit below it.";
pub(crate) const NO_SUCH_PAGE: &str = "There is no such page.";
pub(crate) const CHAT_ELSEWHERE: &str = "The chat is elsewhere.";
pub(crate) const OTHER_ADDRESS: &str = "The chat does not answer under this address.";

// Why an answer cannot be read any further. These follow a colon.
pub(crate) const WHY_GONE: &str = "the answer is not kept any longer.";
pub(crate) const WHY_DELETED: &str = "this chat was deleted.";
pub(crate) const WHY_KEY: &str = "the gateway does not let this page in.";
pub(crate) const WHY_GATEWAY: &str = "the gateway cannot be reached. The answer may go on.";

/// How a name of the page's host is allowed, by this setting.
pub(crate) fn allow_name(setting: &str) -> String {
    format!("Open it as localhost, or have its operator allow this name with {setting}.")
}

/// When to send again.
pub(crate) fn again_after(wait: Option<Duration>) -> String {
    match wait.map(|wait| wait.as_secs()) {
        None | Some(0) => AGAIN.to_owned(),
        Some(1) => "Send it again in a second.".to_owned(),
        Some(seconds @ 2..=119) => format!("Send it again in {seconds} seconds."),
        Some(seconds) => format!("Send it again in {} minutes.", seconds.div_ceil(60)),
    }
}

/// Takes the place of that, once it is time.
pub(crate) const NOW_AGAIN: &str = "You can send it again now.";

/// One of these sentences as it stands behind a colon.
pub(crate) fn within(sentence: &str) -> String {
    sentence.replacen("The ", "the ", 1)
}

/// What happened, with somebody else's words on it.
pub(crate) fn told(what: &str, message: Option<&str>) -> String {
    match message {
        Some(message) => format!("{what}: {}", with_full_stop(message)),
        None => format!("{what}."),
    }
}

/// Somebody else's words as a sentence.
pub(crate) fn with_full_stop(message: &str) -> String {
    let ended = message.ends_with(['.', '!', '?', '…']);
    format!("{message}{}", if ended { "" } else { "." })
}
