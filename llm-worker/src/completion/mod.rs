//! The rules: one job in, a sequence of utterances out, a verdict at the end.
//!
//! The room reaches the world through two seams that it defines itself: [`Models`] (ask) and
//! [`Speak`] (say).

mod figures;
mod outcome;
mod retry;

use std::future::Future;

use bytes::Bytes;
use contract::{Failure, WorkFigures};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub(crate) use figures::{Answered, Arrival};
pub(crate) use outcome::{Outcome, Said};
pub(crate) use retry::{Circumstances, ModelFailure, Trouble};

/// What a job asks of a model.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) job: contract::JobId,
    pub(crate) operation: contract::Operation,
    pub(crate) model: &'a contract::ModelName,
    pub(crate) stream: bool,
    /// Whether a whole answer is one, though a stream was asked for: not every model streams.
    pub(crate) whole_will_do: bool,
    pub(crate) body: Bytes,
    /// The beginning of the answer, which is there already: the model goes on behind it.
    pub(crate) behind: Option<&'a str>,
}

/// Asks models.
pub(crate) trait Models {
    /// The pieces of a streamed answer.
    type Pieces: Pieces + Send;

    /// Asks, and waits for the first piece, or for the whole answer. Other upstreams of the
    /// model have been tried when this fails.
    fn ask(
        &self,
        ask: &Ask<'_>,
    ) -> impl Future<Output = Result<Answer<Self::Pieces>, ModelFailure>> + Send;
}

/// A streamed answer, piece by piece.
pub(crate) trait Pieces {
    /// The pieces that have come since; none at the end.
    fn next(&mut self) -> impl Future<Output = Result<Option<Vec<Bytes>>, ModelFailure>> + Send;

    /// Who answers, and what is known of that so far.
    fn answered(&self) -> Answered;
}

/// What a model answers.
#[derive(Debug)]
pub(crate) enum Answer<P> {
    /// All at once.
    Whole(Bytes, Answered),
    /// In pieces: the first ones, and the rest.
    Streamed(Vec<Bytes>, P),
}

/// Something said to the caller.
#[derive(Debug)]
pub(crate) enum Utterance {
    Chunk(Bytes),
    Done(Box<WorkFigures>),
    Whole(Bytes, Box<WorkFigures>),
    /// With figures if a model had begun to answer.
    Failed(Failure, Option<Box<WorkFigures>>),
}

/// Says things to the caller.
pub(crate) trait Speak {
    /// Says one thing. Nothing more is said after a failure.
    fn say(&mut self, utterance: Utterance) -> impl Future<Output = Result<(), Unsaid>> + Send;
}

/// Why something was not said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsaid {
    /// The way to the caller is blocked.
    Blocked,
    /// It cannot be said; the caller was told that instead, and that the answer has ended.
    Excused,
}

/// Answers one job.
///
/// `stop` ends it in any phase; the model's connection is closed then.
pub(crate) async fn complete<M: Models, S: Speak>(
    models: &M,
    ask: &Ask<'_>,
    arrival: Arrival,
    circumstances: Circumstances,
    voice: &mut S,
    stop: &CancellationToken,
) -> (Outcome, Said) {
    let began = Instant::now();
    let answer = tokio::select! {
        biased;
        () = stop.cancelled() => return (Outcome::Stopped, Said::Nothing),
        answer = models.ask(ask) => answer,
    };
    let (first, pieces) = match answer {
        Err(failure) => {
            let waited = circumstances.waited + began.elapsed();
            return match retry::after(&failure, Circumstances { waited, ..circumstances }) {
                Outcome::GaveUp => give_up(voice, ask, failure, None).await,
                other => (other, Said::Nothing),
            };
        }
        Ok(Answer::Whole(body, answered)) => {
            let whole = Utterance::Whole(body, arrival.figures(answered));
            // A large answer takes a while to be stored.
            return tokio::select! {
                biased;
                () = stop.cancelled() => (Outcome::Stopped, Said::Nothing),
                ended = finish(voice, whole) => ended,
            };
        }
        Ok(Answer::Streamed(first, pieces)) => (first, pieces),
    };
    if stop.is_cancelled() {
        return (Outcome::Stopped, Said::Nothing);
    }
    tokio::select! {
        biased;
        () = stop.cancelled() => (Outcome::Stopped, Said::Something),
        ended = relay(voice, ask, arrival, first, pieces) => ended,
    }
}

/// Hands on the pieces of a stream to its end.
async fn relay<S: Speak, P: Pieces>(
    voice: &mut S,
    ask: &Ask<'_>,
    arrival: Arrival,
    first: Vec<Bytes>,
    mut pieces: P,
) -> (Outcome, Said) {
    let mut news = first;
    loop {
        for chunk in news {
            if let Err(unsaid) = voice.say(Utterance::Chunk(chunk)).await {
                return silenced(unsaid);
            }
        }
        news = match pieces.next().await {
            Ok(Some(news)) => news,
            Ok(None) => {
                let done = Utterance::Done(arrival.figures(pieces.answered()));
                return finish(voice, done).await;
            }
            // Something was said: the failure is final.
            Err(failure) => {
                let work = arrival.figures(pieces.answered());
                return give_up(voice, ask, failure, Some(work)).await;
            }
        };
    }
}

async fn finish<S: Speak>(voice: &mut S, last: Utterance) -> (Outcome, Said) {
    match voice.say(last).await {
        Ok(()) => (Outcome::Done, Said::Something),
        Err(unsaid) => silenced(unsaid),
    }
}

/// The caller is told why there is no answer. If even that cannot be said, the gateway is asked
/// again what its caller has heard.
async fn give_up<S: Speak>(
    voice: &mut S,
    ask: &Ask<'_>,
    failure: ModelFailure,
    work: Option<Box<WorkFigures>>,
) -> (Outcome, Said) {
    // The one warning of a request that fails: each try is told on its own, and not as loudly.
    // What a model refuses is the caller's business, who does not fill the log with it.
    if failure.trouble != Trouble::Refused {
        tracing::warn!(
            error.r#type = failure.trouble.as_str(),
            app.model = %ask.model,
            app.job.id = %ask.job,
            "job {} failed: {}", ask.job, failure.cause
        );
    }
    match voice.say(Utterance::Failed(failure.tell, work)).await {
        Ok(()) => (Outcome::GaveUp, Said::Something),
        Err(unsaid) => silenced(unsaid),
    }
}

fn silenced(unsaid: Unsaid) -> (Outcome, Said) {
    let outcome = match unsaid {
        Unsaid::Blocked => Outcome::Blocked,
        Unsaid::Excused => Outcome::GaveUp,
    };
    (outcome, Said::Something)
}

#[cfg(test)]
mod tests;
