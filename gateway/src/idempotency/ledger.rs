//! Which key was used for what: claimed by compare-and-set, forgotten after a day.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bus::{BusError, RecordError, Records};
use bytes::Bytes;
use contract::RequestId;
use serde::{Deserialize, Serialize};
use service_runtime::Tasks;
use tokio::time::Instant;

use super::Repeatable;
use super::error::KeyError;
use crate::clock::shared_now_ms;

/// Longest time until a key is claimed, or known to be.
const ENTERED_WITHIN: Duration = Duration::from_secs(10);

/// The keys of all callers. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Ledger(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    records: Records,
    tasks: Tasks,
}

/// What is kept of a key.
#[derive(Debug, Serialize, Deserialize)]
struct Line<'a> {
    /// A digest of the request.
    request: Cow<'a, str>,
    /// The id of what is made for it.
    makes: Cow<'a, str>,
    /// When it was claimed, milliseconds since 1970.
    at_ms: u64,
}

/// What becomes of a request.
#[derive(Debug)]
pub(crate) enum Entered {
    /// Nobody has asked it before.
    First(Claim),
    /// Somebody has.
    Before(Before),
}

/// A request that was made before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Before {
    /// The id of what was, or is about to be, made for it.
    pub(crate) makes: String,
    /// For how long, by the clock of NATS.
    pub(crate) age: Duration,
    revision: u64,
}

/// A key that was claimed. Dropping it frees the key, unless the claim was kept.
#[derive(Debug)]
pub(crate) struct Claim {
    ledger: Ledger,
    record: String,
    makes: String,
    begun_at: Instant,
    /// Dropping it frees nothing.
    kept: bool,
}

/// The id under which something is made once, if its request came with a key. Whoever repeats the
/// request makes the same, so nothing has to be freed if its caller leaves.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) makes: String,
    /// The key that names it, if nobody was told of it before.
    new: Option<String>,
}

impl Ledger {
    pub(crate) fn new(records: Records, tasks: Tasks) -> Self {
        Self(Arc::new(Inner { records, tasks }))
    }

    /// Claims the key of a request for what is about to be made under this id, unless it was
    /// claimed before.
    ///
    /// # Cancellation
    ///
    /// Dropping the future frees the key, if it was claimed.
    pub(crate) async fn enter(
        &self,
        request: &Repeatable,
        makes: &str,
    ) -> Result<Entered, KeyError> {
        // Before it is made: an answer that is lost does not tell whether it was.
        let mut claim = self.claim(request, makes);
        match self.entered(request, makes).await {
            Ok(None) => Ok(Entered::First(claim)),
            Ok(Some(before)) => {
                claim.keep();
                Ok(Entered::Before(before))
            }
            Err(error) => {
                claim.kept = matches!(error, KeyError::Reused);
                Err(error)
            }
        }
    }

    /// Enters a request for what is about to be made under this id; what it was entered for before,
    /// if it was. Nothing frees it.
    async fn entered(&self, request: &Repeatable, makes: &str) -> Result<Option<Before>, KeyError> {
        let entered = async {
            loop {
                match self.0.records.create(request.record(), line(request, makes)).await {
                    Ok(_revision) => return Ok(None),
                    Err(RecordError::Conflict) => {}
                    Err(RecordError::Unavailable(error)) => return Err(error.into()),
                }
                // It may have been freed meanwhile.
                if let Some(before) = self.look(request).await? {
                    // What was stored although its answer was lost is ours all the same.
                    return Ok(Some(before).filter(|before| before.makes != makes));
                }
            }
        };
        match tokio::time::timeout(ENTERED_WITHIN, entered).await {
            Ok(entered) => entered,
            Err(_elapsed) => Err(KeyError::Unavailable(None)),
        }
    }

    /// What is known of a request, without a claim.
    pub(crate) async fn look(&self, request: &Repeatable) -> Result<Option<Before>, KeyError> {
        let Some(found) = self.0.records.get(request.record()).await? else { return Ok(None) };
        let line = read(&found.value)?;
        if line.request != request.digest() {
            return Err(KeyError::Reused);
        }
        let age = Duration::from_millis(shared_now_ms().saturating_sub(line.at_ms));
        Ok(Some(Before { makes: line.makes.into_owned(), age, revision: found.revision }))
    }

    /// Whose id the record of a key holds now.
    pub(crate) async fn makes(&self, record: &str) -> Result<Option<String>, KeyError> {
        let Some(found) = self.0.records.get(record).await? else { return Ok(None) };
        Ok(Some(read(&found.value)?.makes.into_owned()))
    }

    /// Claims the key of a request that was made before and came to nothing; `None` when somebody
    /// else has.
    pub(crate) async fn take_over(
        &self,
        request: &Repeatable,
        before: &Before,
        makes: &str,
    ) -> Result<Option<Claim>, KeyError> {
        let mut claim = self.claim(request, makes);
        let (key, value) = (request.record(), line(request, makes));
        match self.0.records.update(key, value, before.revision).await {
            Ok(_revision) => Ok(Some(claim)),
            Err(RecordError::Conflict) => {
                claim.keep();
                Ok(None)
            }
            Err(RecordError::Unavailable(error)) => Err(error.into()),
        }
    }

    /// The id under which something is made, which is fresh unless it was made before.
    pub(crate) async fn place(
        &self,
        request: Option<&Repeatable>,
        fresh: String,
    ) -> Result<Place, KeyError> {
        let Some(request) = request else { return Ok(Place { makes: fresh, new: None }) };
        Ok(match self.entered(request, &fresh).await? {
            None => Place { makes: fresh, new: Some(request.record().to_owned()) },
            Some(before) => Place { makes: before.makes, new: None },
        })
    }

    /// What was to be made there was refused for good: another request may have the key. One that
    /// repeats another leaves it: that may have been accepted.
    pub(crate) fn is_refused(&self, place: Place) {
        if let Some(record) = place.new {
            self.free_later(record, place.makes);
        }
    }

    /// Notes a request that may be done again, and that no other may be taken for.
    pub(crate) async fn note(&self, request: Option<&Repeatable>) -> Result<(), KeyError> {
        self.place(request, RequestId::fresh().to_string()).await.map(|_place| ())
    }

    /// Frees a key, if it still names what was made under this id.
    pub(crate) async fn free(&self, record: &str, makes: &str) -> Result<(), KeyError> {
        let records = &self.0.records;
        let Some(found) = records.get(record).await? else { return Ok(()) };
        if read(&found.value)?.makes != makes {
            return Ok(());
        }
        match records.delete_at(record, found.revision).await {
            // Somebody has taken it over.
            Ok(()) | Err(RecordError::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn claim(&self, request: &Repeatable, makes: &str) -> Claim {
        let (record, makes) = (request.record().to_owned(), makes.to_owned());
        Claim { ledger: self.clone(), record, makes, begun_at: Instant::now(), kept: false }
    }

    fn free_later(&self, record: String, makes: String) {
        let ledger = self.clone();
        self.0.tasks.spawn_detached(async move {
            ledger.free_or_say(&record, &makes).await;
        });
    }

    async fn free_or_say(&self, record: &str, makes: &str) {
        if let Err(error) = self.free(record, makes).await {
            // Whoever asks again waits for a while, and takes it over.
            tracing::warn!(%error, "an idempotency key was not freed: {error}");
        }
    }
}

impl Claim {
    /// What it names was made, or may have been: from here on only [`Claim::free`] frees it.
    pub(crate) fn keep(&mut self) {
        self.kept = true;
    }

    /// It is known that nothing was, or will be, made.
    pub(crate) async fn free(&self) {
        self.ledger.free_or_say(&self.record, &self.makes).await;
    }

    /// Since when whoever asks again may wait for it.
    pub(crate) fn begun_at(&self) -> Instant {
        self.begun_at
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.kept {
            let (record, makes) = (&mut self.record, &mut self.makes);
            self.ledger.free_later(std::mem::take(record), std::mem::take(makes));
        }
    }
}

fn line(request: &Repeatable, makes: &str) -> Bytes {
    let line =
        Line { request: request.digest().into(), makes: makes.into(), at_ms: shared_now_ms() };
    // Texts and a number: writing them to memory cannot fail.
    serde_json::to_vec(&line).unwrap_or_default().into()
}

fn read(value: &[u8]) -> Result<Line<'_>, KeyError> {
    serde_json::from_slice(value).map_err(|_no_line| {
        let what = "a record of an idempotency key cannot be read".to_owned();
        KeyError::Unavailable(Some(BusError::NotReady(what)))
    })
}
