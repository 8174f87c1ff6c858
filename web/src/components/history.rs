//! Conversations, as a list of links.

use maud::{Markup, html};

use crate::conversation::{Line, Listed};
use crate::ids::ConversationId;
use crate::paths;
use crate::texts;

/// What stands beside a chat.
pub(crate) fn history(listed: Option<&Listed>, open: Option<&ConversationId>) -> Markup {
    html! {
        aside.side aria-label=(texts::chats::TITLE) {
            (find_form(None))
            @match listed {
                None => p.fine { (texts::chats::NOT_READABLE) },
                Some(listed) if listed.data.is_empty() => p.fine { (texts::chats::LISTED_HERE) },
                Some(listed) => {
                    nav aria-label=(texts::chats::RECENT) {
                        ul.chats { @for line in &listed.data { li { (link(line, open)) } } }
                    }
                    a.all href=(paths::CHATS) { (texts::chats::ALL) }
                }
            }
        }
    }
}

/// A box for words to be found in titles and messages.
pub(crate) fn find_form(sought: Option<&str>) -> Markup {
    html! {
        form.find role="search" action=(paths::CHATS) {
            label.unseen for="find" { (texts::chats::FIND_IN) }
            input #find type="search" name="find" placeholder=(texts::chats::FIND) dir="auto" value=[sought];
        }
    }
}

/// A way into one.
pub(crate) fn link(line: &Line, open: Option<&ConversationId>) -> Markup {
    let current = (open == Some(&line.id)).then_some("page");
    html! {
        a href=(paths::of(paths::CONVERSATION, &line.id)) dir="auto" aria-current=[current] { (line.name()) }
    }
}
