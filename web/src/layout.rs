//! The shell of every page. In two halves, because a page may be sent while it is written.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::assets::Assets;
use crate::{components, paths};

/// Everything before what the page is about.
pub(crate) fn begin(assets: &Assets) -> Markup {
    html! {
        (DOCTYPE)
        // Constants of ours: the elements that the other half closes.
        (PreEscaped("<html lang=\"en\">"))
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1, interactive-widget=resizes-content";
            meta name="color-scheme" content="light dark";
            meta name="theme-color" media="(prefers-color-scheme: light)" content="#fbfaf8";
            meta name="theme-color" media="(prefers-color-scheme: dark)" content="#17181a";
            title { "Chappe" }
            link rel="icon" type="image/svg+xml" href=(assets.icon);
            link rel="stylesheet" href=(assets.style);
            script type="module" src=(assets.script) {}
        }
        (PreEscaped("<body>"))
        a.skip href="#prompt" { "Skip to the message box" }
        header.top {
            a.brand href=(paths::HOME) { (components::mark()) "Chappe" }
            a #new-chat.button data-new="" href=(paths::HOME) { "New chat" }
        }
        p #status.unseen role="status" {}
    }
}

/// Everything after it.
pub(crate) fn end() -> Markup {
    PreEscaped("</body></html>\n".to_owned())
}

/// A page that says one thing.
pub(crate) fn page(assets: &Assets, content: &Markup) -> Markup {
    html! {
        (begin(assets))
        main.single { (content) }
        (end())
    }
}
