//! A response as a fold of its log: the only place where records become events.
//!
//! The same records give the same events, byte for byte, in whichever pieces they are read, on
//! whichever gateway. No clock and no id is made here.

use bus::Entry;
use bytes::Bytes;
use contract::log::{self, Accepted, Api, Chunks, LogId, Outcome, Record};
use contract::{Failure, JobId, WorkFigures};
use openai_api::ErrorBody;
use openai_api::responses::{About, CreateResponse, End, Projection, ResponseEvent, Status};

use super::counting::{Counted, counted};
use super::failures;
use super::following::Projected;
use super::times::Times;
use crate::receipt;

/// A response, as far as its log was read.
pub(crate) struct Fold {
    projection: Projection,
    /// The first record, as it is stored; nothing where it is only followed.
    first: Bytes,
    background: bool,
    kept: bool,
    /// The newest attempt; 0 before the first.
    attempt: u32,
    spoken: bool,
    times: Times,
    end: Option<Outcome>,
    /// What was measured of the attempt that ended.
    work: Option<WorkFigures>,
    newest_event: Option<u64>,
}

/// The log does not begin with what was accepted, or with something that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotAResponse;

impl Fold {
    /// Begins with the first record of a log.
    pub(crate) fn begin(
        log: &LogId,
        first: &Entry,
        out: &mut Vec<ResponseEvent>,
    ) -> Result<Self, NotAResponse> {
        let accepted = accepted(&first.message).ok_or(NotAResponse)?;
        let is_of = accepted.job == log.job && accepted.owner == log.owner;
        if !is_of || accepted.api != Api::Responses {
            return Err(NotAResponse);
        }
        let (id, seed) = (log.job.as_response(), log.job.to_string());
        let about = About {
            id: &id,
            seed: &seed,
            created_at: accepted.accepted_at_ms / 1000,
            model: accepted.model.as_str(),
            request: accepted.request.get(),
        };
        let projection = Projection::new(&about).map_err(|_invalid| NotAResponse)?;
        let asked = request(&accepted).ok_or(NotAResponse)?;
        let (kept, background) = (asked.store(), asked.background());
        let mut fold = Self {
            projection,
            first: first.message.clone(),
            background,
            kept,
            attempt: 0,
            spoken: false,
            times: Times::begin(&accepted),
            end: None,
            work: None,
            newest_event: None,
        };
        fold.projection.accepted(out);
        fold.note_newest(out);
        Ok(fold)
    }

    /// A whole log.
    pub(crate) fn of(log: &LogId, entries: &[Entry]) -> Result<Self, NotAResponse> {
        let (first, others) = entries.split_first().ok_or(NotAResponse)?;
        let mut out = Vec::new();
        let mut fold = Self::begin(log, first, &mut out)?;
        for entry in others {
            out.clear();
            fold.read(entry, &mut out);
        }
        Ok(fold)
    }

    /// Reads the next record. What stands behind the end is no part of the log.
    pub(crate) fn read(&mut self, entry: &Entry, out: &mut Vec<ResponseEvent>) {
        if self.end.is_some() {
            return;
        }
        match counted(entry, &mut self.attempt) {
            None => {}
            Some(Counted::Started(started)) => {
                self.times.started(&started);
                self.projection.started(started.continues_at.is_some(), out);
            }
            Some(Counted::Said(chunks)) => self.chunks(chunks, out),
            Some(Counted::Ended(chunks, ended)) => {
                self.chunks(chunks, out);
                if let Some(receipt) = self.times.receipt(&ended) {
                    self.projection.tells_too(receipt::MEMBER, &receipt);
                }
                self.projection.ended(&end_of(&ended.outcome), ended.at_ms / 1000, out);
                self.end = Some(ended.outcome);
                self.work = ended.work;
            }
        }
        self.note_newest(out);
    }

    fn chunks(&mut self, chunks: Chunks<'_>, out: &mut Vec<ResponseEvent>) {
        let before = out.len();
        for chunk in chunks {
            self.projection.chunk(chunk, out);
        }
        self.spoken |= out.len() > before;
    }

    fn note_newest(&mut self, out: &[ResponseEvent]) {
        if let Some(event) = out.last() {
            self.newest_event = Some(event.sequence_number);
        }
    }

    /// The response object now.
    pub(crate) fn response(&self) -> Vec<u8> {
        self.projection.response()
    }

    /// How it stands.
    pub(crate) fn status(&self) -> Status {
        self.projection.status()
    }

    /// Whether it has.
    pub(crate) fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Whether the model said something, or never will.
    pub(crate) fn has_spoken_or_ended(&self) -> bool {
        self.spoken || self.end.is_some()
    }

    /// Why there is no answer, if there is none.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        match &self.end {
            Some(Outcome::Failed(failure)) => Some(failure),
            _ => None,
        }
    }

    /// The same, while nothing was said: the failure is then the whole answer.
    pub(crate) fn failure_alone(&self) -> Option<&Failure> {
        if self.spoken { None } else { self.failure() }
    }

    /// Whether its answer is fetched later.
    pub(crate) fn background(&self) -> bool {
        self.background
    }

    /// Whether it may be read by anybody but who asked.
    pub(crate) fn is_kept(&self) -> bool {
        self.kept
    }

    /// What its worker measured, once it has ended.
    pub(crate) fn work(&self) -> Option<&WorkFigures> {
        self.work.as_ref()
    }

    /// The number of the last event so far.
    pub(crate) fn newest_event(&self) -> Option<u64> {
        self.newest_event
    }

    /// The items that it answers, a JSON array: those of earlier turns, then its own input.
    pub(crate) fn input_items(&self) -> Option<String> {
        let [context, input] = self.context_and_input()?;
        Some(joined([&context, &input]))
    }

    /// The same, apart.
    pub(crate) fn context_and_input(&self) -> Option<[String; 2]> {
        let accepted = accepted(&self.first)?;
        let input = request(&accepted)?.input_items(&accepted.job.to_string());
        Some([accepted.context.get().to_owned(), input])
    }

    /// Its own input and what it answers so far, a JSON array.
    pub(crate) fn turn_items(&self) -> Option<String> {
        let [_context, input] = self.context_and_input()?;
        Some(joined([&input, &self.projection.output_items()]))
    }

    /// The model that was asked.
    pub(crate) fn model(&self) -> Option<String> {
        Some(accepted(&self.first)?.model.as_str().to_owned())
    }

    /// The conversation that it is a turn of.
    pub(crate) fn conversation(&self) -> Option<String> {
        request(&accepted(&self.first)?)?.conversation().map(str::to_owned)
    }

    /// The key of the record that names it, if it was asked for under an idempotency key.
    pub(crate) fn key(&self) -> Option<String> {
        accepted(&self.first)?.key
    }

    /// What stands before the input of a next turn, a JSON array.
    pub(crate) fn next_context(&self) -> Option<String> {
        Some(joined([self.input_items()?.as_str(), &self.projection.output_items()]))
    }
}

/// `Way`: events up to this one were read before.
impl Projected for Fold {
    type News = ResponseEvent;
    type Way = Option<u64>;

    fn begin(
        log: &LogId,
        first: &Entry,
        _way: Self::Way,
        out: &mut Vec<ResponseEvent>,
    ) -> Result<Self, NotAResponse> {
        // Who follows an answer does not hold for as long what was asked: that may be large.
        Ok(Self { first: Bytes::new(), ..Self::begin(log, first, out)? })
    }

    fn read(&mut self, entry: &Entry, out: &mut Vec<ResponseEvent>) {
        self.read(entry, out);
    }

    fn background(&self) -> bool {
        self.background
    }

    fn broken_off(read: Option<&Self>, job: JobId) -> Failure {
        match read {
            Some(fold) if !fold.kept => failures::gateway_stopped_for_good(),
            Some(_) | None => failures::gateway_stopped(job),
        }
    }

    fn end(&self) -> Option<&Outcome> {
        self.end.as_ref()
    }

    fn is_over(&self) -> bool {
        self.end.is_some()
    }

    fn new_to(
        &self,
        after: Self::Way,
        mut events: Vec<ResponseEvent>,
    ) -> Result<Vec<ResponseEvent>, Failure> {
        let Some(after) = after else { return Ok(events) };
        if let (true, Some(last)) = (self.has_ended(), self.newest_event)
            && after > last
        {
            return Err(failures::beyond_the_end(after, last));
        }
        events.retain(|event| event.sequence_number > after);
        Ok(events)
    }
}

fn accepted(message: &[u8]) -> Option<Accepted<'_>> {
    match log::read(message) {
        Ok((Record::Accepted(accepted), _)) => Some(accepted),
        _ => None,
    }
}

fn request(accepted: &Accepted<'_>) -> Option<CreateResponse> {
    CreateResponse::parse(accepted.request.get().as_bytes()).ok()
}

fn end_of(outcome: &Outcome) -> End {
    match outcome {
        Outcome::Completed => End::Completed,
        Outcome::Cancelled => End::Cancelled,
        Outcome::Failed(failure) => {
            let error = serde_json::from_str::<ErrorBody>(&failure.body).ok();
            let (code, message) = match error {
                Some(body) => (body.error.code, body.error.message),
                None => (None, "The request failed.".to_owned()),
            };
            End::Failed { code: code.unwrap_or_else(|| "server_error".to_owned()), message }
        }
    }
}

/// The elements of two JSON arrays as one array.
fn joined(arrays: [&str; 2]) -> String {
    let inner = arrays.map(|array| {
        let inner = array.trim().strip_prefix('[').and_then(|array| array.strip_suffix(']'));
        inner.unwrap_or_default().trim()
    });
    let comma = if inner.iter().all(|inner| !inner.is_empty()) { "," } else { "" };
    format!("[{}{comma}{}]", inner[0], inner[1])
}
