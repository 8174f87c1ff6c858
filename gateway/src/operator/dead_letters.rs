//! Dead letters, as operators see them: where each came from and why, and nothing of what it says.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bus::{Buried, Bus, BusError};
use contract::log::LogId;
use contract::{Job, JobId, Lane, StoredJob};
use serde::Serialize;
use service_runtime::Tasks;
use tokio::time::Instant;

use super::audit::{self, Act};
use crate::chat::ChatError;
use crate::conversations::ConversationError;
use crate::keys::Actor;
use crate::responses::{Created, NotAgain, ResponseError, Responses};

/// How long it is remembered whether a letter may be redriven.
const REMEMBERED_FOR: Duration = Duration::from_secs(60);
/// Most letters that are remembered.
const MOST_REMEMBERED: usize = 256;
/// Most letters of a page that are passed over because they cannot be read.
const MOST_PASSED_OVER: usize = 100;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Letter {
    object: &'static str,
    /// Its number in the stream.
    pub(super) id: String,
    created_at: u64,
    pub(super) lane: &'static str,
    pub(super) queue: String,
    /// None of what cannot be read.
    model: Option<String>,
    job_id: Option<String>,
    pub(super) reason: String,
    attempts: u64,
    can_redrive: bool,
    why_not: Option<String>,
}

/// Some of them, the newest first.
#[derive(Debug, Serialize)]
pub(crate) struct Letters {
    object: &'static str,
    data: Vec<Letter>,
    first_id: Option<String>,
    last_id: Option<String>,
    has_more: bool,
}

/// Why something could not be done with a dead letter.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeadLetterError {
    #[error("There is no dead letter with that id.")]
    NotFound,
    /// The words are for a person.
    #[error("The dead letter is not redriven: {0}")]
    NotRedriven(String),
    /// It could be, later.
    #[error(transparent)]
    NotStarted(ResponseError),
    #[error("The store of dead letters is unavailable. Try again soon.")]
    Unavailable(#[source] BusError),
    #[error(
        "The store of dead letters has not said whether this was done. Look at the list before you \
         try again."
    )]
    InDoubt(#[source] BusError),
}

/// The stream of them. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct DeadLetters {
    bus: Bus,
    responses: Responses,
    tasks: Tasks,
    seen: Arc<Mutex<Seen>>,
}

/// Letters that were read: they never change, and are read anew only for what may be done with them.
#[derive(Debug, Default)]
struct Seen {
    stream_made_at: i128,
    letters: HashMap<u64, (Instant, Letter)>,
}

impl DeadLetters {
    pub(crate) fn new(bus: Bus, responses: Responses, tasks: Tasks) -> Self {
        Self { bus, responses, tasks, seen: Arc::default() }
    }

    /// How many there are, and a page of them: those that are older than number `before`.
    pub(crate) async fn page(
        &self,
        limit: usize,
        before: Option<u64>,
    ) -> Result<(u64, Letters), DeadLetterError> {
        let there = self.bus.dead_letters().await.map_err(DeadLetterError::Unavailable)?;
        self.seen().begins_anew_with(there.stream_made_at);
        let mut data = Vec::new();
        let mut numbers = there.newest_first(before);
        // What cannot be read counts for the cursor, or whoever goes on from it stays here.
        let mut passed = None;
        for number in numbers.by_ref().take(limit + MOST_PASSED_OVER) {
            passed = Some(number);
            data.extend(self.letter(number).await?);
            if data.len() == limit {
                break;
            }
        }
        let has_more = numbers.next().is_some();
        let first_id = data.first().map(|letter| letter.id.clone());
        let last_id = passed.map(|number: u64| number.to_string());
        Ok((there.kept, Letters { object: "list", data, first_id, last_id, has_more }))
    }

    async fn letter(&self, number: u64) -> Result<Option<Letter>, DeadLetterError> {
        if let Some(letter) = self.seen().get(number) {
            return Ok(Some(letter));
        }
        let buried = self.bus.dead_letter(number).await.map_err(DeadLetterError::Unavailable)?;
        let Some(buried) = buried else { return Ok(None) };
        let again = match log_of(&buried) {
            Ok(log) => match self.responses.may_ask_again(&log).await {
                Ok(again) => again.map_err(|why| why.to_string()),
                Err(error) => {
                    tracing::debug!(%error, "the log of a dead letter is not known: {error}");
                    // Asked after again the next time; the other letters are shown.
                    let why = "What became of it cannot be read now.".to_owned();
                    return Ok(Some(shown(&buried, Some(why))));
                }
            },
            Err(why) => Err(why.to_owned()),
        };
        let letter = shown(&buried, again.err());
        self.seen().remember(number, letter.clone());
        Ok(Some(letter))
    }

    /// Asks again what a letter asked, as a new response of the same owner, and removes the letter.
    /// Twice within a day is once, unless the new one failed as well; also where it is not known
    /// whether the letter was removed.
    pub(crate) async fn redrive(&self, id: &str, actor: Actor) -> Result<JobId, DeadLetterError> {
        let number = number_of(id)?;
        let this = self.clone();
        self.to_its_end(async move {
            let buried = this.bus.dead_letter(number).await;
            let buried = buried.map_err(DeadLetterError::Unavailable)?;
            let buried = buried.ok_or(DeadLetterError::NotFound)?;
            let not = |why: String| DeadLetterError::NotRedriven(why);
            let log = log_of(&buried).map_err(|why| not(why.to_owned()))?;
            let again = this.responses.again(&log).await.map_err(DeadLetterError::NotStarted)?;
            let request = again.map_err(|why: NotAgain| not(why.to_string()))?;
            let created = this.responses.create(&log.owner, request).await.map_err(not_started)?;
            let job = match created {
                (Created::Queued { job, .. }, _told) => job,
                (Created::Answering(following), _told) => following.job(),
            };
            audit::did(&actor, Act::Redriven(job), &shown(&buried, None));
            // One that stays does no harm for a day, while its key is known and what it made has not
            // failed.
            match this.bus.remove_dead_letter(number).await {
                Ok(true) => {}
                Ok(false) => tracing::warn!("dead letter {number} was redriven, and was gone already"),
                Err(error) => {
                    tracing::warn!(%error, "dead letter {number} was redriven and not removed: {error}");
                }
            }
            this.seen().letters.remove(&number);
            Ok(job)
        })
        .await
    }

    /// Removes a letter for good.
    pub(crate) async fn delete(&self, id: &str, actor: Actor) -> Result<(), DeadLetterError> {
        let number = number_of(id)?;
        let (this, id) = (self.clone(), id.to_owned());
        self.to_its_end(async move {
            let buried = this.bus.dead_letter(number).await;
            let buried = buried.map_err(DeadLetterError::Unavailable)?;
            let buried = buried.ok_or(DeadLetterError::NotFound)?;
            let removed = this.bus.remove_dead_letter(number).await;
            this.seen().letters.remove(&number);
            match removed {
                Ok(true) => {
                    audit::did(&actor, Act::Deleted, &shown(&buried, None));
                    Ok(())
                }
                // Somebody was faster.
                Ok(false) => Err(DeadLetterError::NotFound),
                Err(error) => {
                    audit::may_have_done(&actor, Act::Deleted, &id, &error);
                    Err(DeadLetterError::InDoubt(error))
                }
            }
        })
        .await
    }

    /// Whether or not its caller waits: nobody hides an act by leaving.
    async fn to_its_end<T: Send + 'static>(
        &self,
        act: impl Future<Output = Result<T, DeadLetterError>> + Send + 'static,
    ) -> Result<T, DeadLetterError> {
        self.tasks.spawn(act).await.unwrap_or_else(|broken| {
            Err(DeadLetterError::InDoubt(BusError::Unavailable(broken.to_string())))
        })
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Letters {
    /// Without what stands around them.
    pub(super) fn into_letters(self) -> Vec<Letter> {
        self.data
    }
}

impl Seen {
    /// Numbers mean others in a stream that was made anew.
    fn begins_anew_with(&mut self, stream_made_at: i128) {
        if self.stream_made_at != stream_made_at {
            *self = Self { stream_made_at, letters: HashMap::new() };
        }
    }

    fn get(&self, number: u64) -> Option<Letter> {
        let (at, letter) = self.letters.get(&number)?;
        (at.elapsed() < REMEMBERED_FOR).then(|| letter.clone())
    }

    fn remember(&mut self, number: u64, letter: Letter) {
        self.letters.retain(|_, (at, _)| at.elapsed() < REMEMBERED_FOR);
        if self.letters.len() < MOST_REMEMBERED {
            self.letters.insert(number, (Instant::now(), letter));
        }
    }
}

/// The log of the job of a letter, or why it has none.
fn log_of(buried: &Buried) -> Result<LogId, &'static str> {
    if buried.place.0 == Lane::Chat {
        return Err("Its caller waited for it, was told, and is gone.");
    }
    match serde_json::from_slice::<StoredJob<'_>>(&buried.job) {
        Ok(job) => Ok(LogId { owner: job.owner, job: job.id }),
        Err(_unreadable) => Err("What was queued cannot be read."),
    }
}

fn shown(buried: &Buried, why_not: Option<String>) -> Letter {
    let (lane, queue, job) = &buried.place;
    let model = match lane {
        Lane::Chat => serde_json::from_slice::<Job<'_>>(&buried.job).ok().map(|job| job.model),
        Lane::Live | Lane::Background => {
            serde_json::from_slice::<StoredJob<'_>>(&buried.job).ok().map(|job| job.model)
        }
    };
    Letter {
        object: "dead_letter",
        id: buried.number.to_string(),
        created_at: buried.at,
        lane: lane.token(),
        queue: queue.to_string(),
        model: model.map(String::from),
        job_id: job.parse::<JobId>().ok().map(|job| job.to_string()),
        reason: word(&buried.letter.reason),
        attempts: buried.letter.deliveries,
        can_redrive: why_not.is_none(),
        why_not,
    }
}

/// The reason, if it is a word as ours are. The words for a person beside it are not shown: they may
/// quote what could not be read.
fn word(reason: &str) -> String {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    let is_one = (1..=64).contains(&reason.len()) && reason.bytes().all(is_word);
    if is_one { reason } else { "other" }.to_owned()
}

/// The number that an id is, as it is shown: 17, and neither 017 nor +17. There is none before 1.
fn number_of(id: &str) -> Result<u64, DeadLetterError> {
    let number = id.parse().ok().filter(|number: &u64| *number > 0 && number.to_string() == id);
    number.ok_or(DeadLetterError::NotFound)
}

/// What will be the same next time is a reason; everything else may be tried again.
fn not_started(error: ResponseError) -> DeadLetterError {
    match error {
        ResponseError::NotStarted(
            ChatError::UnknownModel(_) | ChatError::WrongCapability { .. },
        )
        | ResponseError::Invalid(_)
        | ResponseError::Conversation(
            ConversationError::NotFound(_)
            | ConversationError::ItemNotFound { .. }
            | ConversationError::TurnNotFound { .. }
            | ConversationError::TooLarge { .. },
        )
        | ResponseError::TooLarge { .. }
        | ResponseError::NotFound(_)
        | ResponseError::PreviousNotFound(_)
        | ResponseError::PreviousNotCompleted { .. }
        | ResponseError::NotInBackground
        | ResponseError::BeyondTheEnd { .. } => DeadLetterError::NotRedriven(error.to_string()),
        ResponseError::NotStarted(_)
        | ResponseError::Conversation(_)
        | ResponseError::PreviousNotReady(_)
        | ResponseError::Key(_)
        | ResponseError::Unavailable(_) => DeadLetterError::NotStarted(error),
    }
}
