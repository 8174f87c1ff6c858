//! What the script of the page says: it has no words of its own.

use maud::{Markup, html};

use crate::texts::script;

/// The words, each under the name by which the script knows it.
pub(crate) fn words_of_the_script() -> Markup {
    html! {
        template #words
            data-answering=(script::ANSWERING)
            data-still=(script::STILL)
            data-still-written=(script::STILL_WRITTEN)
            data-anew=(script::BEGUN_ANEW)
            data-stopping=(script::STOPPING)
            data-done=(script::DONE)
            data-stopped=(script::STOPPED)
            data-failed=(script::FAILED)
            data-ended=(script::ENDED)
            data-lost=(script::LOST)
            data-not-stopped=(script::NOT_STOPPED)
            data-gone=(script::GONE)
            data-copy-label=(script::COPY)
            data-copied=(script::COPIED)
            data-copy-code=(script::COPY_CODE)
            data-not-copied=(script::NOT_COPIED)
            data-rated=(script::RATED)
            data-unrated=(script::UNRATED)
            data-not-rated=(script::NOT_RATED)
            data-to-the-end=(script::TO_THE_END) {}
    }
}
