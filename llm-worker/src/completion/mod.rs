//! The rules: one job in, a sequence of utterances out, a verdict at the end.
//!
//! The room reaches the world through two seams that it defines itself: [`Models`] (ask) and
//! [`Speak`] (say).

mod outcome;
mod retry;

use std::future::Future;

use bytes::Bytes;
use contract::Failure;
use tokio_util::sync::CancellationToken;

pub(crate) use outcome::{Outcome, Said};
pub(crate) use retry::{Circumstances, ModelFailure, Trouble};

/// What a job asks of a model.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) job: contract::JobId,
    pub(crate) operation: contract::Operation,
    pub(crate) model: &'a contract::ModelName,
    pub(crate) stream: bool,
    pub(crate) body: Bytes,
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
}

/// What a model answers.
#[derive(Debug)]
pub(crate) enum Answer<P> {
    /// All at once.
    Whole(Bytes),
    /// In pieces: the first ones, and the rest.
    Streamed(Vec<Bytes>, P),
}

/// Something said to the caller.
#[derive(Debug)]
pub(crate) enum Utterance {
    Chunk(Bytes),
    Done,
    Whole(Bytes),
    Failed(Failure),
}

/// Says things to the caller.
pub(crate) trait Speak {
    /// Says one thing. Fails when it cannot be said any more.
    fn say(&mut self, utterance: Utterance) -> impl Future<Output = Result<(), Mute>> + Send;
}

/// Nothing can be said any more: the way to the caller is blocked.
#[derive(Debug)]
pub(crate) struct Mute;

/// Answers one job.
///
/// `stop` ends it in any phase; the model's connection is closed then.
pub(crate) async fn complete<M: Models, S: Speak>(
    models: &M,
    ask: &Ask<'_>,
    circumstances: Circumstances,
    voice: &mut S,
    stop: &CancellationToken,
) -> (Outcome, Said) {
    let answer = tokio::select! {
        biased;
        () = stop.cancelled() => return (Outcome::Stopped, Said::Nothing),
        answer = models.ask(ask) => answer,
    };
    let (first, pieces) = match answer {
        Err(failure) => match retry::after(&failure, circumstances) {
            outcome @ Outcome::GaveUp => return give_up(voice, failure.tell, outcome).await,
            other => return (other, Said::Nothing),
        },
        Ok(Answer::Whole(body)) => return finish(voice, Utterance::Whole(body)).await,
        Ok(Answer::Streamed(first, pieces)) => (first, pieces),
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => (Outcome::Stopped, Said::Something),
        ended = relay(voice, first, pieces) => ended,
    }
}

/// Hands on the pieces of a stream to its end.
async fn relay<S: Speak, P: Pieces>(
    voice: &mut S,
    first: Vec<Bytes>,
    mut pieces: P,
) -> (Outcome, Said) {
    let mut news = first;
    loop {
        for chunk in news {
            if voice.say(Utterance::Chunk(chunk)).await.is_err() {
                return (Outcome::Stopped, Said::Something);
            }
        }
        news = match pieces.next().await {
            Ok(Some(news)) => news,
            Ok(None) => return finish(voice, Utterance::Done).await,
            // Something was said: the failure is final.
            Err(failure) => return give_up(voice, failure.tell, Outcome::GaveUp).await,
        };
    }
}

async fn finish<S: Speak>(voice: &mut S, last: Utterance) -> (Outcome, Said) {
    match voice.say(last).await {
        Ok(()) => (Outcome::Done, Said::Something),
        Err(Mute) => (Outcome::Stopped, Said::Something),
    }
}

async fn give_up<S: Speak>(voice: &mut S, failure: Failure, outcome: Outcome) -> (Outcome, Said) {
    // If it cannot be said, the gateway notices the silence.
    let _mute = voice.say(Utterance::Failed(failure)).await;
    (outcome, Said::Something)
}

#[cfg(test)]
mod tests;
