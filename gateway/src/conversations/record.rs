//! What is kept of a conversation. Pure.
//!
//! The log of a turn holds what stood before it, so the items of a conversation are those of its
//! last turn and of what was added since, less those that were removed. What was added stands
//! behind the turn that was the newest then.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use contract::JobId;
use openai_api::object::Members;
use openai_api::responses::first_user_words;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::error::ConversationError;
use super::feedback::Thumbs;
use super::turns::{Branches, Tree};

#[cfg(test)]
mod tests;

/// Most bytes of a record.
const MOST_BYTES: usize = 256 * 1024;
/// Most characters of a title.
const TITLE_CHARS: usize = 80;
/// The member of the metadata that is the title.
const TITLE: &str = "title";

/// A conversation as it is stored.
#[derive(Serialize, Deserialize)]
pub(super) struct Record {
    /// Seconds since 1970.
    pub(super) created_at: u64,
    pub(super) metadata: Box<RawValue>,
    /// The beginning of the first text of a user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first_said: Option<String>,
    /// The turn that was claimed last, as far as is known without its log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) running: Option<Running>,
    #[serde(default)]
    pub(super) entries: Vec<Entry>,
    /// A gateway that knows no branches passes over them, and they are lost where it writes: the
    /// conversation is a line then.
    #[serde(default, skip_serializing_if = "Branches::is_empty")]
    branches: Branches,
    #[serde(default, skip_serializing_if = "Thumbs::is_empty")]
    pub(super) thumbs: Thumbs,
    /// Ids of items that were removed: logs are not changed, and what is added again under its key
    /// stays away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    removed: Vec<String>,
}

/// A turn that nobody has seen the end of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Running {
    pub(super) turn: JobId,
    /// When it was claimed, milliseconds since 1970.
    pub(super) since_ms: u64,
}

/// One after the other, they are the conversation.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Entry {
    /// What was added, with an id.
    Item(Box<RawValue>),
    /// What a response asks and answers.
    Turn(JobId),
}

/// What became of items that are added once.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Added {
    Now,
    /// These are still there, a JSON array.
    Before {
        left: String,
    },
}

/// What the log of a turn tells, as JSON arrays of items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Turn {
    /// The conversation before it.
    pub(crate) before: String,
    /// What it adds.
    pub(crate) own: String,
}

impl Record {
    /// `metadata` is a JSON object, `items` an array.
    pub(super) fn new(created_at: u64, metadata: &str, items: &str) -> Self {
        let mut this = Self {
            created_at,
            metadata: Box::default(),
            first_said: None,
            running: None,
            entries: Vec::new(),
            branches: Branches::default(),
            thumbs: Thumbs::default(),
            removed: Vec::new(),
        };
        this.set_metadata(metadata);
        this.add(items);
        this
    }

    /// Exchanges the metadata, a JSON object that was read before.
    pub(super) fn set_metadata(&mut self, metadata: &str) {
        self.metadata = RawValue::from_string(metadata.to_owned()).unwrap_or_default();
    }

    pub(super) fn read(value: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(value)
    }

    pub(super) fn write(&self) -> Result<Bytes, ConversationError> {
        // Texts and JSON that was read before: writing them to memory cannot fail.
        let json = serde_json::to_vec(self).unwrap_or_default();
        let (size, limit) = (json.len(), MOST_BYTES);
        if size > limit {
            Err(ConversationError::TooLarge { size, limit })
        } else {
            Ok(json.into())
        }
    }

    /// What a person may call it.
    pub(super) fn title(&self) -> Option<String> {
        let given: HashMap<String, String> =
            serde_json::from_str(self.metadata.get()).unwrap_or_default();
        given.get(TITLE).and_then(|given| title_of(given)).or_else(|| self.first_said.clone())
    }

    /// Adds items, a JSON array.
    pub(super) fn add(&mut self, items: &str) {
        self.hear(first_user_words(items).as_deref());
        let items: Vec<Box<RawValue>> = serde_json::from_str(items).unwrap_or_default();
        self.entries.extend(items.into_iter().map(Entry::Item));
    }

    /// Adds items, a JSON array with ids, unless they were added before.
    pub(super) fn add_once(&mut self, items: &str) -> Added {
        let ids: HashSet<String> = ids_in(items).into_iter().collect();
        let is_one = |item: &&RawValue| id_of(item).is_some_and(|id| ids.contains(&id));
        let left: Vec<&RawValue> = added_in(&self.entries).filter(is_one).collect();
        if left.is_empty() && !self.removed.iter().any(|id| ids.contains(id)) {
            self.add(items);
            return Added::Now;
        }
        Added::Before { left: array(left.into_iter()) }
    }

    /// Whoever speaks first gives it its title.
    fn hear(&mut self, said: Option<&str>) {
        if self.first_said.is_none() {
            self.first_said = said.and_then(title_of);
        }
    }

    /// Begins a turn behind another or at the beginning, in which a user says this.
    pub(super) fn claim(
        &mut self,
        turn: JobId,
        after: Option<JobId>,
        since_ms: u64,
        said: Option<&str>,
    ) {
        self.hear(said);
        if after != self.turns().last().map(|(_at, newest)| newest) {
            self.branches.hang(turn, after);
        }
        self.running = Some(Running { turn, since_ms });
        self.entries.push(Entry::Turn(turn));
    }

    /// Its turns and what they follow.
    pub(super) fn tree(&self) -> Tree {
        Tree::of(self.turns().map(|(_at, turn)| turn).collect(), &self.branches)
    }

    /// Its turns in order, each with its place among the entries.
    pub(super) fn turns(&self) -> impl Iterator<Item = (usize, JobId)> {
        self.entries.iter().enumerate().filter_map(|(at, entry)| match entry {
            Entry::Turn(turn) => Some((at, *turn)),
            Entry::Item(_) => None,
        })
    }

    /// Takes a turn out; false when it is not there. What followed it follows what it followed.
    pub(super) fn remove_turn(&mut self, turn: JobId) -> bool {
        self.branches = self.tree().branches_without(turn);
        self.thumbs.set(turn, None);
        let before = self.entries.len();
        self.entries.retain(|entry| !matches!(entry, Entry::Turn(other) if *other == turn));
        if self.running.is_some_and(|running| running.turn == turn) {
            self.running = None;
        }
        self.entries.len() < before
    }

    /// Takes items out, wherever they stand.
    pub(super) fn remove(&mut self, ids: impl IntoIterator<Item = String>) {
        for id in ids {
            let before = self.entries.len();
            self.entries.retain(|entry| match entry {
                Entry::Item(item) => id_of(item).as_ref() != Some(&id),
                Entry::Turn(_) => true,
            });
            // Whoever added it may ask again; its id takes less than it did.
            let was_added = self.entries.len() < before;
            let in_a_log = self.entries.iter().any(|entry| matches!(entry, Entry::Turn(_)));
            if (was_added || in_a_log) && !self.removed.contains(&id) {
                self.removed.push(id);
            }
        }
    }

    /// The items along a path of turns, the oldest first, as a JSON array. The path is given by its
    /// places from the last turn on whose log is there, which told this; without one it is whole.
    pub(super) fn items(&self, path: &[usize], told: Option<&Turn>) -> String {
        let turns: Vec<usize> = self.turns().map(|(at, _turn)| at).collect();
        let next = |place: usize| turns.get(place).copied().unwrap_or(self.entries.len());
        // Behind a turn stands what was added before the next one.
        let behind = |place: &usize| added_in(&self.entries[next(*place)..next(*place + 1)]);
        let added = path.iter().flat_map(behind);
        let Some(turn) = told else {
            return array(added_in(&self.entries[..next(0)]).chain(added));
        };
        let removed: HashSet<&str> = self.removed.iter().map(String::as_str).collect();
        let logged = [&turn.before, &turn.own].map(|array| {
            let items: Vec<&RawValue> = serde_json::from_str(array).unwrap_or_default();
            items
        });
        let logged = logged.iter().flatten().copied();
        let logged = logged.filter(|item| id_of(item).is_none_or(|id| !removed.contains(&*id)));
        array(logged.chain(added))
    }
}

/// The items that were added, of these entries.
fn added_in(entries: &[Entry]) -> impl Iterator<Item = &RawValue> {
    entries.iter().filter_map(|entry| match entry {
        Entry::Item(item) => Some(&**item),
        Entry::Turn(_) => None,
    })
}

/// The ids of the items in a JSON array.
pub(super) fn ids_in(items: &str) -> Vec<String> {
    let items: Vec<&RawValue> = serde_json::from_str(items).unwrap_or_default();
    items.into_iter().filter_map(id_of).collect()
}

/// The item of this id in a JSON array.
pub(super) fn item_in(items: &str, id: &str) -> Option<String> {
    let items: Vec<&RawValue> = serde_json::from_str(items).unwrap_or_default();
    let mut newest_first = items.into_iter().rev();
    newest_first.find(|item| id_of(item).as_deref() == Some(id)).map(|item| item.get().to_owned())
}

fn id_of(item: &RawValue) -> Option<String> {
    let members = Members::parse(item.get().as_bytes()).ok()?;
    serde_json::from_str(members.get("id")?).ok()
}

fn array<'a>(items: impl Iterator<Item = &'a RawValue>) -> String {
    format!("[{}]", items.map(RawValue::get).collect::<Vec<_>>().join(","))
}

/// The beginning of a text, on one line; `None` when it says nothing.
fn title_of(text: &str) -> Option<String> {
    // More than enough for a title, however much white space is in it.
    let mut words: Vec<&str> = Vec::new();
    let mut chars = 0;
    for word in text.split_whitespace() {
        words.push(word);
        chars += word.len() + 1;
        if chars > TITLE_CHARS * 4 {
            break;
        }
    }
    let line = words.join(" ");
    let title = match line.char_indices().nth(TITLE_CHARS) {
        Some(_) => line.chars().take(TITLE_CHARS - 1).chain(['…']).collect(),
        None => line,
    };
    (!title.is_empty()).then_some(title)
}
