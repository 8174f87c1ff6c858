//! Files: the place where they are chosen, and those of a question.

use maud::{Markup, PreEscaped, html};

use crate::conversation::{KeptFiles, Turn};
use crate::files::{Attached, IMAGE_MIB, MIB, MOST, TEXT_MIB, TOGETHER_MIB, What};
use crate::ids::{ConversationId, ResponseId};
use crate::markdown;
use crate::paths;
use crate::texts::files as texts;

/// What can be chosen, for browsers that ask for it. What is really taken shows when it is read.
const CHOOSABLE: &str = "image/png,image/jpeg,image/webp,image/gif,text/*,.md,.csv,.tsv,.json,\
    .jsonl,.xml,.yaml,.yml,.toml,.ini,.log,.sql,.sh,.py,.rs,.js,.ts,.tsx,.jsx,.go,.java,.kt,.c,.h,\
    .cpp,.hpp,.cs,.rb,.php,.swift,.css,.html,.tex,.diff,.patch";

/// What the script shows of each file that is chosen.
pub(crate) fn chosen_file() -> Markup {
    html! {
        template #chosen {
            li { bdi {} button.tool type="button" aria-label=(texts::REMOVE) { "×" } }
        }
    }
}

/// The part of a form in which files are chosen, and those of another turn that go with it.
pub(crate) fn choose_files(id: &str, kept: Option<&KeptFiles>) -> Markup {
    let help = format!("{id}-help");
    let is_kept = kept.is_some_and(|kept| !kept.files.is_empty());
    html! {
        details.more.choose open[is_kept] {
            summary { (texts::FILES) }
            @if let Some(kept) = kept && is_kept { (keep_files(kept)) }
            label.unseen for=(id) { (texts::CHOOSE) }
            input id=(id) type="file" name="files" multiple accept=(CHOOSABLE) aria-describedby=(help)
                data-most=(MOST) data-image=(IMAGE_MIB * MIB) data-text=(TEXT_MIB * MIB)
                data-together=(TOGETHER_MIB * MIB);
            ul.chosen aria-label=(texts::CHOSEN) hidden {}
            p.fine id=(help) { (texts::limits()) }
        }
    }
}

fn keep_files(kept: &KeptFiles) -> Markup {
    html! {
        fieldset.kept {
            legend { (texts::SENT_AGAIN) }
            input type="hidden" name="files_of" value=(kept.turn);
            @for (number, file) in &kept.files {
                label {
                    input type="checkbox" name="keep" value=(number) checked;
                    " " bdi { (name_of(file)) }
                }
            }
        }
    }
}

/// The files of a question. Nothing is fetched from elsewhere.
pub(crate) fn files(turn: &Turn, conversation: &ConversationId) -> Markup {
    html! {
        @if !turn.asked.files.is_empty() {
            ul.files aria-label=(texts::FILES) {
                @for (number, file) in turn.asked.files.iter().enumerate() {
                    li { (shown(file, &turn.id, number, conversation)) }
                }
            }
        }
    }
}

fn shown(
    file: &Attached,
    response: &ResponseId,
    number: usize,
    conversation: &ConversationId,
) -> Markup {
    let name = name_of(file);
    let address = paths::file(conversation, response, number);
    match &file.what {
        What::Image { bytes } => html! {
            a.picture href=(address) title=(texts::named(name, *bytes)) {
                img src=(address) alt=(name) loading="lazy" decoding="async";
            }
        },
        What::Text { bytes, beginning } => html! {
            details.aside.text-file {
                summary { (texts::named(name, *bytes)) }
                div.code {
                    pre tabindex="0" role="region" aria-label=(name) dir="auto" { (beginning) }
                }
                @if beginning.len() < *bytes { p { a href=(address) { (texts::all_of(name)) } } }
            }
        },
        What::Elsewhere(url) => match markdown::link_begins(url) {
            Some(tag) => {
                html! { (texts::ELSEWHERE) " " (PreEscaped(tag)) bdi { (url) } (PreEscaped("</a>")) }
            }
            None => html! { (texts::ELSEWHERE) " " bdi { (name) } },
        },
        What::Unshown => html! { bdi { (name) } ", " (texts::NOT_SHOWN) },
    }
}

/// What it is called.
pub(crate) fn name_of(file: &Attached) -> &str {
    match &file.what {
        _ if !file.name.is_empty() => &file.name,
        What::Image { .. } | What::Elsewhere(_) => texts::IMAGE,
        What::Text { .. } | What::Unshown => texts::FILE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_holds_and_is_called_is_text() {
        let (response, conversation) = ("resp_1".parse().unwrap(), "conv_1".parse().unwrap());
        let evil = "\"><script>".to_owned();
        for what in [
            What::Image { bytes: 1 },
            What::Text { bytes: 1, beginning: evil.clone() },
            What::Elsewhere("javascript:alert(1)//\"><script>".into()),
            What::Elsewhere("https://example.com/\"><script>".into()),
            What::Unshown,
        ] {
            let file = Attached { name: evil.clone(), what };
            let kept =
                KeptFiles { turn: "resp_1".parse().unwrap(), files: vec![(0, file.clone())] };
            for html in [shown(&file, &response, 0, &conversation), choose_files("f", Some(&kept))]
            {
                let html = html.into_string();
                assert!(!html.contains("<script>") && !html.contains("href=\"java"), "{html}");
            }
        }
    }
}
