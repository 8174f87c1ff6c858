//! The chat as a pure function of what it shows.

use maud::{Markup, PreEscaped, html};

use crate::answer::{Cursor, Told, Update};
use crate::assets::Assets;
use crate::components::{self, Actions, Composer, Standing};
use crate::conversation::{Answer, KeptFiles, Line, Listed, Options, Place, Thumb, Turn};
use crate::error::Words;
use crate::gateway_client::Models;
use crate::ids::{ConversationId, ResponseId};
use crate::layout::{self, Shell};
use crate::look::{Aloud, Look};
use crate::markdown::{Colours, Sealed};
use crate::paths;
use crate::said::{Ending, Said, Why};
use crate::texts;

/// The name by which the model simulator goes everywhere.
const SIMULATOR: &str = "simulator";

/// Text of a conversation, from its end, in which code has colours. More would take long.
const MOST_COLOURED: usize = 256 * 1024;

/// What the page shows.
#[derive(Debug, Clone)]
pub(crate) struct Chat {
    pub(crate) assets: Assets,
    pub(crate) look: Look,
    /// None when it cannot be read.
    pub(crate) history: Option<Listed>,
    /// None before the first question.
    pub(crate) open: Option<Open>,
    /// Where what is written belongs, while that cannot be shown.
    pub(crate) belongs_to: Option<ConversationId>,
    pub(crate) models: Models,
    pub(crate) options: Options,
    pub(crate) place: Place,
    pub(crate) draft: String,
    /// Files of another turn that go with it.
    pub(crate) kept: Option<KeptFiles>,
    /// Names the form.
    pub(crate) once: String,
}

/// The conversation, or the part of it, that is shown.
#[derive(Debug, Clone)]
pub(crate) struct Open {
    pub(crate) line: Line,
    /// Not empty.
    pub(crate) turns: Vec<Turn>,
    pub(crate) has_more: bool,
    /// The last turn of all on the way; those shown may end before it.
    pub(crate) leaf: ResponseId,
    /// A question that is to be written anew.
    pub(crate) editing: Option<ResponseId>,
    /// The turn before which those shown end, if that is not the last.
    pub(crate) before: Option<ResponseId>,
}

impl Open {
    pub(super) fn id(&self) -> &ConversationId {
        &self.line.id
    }

    fn standing(&self) -> Standing<'_> {
        Standing { conversation: self.id(), leaf: &self.leaf, before: self.before.as_ref() }
    }

    /// The answer that is being written, if the last one is.
    pub(crate) fn running(&self) -> Option<&Turn> {
        self.turns.last().filter(|turn| turn.answer == Answer::Running)
    }
}

impl Chat {
    /// Whether a question of those shown is to be written anew.
    pub(super) fn edits(&self) -> bool {
        let Some(Open { editing: Some(edited), turns, .. }) = &self.open else { return false };
        turns.iter().any(|turn| turn.id == *edited)
    }

    /// The page, complete. Of an answer that is being written, what there is.
    pub(crate) fn whole(&self, now: Option<&Update>, alert: Option<&Words>) -> Markup {
        let waits = now.is_some_and(|now| now.waiting.is_some());
        html! {
            (self.begin(false, waits))
            @if let Some(open) = &self.open && let Some(turn) = open.running() {
                @match now {
                    Some(now) => (running(open, turn, now)),
                    None => (unfinished(turn, texts::answers::UNFINISHED)),
                }
            }
            (self.end(alert, true))
        }
    }

    /// Everything up to the place of the answer that is being written; with a button to stop it,
    /// if that is to stand before the composer. `waits`: the title says so, until a script says
    /// that it is over.
    pub(crate) fn begin(&self, stop: bool, waits: bool) -> Markup {
        let name = self.open.as_ref().map_or("", |open| open.line.name());
        let title = if waits { texts::answers::waiting_title(name) } else { name.to_owned() };
        let skips = if self.open.is_some() { layout::TO_THE_ANSWER } else { layout::TO_THE_BOX };
        let shell = Shell { assets: &self.assets, look: self.look, title: &title, skips };
        let id = self.open.as_ref().map(Open::id);
        html! {
            (layout::begin(&shell))
            @if let Some(open) = &self.open && let Some(turn) = open.running() && stop {
                (components::stop_form(open.id(), &turn.id))
            }
            (components::history(self.history.as_ref(), id))
            (PreEscaped("<main id=\"chat\">"))
            @match &self.open {
                Some(open) => (components::about(&open.line, &open.leaf)),
                None => h1.unseen { (texts::chat::NEW) },
            }
            // The Enter key on a field means the form's first button, which is not to be another
            // one that stands in the conversation.
            button hidden type="submit" form="composer" {}
            @if self.open.is_none() { (components::welcome(self.is_simulated())) }
            (PreEscaped("<section class=\"talk\" aria-label=\""))
            (texts::chat::CONVERSATION)
            (PreEscaped("\">"))
            @if let Some(open) = &self.open && open.has_more {
                @if let Some(first) = open.turns.first() {
                    p.earlier { a href=(paths::earlier(open.id(), &open.leaf, &first.id)) { (texts::chat::EARLIER) } }
                }
            }
            (PreEscaped("<ol id=\"transcript\">"))
            @if let Some(open) = &self.open {
                @for (index, turn) in open.turns.iter().enumerate() {
                    (self.turn(open, turn, index + 1 == open.turns.len()))
                }
            }
        }
    }

    fn turn(&self, open: &Open, turn: &Turn, last: bool) -> Markup {
        let edited = open.editing.as_ref() == Some(&turn.id);
        html! {
            @if last { (latest()) }
            @if edited { (self.editor(open, turn)) } @else { (components::question(turn, open.standing())) }
            @match &turn.answer {
                Answer::Running if last => {},
                Answer::Running => (unfinished(turn, texts::answers::UNFINISHED)),
                Answer::Gone => (unfinished(turn, texts::answers::NOT_KEPT)),
                Answer::Ended(said) => (ended(open.id(), turn, said, self.colours_of(open, turn))),
            }
        }
    }

    /// The last answers have colours in their code, as far back as that costs little.
    fn colours_of(&self, open: &Open, turn: &Turn) -> Colours {
        let later = open.turns.iter().rev().take_while(|one| one.id != turn.id);
        let bytes: usize = later.chain([turn]).map(Turn::bytes).sum();
        if bytes <= MOST_COLOURED { Colours::On } else { Colours::Off }
    }

    fn editor(&self, open: &Open, turn: &Turn) -> Markup {
        let place = Place::After(turn.after.clone());
        let form = Composer {
            conversation: Some(open.id()),
            place: &place,
            draft: &turn.asked.text,
            kept: Some(&KeptFiles {
                turn: turn.id.clone(),
                files: turn.asked.files.iter().cloned().enumerate().collect(),
            }),
            models: self.models.names(),
            options: &turn.options,
            once: &self.once,
            running: None,
        };
        components::editor(&form, &paths::turn(open.id(), &open.leaf))
    }

    /// Everything after that place; with a button to stop the answer, if that stands in the composer.
    pub(crate) fn end(&self, alert: Option<&Words>, stop: bool) -> Markup {
        let running = self.open.as_ref().and_then(Open::running).filter(|_| stop);
        let form = Composer {
            conversation: self.open.as_ref().map(Open::id).or(self.belongs_to.as_ref()),
            place: &self.place,
            draft: &self.draft,
            kept: self.kept.as_ref(),
            models: self.models.names(),
            options: &self.options,
            once: &self.once,
            running: running.map(|turn| &turn.id),
        };
        html! {
            (PreEscaped("</ol></section>"))
            div.bottom {
                (components::alert_region(alert))
                (components::composer(&form))
                @if self.is_simulated() {
                    p.fine { (texts::chat::SIMULATOR_ANSWERS) }
                }
            }
            (PreEscaped("</main>"))
            (components::keys())
            @if self.look.aloud == Aloud::On {
                div #aloud.unseen role="log" aria-label=(texts::chat::ALOUD) {}
            }
            template #thoughts { (components::thoughts("")) }
            (components::chosen_file())
            (components::words_of_the_script())
            (layout::end())
        }
    }

    fn is_simulated(&self) -> bool {
        let (names, model) = (self.models.names(), &self.options.model);
        model == SIMULATOR || (model.is_empty() && names.iter().any(|one| one == SIMULATOR))
    }
}

/// Where a browser goes after a question: to the turn that follows.
fn latest() -> Markup {
    html! { li #latest aria-hidden="true" {} }
}

fn unfinished(turn: &Turn, words: &'static str) -> Markup {
    html! {
        (components::answer_begin(turn, None))
        (components::note(words))
        (components::answer_end(None))
    }
}

/// An answer that is over.
fn ended(conversation: &ConversationId, turn: &Turn, said: &[Said], colours: Colours) -> Markup {
    let update = Told::of(said, colours).since(Cursor::default());
    let actions = actions_of(conversation, &turn.id, &update, turn.thumb);
    html! {
        (components::answer_begin(turn, None))
        @if !update.thoughts.is_empty() { (components::thoughts(&update.thoughts)) }
        (PreEscaped(components::BODY))
        (PreEscaped(update.add.iter().map(|piece| piece.as_html()).collect::<String>()))
        (PreEscaped(components::BODY_ENDS))
        (components::answer_end(actions.as_ref()))
    }
}

/// An answer that is being written, as far as it is, for the script to go on with.
fn running(open: &Open, turn: &Turn, now: &Update) -> Markup {
    let in_code = is_in_code(now);
    let live = format!(
        "data-live=\"{}\" data-cursor=\"{}\"{}",
        paths::live(open.id(), &turn.id),
        now.cursor,
        if in_code { " data-code" } else { "" }
    );
    html! {
        (components::answer_begin(turn, Some(&live)))
        // A script has run here before, and may not today.
        noscript { p.note { a href=(paths::turn(open.id(), &turn.id)) { (texts::answers::LOAD_AGAIN) } " " (texts::answers::FOR_MORE) } }
        @if let Some(why) = now.waiting {
            (components::waiting(why, Some(&texts::shell::title(open.line.name()))))
        }
        @if !now.thoughts.is_empty() { (components::thoughts(&now.thoughts)) }
        (PreEscaped(components::BODY))
        (PreEscaped(now.add.iter().map(|piece| piece.as_html()).collect::<String>()))
        // Of code, what is not sealed stands within it.
        span.tail { (PreEscaped(&*now.tail)) }
        @if in_code { (PreEscaped(Sealed::CodeEnds.as_html())) }
        (PreEscaped(components::BODY_ENDS))
        (components::answer_end(None))
    }
}

/// Whether the last block is code that is not over.
fn is_in_code(update: &Update) -> bool {
    matches!(update.add.last().map(AsRef::as_ref), Some(Sealed::CodeBegins(_) | Sealed::Code(_)))
}

/// What can be done with an answer that is over; nothing where its chat is gone.
pub(super) fn actions_of<'a>(
    conversation: &'a ConversationId,
    response: &'a ResponseId,
    update: &Update,
    thumb: Option<Thumb>,
) -> Option<Actions<'a>> {
    let (ending, spoken) = (update.ending.as_ref(), update.words > 0);
    let is_cut = matches!(ending, Some(Ending::Length | Ending::Stopped | Ending::Failed { .. }));
    // It may go on, and then nothing can be asked beside it.
    let may_go_on = matches!(ending, Some(Ending::Lost(Why::Key | Why::Gateway)));
    let is_cut = is_cut && spoken;
    let has_failed = matches!(ending, Some(Ending::Failed { .. } | Ending::Lost(_)));
    let may_be_asked_again = !may_go_on;
    let is_deleted = ending == Some(&Ending::Lost(Why::Deleted));
    (!is_deleted).then_some(Actions {
        conversation,
        response,
        is_cut,
        may_be_asked_again,
        thumb,
        has_failed,
    })
}
