//! Whole pages, each in one state.

use std::time::Duration;

use maud::{Markup, PreEscaped, html};

use super::super::streamed::StreamedPage;
use super::super::view::{Chat, Open};
use super::super::{chats, settings};
use super::samples;
use crate::answer::{Cursor, Told, Update};
use crate::assets::Assets;
use crate::components;
use crate::conversation::{Answer, Listed, Options, Place, Thumb, Turn};
use crate::error::Words;
use crate::gateway_client::{Models, Refused};
use crate::layout::{self, Shell};
use crate::look::Look;
use crate::said::Said;
use crate::waiting::Waiting;

/// What every page is made with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stage<'a> {
    pub(super) assets: &'a Assets,
    pub(super) look: Look,
}

/// One page.
pub(super) struct Scene {
    /// As it stands in its address.
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) page: fn(&Stage<'_>) -> Option<Markup>,
}

const fn scene(
    name: &'static str,
    about: &'static str,
    page: fn(&Stage<'_>) -> Option<Markup>,
) -> Scene {
    Scene { name, about, page }
}

pub(super) const SCENES: &[Scene] = &[
    scene("new", "A new chat, nothing written, no chat before it", new),
    scene("simulated", "A new chat that no real model answers", simulated),
    scene("draft", "A box with a draft, another preset and instructions; chats beside it", draft),
    scene("away", "No gateway, no models, no list of chats", away),
    scene("given-back", "A question that was not taken, with what to do", given_back),
    scene("later", "A question that may be taken later, and when", later),
    scene("ended", "Every answer that is over", ended),
    scene(
        "older",
        "Earlier messages, versions, a thumb, an answer that is gone, one that is written",
        older,
    ),
    scene("edit", "A question that is written anew", edit),
    scene("queued", "An answer that waits for a worker", queued),
    scene("ahead", "An answer behind those to others", ahead),
    scene("no-worker", "An answer that nobody could give", no_worker),
    scene("retrying", "An answer whose worker was lost", retrying),
    scene("thinking", "An answer that a worker has, before its first word", thinking),
    scene("streaming", "An answer that is being written", streaming),
    scene("streaming-code", "An answer in the middle of code", streaming_code),
    scene("streamed", "The same without a script", streamed),
    scene("anew", "Without a script, after another worker has begun anew", anew),
    scene("left", "Without a script, when the server is being restarted", left),
    scene("chats", "All chats", all_chats),
    scene("no-chats", "All chats, of which there are none", no_chats),
    scene("settings", "What a reader can set", settings_page),
    scene("found", "What was found, and not everything was looked through", found),
    scene("not-found", "Nothing was found", not_found),
    scene("rename", "A name is asked for", rename),
    scene("delete", "Whether a chat is to be gone", delete),
    scene("delete-all", "Whether all of them are", delete_all),
];

impl Stage<'_> {
    fn chat(&self, open: Option<Open>) -> Chat {
        Chat {
            assets: self.assets.clone(),
            look: self.look,
            history: samples::history(),
            place: Place::Newest,
            open,
            belongs_to: None,
            models: samples::models(),
            options: samples::options(),
            draft: String::new(),
            kept: None,
            once: "0".repeat(32),
        }
    }

    fn about(&self, title: &str, content: &Markup) -> Markup {
        let skips = layout::TO_THE_CONTENT;
        layout::page(&Shell { assets: self.assets, look: self.look, title, skips }, content)
    }
}

fn open(turns: Vec<Turn>) -> Option<Open> {
    let leaf = turns.last()?.id.clone();
    Some(Open { line: samples::line()?, turns, has_more: false, leaf, editing: None, before: None })
}

/// What is shown of what was said so far.
fn so_far(said: &[Said]) -> Update {
    let mut told = Told::default();
    told.settle();
    told.hear(said);
    told.render();
    told.since(Cursor::default())
}

fn new(stage: &Stage<'_>) -> Option<Markup> {
    let chat = Chat { history: Some(Listed::default()), ..stage.chat(None) };
    Some(chat.whole(None, None))
}

fn simulated(stage: &Stage<'_>) -> Option<Markup> {
    let names = vec!["simulator".to_owned()];
    let options = Options { model: "simulator".to_owned(), ..Options::default() };
    let chat = Chat { models: Models::Listed(names), options, ..stage.chat(None) };
    Some(chat.whole(None, None))
}

fn draft(stage: &Stage<'_>) -> Option<Markup> {
    let (draft, options) = (samples::DRAFT.to_owned(), samples::other_options());
    Some(Chat { draft, options, ..stage.chat(None) }.whole(None, None))
}

fn away(stage: &Stage<'_>) -> Option<Markup> {
    let models = Models::Remembered(Vec::new(), Refused::Unreachable);
    let alert = Words::of_models(&models);
    let chat = Chat { models, history: None, options: Options::default(), ..stage.chat(None) };
    Some(chat.whole(None, alert.as_ref()))
}

fn given_back(stage: &Stage<'_>) -> Option<Markup> {
    refused(stage, 400, "context_length_exceeded", None)
}

fn later(stage: &Stage<'_>) -> Option<Markup> {
    refused(stage, 429, "rate_limit_exceeded", Some(Duration::from_secs(42)))
}

/// A page of which the question was not taken.
fn refused(
    stage: &Stage<'_>,
    status: u16,
    code: &str,
    retry_after: Option<Duration>,
) -> Option<Markup> {
    let turn = samples::turn(1, 1, "How long did it take?", Answer::Ended(samples::whole()))?;
    let code = Some(code.to_owned());
    let alert = Words::of_refusal(&Refused::Answered { status, code, message: None, retry_after });
    let chat = Chat { draft: samples::DRAFT.to_owned(), ..stage.chat(open(vec![turn])) };
    Some(chat.whole(None, Some(&alert)))
}

fn ended(stage: &Stage<'_>) -> Option<Markup> {
    let answers = samples::ended().into_iter().enumerate();
    let turns = answers
        .map(|(number, (about, said))| samples::turn(number + 1, 1, about, Answer::Ended(said)));
    let chat = stage.chat(open(turns.collect::<Option<_>>()?));
    Some(chat.whole(None, None))
}

fn older(stage: &Stage<'_>) -> Option<Markup> {
    let mut with_files = samples::turn(1, 1, "And this?", Answer::Ended(samples::whole()))?;
    with_files.asked.files = samples::files();
    let turns = vec![
        with_files,
        Turn {
            thumb: Some(Thumb::Up),
            ..samples::turn(3, 3, "A question of three versions", Answer::Ended(samples::whole()))?
        },
        samples::turn(4, 1, "What was it?", Answer::Gone)?,
        samples::turn(5, 1, "سؤال من اليمين إلى اليسار", Answer::Running)?,
        samples::turn(6, 1, "And then?", Answer::Ended(samples::whole()))?,
    ];
    let open = Open { has_more: true, ..open(turns)? };
    Some(stage.chat(Some(open)).whole(None, None))
}

fn edit(stage: &Stage<'_>) -> Option<Markup> {
    let mut turn = samples::turn(1, 1, samples::DRAFT, Answer::Ended(samples::whole()))?;
    turn.asked.files = samples::files();
    let editing = Some(turn.id.clone());
    let open = Open { editing, ..open(vec![turn])? };
    Some(stage.chat(Some(open)).whole(None, None))
}

/// A page whose last answer is being written.
fn running(stage: &Stage<'_>, said: &[Said]) -> Option<Markup> {
    written(stage, &so_far(said))
}

/// A page whose last answer has to wait.
fn waiting(stage: &Stage<'_>, waiting: Waiting) -> Option<Markup> {
    written(stage, &Update { waiting: Some(waiting), ..so_far(&[]) })
}

fn written(stage: &Stage<'_>, update: &Update) -> Option<Markup> {
    let turn = samples::turn(1, 1, "How long did it take?", Answer::Running)?;
    Some(stage.chat(open(vec![turn])).whole(Some(update), None))
}

fn queued(stage: &Stage<'_>) -> Option<Markup> {
    running(stage, &[])
}

fn ahead(stage: &Stage<'_>) -> Option<Markup> {
    waiting(stage, Waiting::Queued(Some(3)))
}

fn no_worker(stage: &Stage<'_>) -> Option<Markup> {
    waiting(stage, Waiting::NoWorker)
}

fn retrying(stage: &Stage<'_>) -> Option<Markup> {
    waiting(stage, Waiting::Retrying)
}

fn thinking(stage: &Stage<'_>) -> Option<Markup> {
    running(stage, &[Said::Begun])
}

fn streaming(stage: &Stage<'_>) -> Option<Markup> {
    running(stage, &samples::half())
}

fn streaming_code(stage: &Stage<'_>) -> Option<Markup> {
    running(stage, &samples::half_of_code())
}

/// A page that is being sent, as far as it came.
fn begun(stage: &Stage<'_>) -> Option<(String, StreamedPage)> {
    let turn = samples::turn(1, 1, "How long did it take?", Answer::Running)?;
    let mut page = StreamedPage::new(stage.chat(open(vec![turn.clone()])), turn);
    let html = page.begin() + &page.update(&so_far(&samples::half()));
    Some((html, page))
}

fn streamed(stage: &Stage<'_>) -> Option<Markup> {
    let (html, _open) = begun(stage)?;
    Some(PreEscaped(html))
}

fn anew(stage: &Stage<'_>) -> Option<Markup> {
    let (before, behind) = samples::anew();
    let (html, mut page) = begun(stage)?;
    let (mut told, mut cursor) = (Told::default(), Cursor::default());
    let mut update = Update::default();
    told.settle();
    for said in [before, behind] {
        told.hear(&said);
        told.render();
        update = told.since(cursor);
        cursor = update.cursor;
    }
    Some(PreEscaped(html + &page.update(&update)))
}

fn left(stage: &Stage<'_>) -> Option<Markup> {
    let (html, mut page) = begun(stage)?;
    Some(PreEscaped(html + &page.leave(&super::super::chat::goes_on())))
}

fn list(stage: &Stage<'_>, listed: &Listed, search: Option<&str>) -> Markup {
    stage.about("Chats", &chats::content(listed, search))
}

fn all_chats(stage: &Stage<'_>) -> Option<Markup> {
    Some(list(stage, &Listed { has_more: true, ..samples::history()? }, None))
}

fn no_chats(stage: &Stage<'_>) -> Option<Markup> {
    Some(list(stage, &Listed::default(), None))
}

fn settings_page(stage: &Stage<'_>) -> Option<Markup> {
    Some(stage.about("Settings", &settings::content(stage.look)))
}

fn found(stage: &Stage<'_>) -> Option<Markup> {
    let listed = Listed { search_complete: Some(false), ..samples::history()? };
    Some(list(stage, &listed, Some("التلغراف")))
}

fn not_found(stage: &Stage<'_>) -> Option<Markup> {
    Some(list(stage, &Listed::default(), Some("balloons")))
}

fn rename(stage: &Stage<'_>) -> Option<Markup> {
    Some(stage.about("Rename", &components::ask_for_name(&samples::line()?)))
}

fn delete(stage: &Stage<'_>) -> Option<Markup> {
    Some(stage.about("Delete", &components::ask_to_delete(&samples::line()?)))
}

fn delete_all(stage: &Stage<'_>) -> Option<Markup> {
    Some(stage.about("Delete", &components::ask_to_delete_all()))
}

/// The pages by name.
pub(super) fn index() -> Markup {
    html! {
        ul {
            @for scene in SCENES {
                li { a href={ "/gallery/" (scene.name) } { (scene.about) } }
            }
        }
    }
}
