//! What is asked before something is done with a chat.

use maud::{Markup, html};

use crate::conversation::Line;
use crate::ids::ConversationId;
use crate::{paths, texts};

/// Most characters of a title.
pub(crate) const LONGEST_TITLE: usize = 80;

/// What it is to be called.
pub(crate) fn ask_for_name(line: &Line) -> Markup {
    html! {
        h1 { (texts::chats::RENAME_ONE) }
        form method="post" action=(paths::of(paths::RENAME, &line.id)) {
            label for="title" { (texts::chats::ITS_NAME) }
            input #title.field name="title" dir="auto" maxlength=(LONGEST_TITLE) required autofocus
                value=(line.name());
            (buttons(&line.id, texts::chats::RENAME, false))
        }
    }
}

/// Whether it is to be gone.
pub(crate) fn ask_to_delete(line: &Line) -> Markup {
    let (before, behind) = texts::chats::WILL_BE_GONE;
    html! {
        h1 { (texts::chats::DELETE_ONE) }
        p { (before) bdi { (line.name()) } (behind) }
        form method="post" action=(paths::of(paths::DELETE, &line.id)) {
            (buttons(&line.id, texts::chats::DELETE_IT, true))
        }
    }
}

/// Whether all of them are.
pub(crate) fn ask_to_delete_all() -> Markup {
    html! {
        h1 { (texts::chats::DELETE_ALL_ASKED) }
        p { (texts::chats::ALL_WILL_BE_GONE) }
        form.acts method="post" action=(paths::DELETE_ALL) {
            a.button href=(paths::CHATS) { (texts::chats::KEEP_THEM) }
            button.button.danger type="submit" { (texts::chats::DELETE_ALL) }
        }
    }
}

fn buttons(conversation: &ConversationId, act: &str, danger: bool) -> Markup {
    html! {
        div.acts {
            a.button href=(paths::of(paths::CONVERSATION, conversation)) { (texts::chats::CANCEL) }
            button.button.primary[!danger].danger[danger] type="submit" { (act) }
        }
    }
}
