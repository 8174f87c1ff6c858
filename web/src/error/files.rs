//! Why files were not sent, in words.

use http::StatusCode;

use super::{Action, Words};
use crate::files::Unfit;
use crate::gateway_client::Refused;
use crate::texts::{errors, files};

impl Words {
    /// Files that cannot be sent, out of these.
    pub(crate) fn of_files(unfit: &Unfit, names: &[&str]) -> Self {
        let status = match unfit {
            Unfit::Neither(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Unfit::Empty(_) => StatusCode::BAD_REQUEST,
            _ => StatusCode::PAYLOAD_TOO_LARGE,
        };
        let what = match unfit {
            Unfit::TooMany => files::too_many(),
            Unfit::TooLargeTogether => files::too_large_together(),
            Unfit::Empty(name) => files::empty(name),
            Unfit::ImageTooLarge(name) => files::image_too_large(name),
            Unfit::TextTooLarge(name) => files::text_too_large(name),
            Unfit::Neither(name) => files::neither(name),
        };
        Self::new(status, what, files::choose_again(names))
    }

    /// Why there is no answer to a question with these files.
    pub(crate) fn of_refusal_with_files(refused: &Refused, names: &[&str]) -> Self {
        let mut words = Self::of_refusal(refused);
        if names.is_empty() {
            return words;
        }
        if words.status == StatusCode::PAYLOAD_TOO_LARGE {
            files::TOO_LONG_WITH_FILES.clone_into(&mut words.what);
            files::SEND_FEWER.clone_into(&mut words.advice);
        }
        words.advice = format!("{} {}", words.advice, files::choose_again(names));
        words
    }

    /// The same of a question before which nothing was said: what is too long is the question.
    pub(crate) fn of_a_first_question(refused: &Refused, names: &[&str]) -> Self {
        let mut words = Self::of_refusal_with_files(refused, names);
        let (what, advice) = match words.status {
            StatusCode::PAYLOAD_TOO_LARGE if names.is_empty() => {
                (errors::MESSAGE_TOO_LONG, errors::WRITE_SHORTER.to_owned())
            }
            StatusCode::PAYLOAD_TOO_LARGE => {
                let advice = format!("{} {}", files::SEND_LESS, files::choose_again(names));
                (files::MESSAGE_TOO_LONG_WITH_FILES, advice)
            }
            _ => return words,
        };
        (words.what, words.advice, words.action) = (what.to_owned(), advice, Action::None);
        words
    }

    /// More than a form may hold: nothing of it was read.
    pub(super) fn form_too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, files::form_too_large(), files::GO_BACK)
    }

    /// There is none, or none that is shown.
    pub(crate) fn no_such_file() -> Self {
        Self::new(StatusCode::NOT_FOUND, files::NO_SUCH_FILE, files::WHY_NO_FILE)
    }
}
