//! The shell of every page. In two halves, because a page may be sent while it is written.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::assets::Assets;
use crate::look::{Look, Setting as _};
use crate::texts;
use crate::{components, paths};

/// What every page of the chat has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shell<'a> {
    pub(crate) assets: &'a Assets,
    pub(crate) look: Look,
    pub(crate) title: &'a str,
    /// Where a keyboard may go at once, and in which words.
    pub(crate) skips: Skips,
}

type Skips = &'static [(&'static str, &'static str)];

/// On a page with a conversation.
pub(crate) const TO_THE_BOX: Skips = &[("#prompt", texts::shell::SKIP_TO_BOX)];
/// The same with an answer.
pub(crate) const TO_THE_ANSWER: Skips =
    &[("#latest", texts::shell::SKIP_TO_ANSWER), ("#prompt", texts::shell::SKIP_TO_BOX)];
/// On any other.
pub(crate) const TO_THE_CONTENT: Skips = &[("#content", texts::shell::SKIP_TO_CONTENT)];

/// Everything before what the page is about.
pub(crate) fn begin(shell: &Shell<'_>) -> Markup {
    let more = html! {
        script type="module" src=(shell.assets.script) {}
        script type="module" src=(shell.assets.files_script) {}
    };
    html! {
        (head(shell.assets, shell.look, &texts::shell::title(shell.title), &more))
        @for (to, words) in shell.skips { a.skip href=(to) { (words) } }
        header.top {
            a.brand href=(paths::HOME) { (components::mark()) (texts::shell::NAME) }
            nav aria-label=(texts::shell::PAGES) {
                button.button type="button" data-help="" hidden { (texts::shell::SHORTCUTS) }
                a #settings.button href=(paths::SETTINGS) { (texts::shell::SETTINGS) }
                a #all-chats.button href=(paths::CHATS) { (texts::shell::CHATS) }
                a #new-chat.button href=(paths::HOME) { (texts::shell::NEW_CHAT) }
            }
        }
        p #status.unseen role="status" {}
    }
}

/// A whole page for operators. Of one that is live, a new one takes its place every few seconds,
/// with a script or without.
pub(crate) fn operators_page(assets: &Assets, page: &OperatorsPage<'_>) -> Markup {
    let more = html! {
        link rel="stylesheet" href=(assets.operate_style);
        @if page.live {
            noscript { meta http-equiv="refresh" content="5"; }
            script type="module" src=(assets.operate_script) {}
        }
    };
    html! {
        (head(assets, Look::default(), &texts::shell::title(page.title), &more))
        a.skip href="#operate" { (texts::shell::SKIP_TO_STATE) }
        header.top.wide {
            a.brand href=(paths::HOME) { (components::mark()) (texts::shell::NAME) }
            nav aria-label=(texts::shell::PAGES) {
                @if page.live {
                    span #age.age {}
                    noscript { span.age { (texts::shell::RELOADS) } }
                }
                a href=(paths::OPERATE) { (texts::shell::OPERATE) }
                a href=(paths::HOME) { (texts::shell::CHAT) }
                @if page.signed_in {
                    form method="post" action=(paths::SIGN_OUT) {
                        button.button type="submit" { (texts::shell::SIGN_OUT) }
                    }
                }
            }
        }
        p #status.unseen role="status" {}
        main #operate data-level=[page.level] { (page.content) }
        (end())
    }
}

/// What one page for operators is.
#[derive(Debug)]
pub(crate) struct OperatorsPage<'a> {
    pub(crate) title: &'a str,
    /// How bad it is, for the script to tell when that changes.
    pub(crate) level: Option<&'a str>,
    pub(crate) live: bool,
    pub(crate) signed_in: bool,
    pub(crate) content: Markup,
}

fn head(assets: &Assets, look: Look, title: &str, more: &Markup) -> Markup {
    let (language, theme, enter) = (texts::LANGUAGE, look.theme.value(), look.enter.value());
    html! {
        (DOCTYPE)
        // Constants of ours: the elements that the other half closes.
        (PreEscaped(format!(
            "<html lang=\"{language}\" data-theme=\"{theme}\" data-enter=\"{enter}\">"
        )))
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1, interactive-widget=resizes-content";
            meta name="color-scheme" content="light dark";
            meta name="theme-color" media="(prefers-color-scheme: light)" content="#fbfaf8";
            meta name="theme-color" media="(prefers-color-scheme: dark)" content="#17181a";
            title { (title) }
            link rel="icon" type="image/svg+xml" href=(assets.icon);
            link rel="stylesheet" href=(assets.style);
            (more)
        }
        (PreEscaped("<body>"))
    }
}

/// Everything after it.
pub(crate) fn end() -> Markup {
    PreEscaped("</body></html>\n".to_owned())
}

/// A page that says one thing.
pub(crate) fn page(shell: &Shell<'_>, content: &Markup) -> Markup {
    html! {
        (begin(shell))
        main #content.single { (content) }
        (end())
    }
}
