//! The items of an answer, one attempt at a time.

use super::chunk::Fragment;
use super::event::Outlet;
use super::item::{Body, Item, State, Voice};

/// What the model said and did.
#[derive(Debug)]
pub(super) struct Answer {
    seed: String,
    /// How many items the attempts before this one have begun.
    given_up: usize,
    /// Those of this attempt.
    items: Vec<Item>,
    /// The item that speaks.
    speaking: Option<usize>,
    /// The calls that can grow beside it.
    calling: Vec<usize>,
}

impl Answer {
    /// No items yet. Their ids will derive from `seed`.
    pub(super) fn new(seed: &str) -> Self {
        Self {
            seed: seed.to_owned(),
            given_up: 0,
            items: Vec::new(),
            speaking: None,
            calling: Vec::new(),
        }
    }

    /// Says more. `text` is escaped; an empty one says nothing.
    pub(super) fn say(
        &mut self,
        voice: Voice,
        text: &str,
        logprobs: &str,
        outlet: &mut Outlet<'_>,
    ) {
        if text.is_empty() {
            return;
        }
        let speaking = self.speaking.filter(|at| self.items[*at].speaks(voice));
        let at = speaking.unwrap_or_else(|| {
            self.close_what_is_whole(outlet);
            let index = self.given_up + self.items.len();
            self.items.push(Item::speech(voice, &self.seed, index, outlet));
            self.items.len() - 1
        });
        self.speaking = Some(at);
        self.items[at].say(voice, text, logprobs, outlet);
    }

    /// Adds to a call; false when it is one that was over.
    #[must_use]
    pub(super) fn call(&mut self, fragment: &Fragment<'_>, outlet: &mut Outlet<'_>) -> bool {
        let at = self.call_of(fragment).unwrap_or_else(|| {
            self.close_what_is_whole(outlet);
            let Fragment { index, id, name, .. } = *fragment;
            let place = self.given_up + self.items.len();
            self.calling.push(self.items.len());
            self.items.push(Item::call(index, id, name, &self.seed, place, outlet));
            self.items.len() - 1
        });
        let item = &mut self.items[at];
        if let Body::Call(call) = &mut item.body
            && call.name.is_empty()
            && item.state == State::InProgress
        {
            call.name.push_str(fragment.name);
        }
        if !fragment.arguments.is_empty() {
            if item.state != State::InProgress {
                return false;
            }
            item.argue(fragment.arguments, outlet);
        }
        true
    }

    /// The call that a fragment belongs to. Servers differ in what they say of it: OpenAI counts
    /// and names a call once; some count every call 0 and name each; some do not count.
    fn call_of(&self, fragment: &Fragment<'_>) -> Option<usize> {
        let calls = self.items.iter().enumerate().rev();
        let mut calls = calls.filter_map(|(at, item)| match &item.body {
            Body::Call(call) => Some((at, call)),
            _ => None,
        });
        let found = match (fragment.index, fragment.id, fragment.name) {
            (Some(index), ..) => calls.find(|(_, call)| call.index == Some(index)),
            (None, "", "") => calls.next(),
            (None, "", _name) => None,
            (None, id, _) => calls.find(|(_, call)| call.given_id == id),
        };
        let (at, call) = found?;
        let same =
            fragment.id.is_empty() || call.given_id.is_empty() || call.given_id == fragment.id;
        same.then_some(at)
    }

    /// Before something new begins: what cannot go on is complete.
    fn close_what_is_whole(&mut self, outlet: &mut Outlet<'_>) {
        if let Some(at) = self.speaking.take() {
            self.items[at].close(State::Completed, outlet);
        }
        let Self { items, calling, .. } = self;
        calling.retain(|at| {
            let item = &mut items[*at];
            let whole = matches!(&item.body, Body::Call(call) if call.is_whole());
            if whole {
                item.close(State::Completed, outlet);
            }
            !whole
        });
    }

    /// Closes all that is open.
    pub(super) fn close(&mut self, state: State, outlet: &mut Outlet<'_>) {
        self.speaking = None;
        self.calling.clear();
        for item in &mut self.items {
            item.close(state, outlet);
        }
    }

    /// Begins anew behind what was said.
    pub(super) fn restart(&mut self, outlet: &mut Outlet<'_>) {
        self.close(State::Incomplete, outlet);
        self.given_up += self.items.len();
        self.items.clear();
    }

    /// The items as they are now, a JSON array.
    pub(super) fn output(&self) -> String {
        array(self.items.iter())
    }

    /// The items that a next turn can be given: no call that broke off, which nobody can answer.
    pub(super) fn for_next_turn(&self) -> String {
        array(self.items.iter().filter(|item| match item.state {
            State::Completed => true,
            State::Incomplete => !matches!(item.body, Body::Call(_)),
            State::InProgress => false,
        }))
    }
}

fn array<'a>(items: impl Iterator<Item = &'a Item>) -> String {
    format!("[{}]", items.map(Item::json).collect::<Vec<_>>().join(","))
}
