//! What ended without an answer may be asked once more, by somebody else than who asked.

use bus::Entry;
use bytes::Bytes;
use contract::log::{self, Api, LogId, Record};
use openai_api::object::Members;
use openai_api::responses::{CreateResponse, Status};

use super::error::ResponseError;
use super::fold::Fold;
use super::logs::{self, Doubt};
use super::request::{Asked, Request};
use super::service::Inner;
use crate::idempotency::Repeatable;

/// What a repeat of the repeat is known by.
const PATH: &str = "/v1/responses";

/// Why something is not asked again. In words for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAgain {
    #[error("Its owner has deleted it, or it is too old: nothing is known of it any more.")]
    Gone,
    #[error("It was not to be stored: its caller was told, and is gone.")]
    NobodyReads,
    #[error("It has no end yet, and may still be answered.")]
    Open,
    #[error("It was answered after all.")]
    Answered,
    #[error("Somebody has stopped it.")]
    Stopped,
    #[error("Its owner has asked it again, under the same Idempotency-Key.")]
    AskedAgain,
}

/// The request behind a log that has failed, to be answered in the background: nobody waits for it
/// any more. The same log gives a request that is answered once, whoever asks it how often.
pub(super) async fn request(
    inner: &Inner,
    log: &LogId,
) -> Result<Result<Request, NotAgain>, ResponseError> {
    let entries = logs::read(&inner.bus, log, 0, Doubt::Refused).await?;
    asked_in(inner, log, &entries).await
}

/// Whether there is such a request. Of a log that is still there its first and its last record say so:
/// what lies between them is not read.
pub(super) async fn is_there(
    inner: &Inner,
    log: &LogId,
) -> Result<Result<(), NotAgain>, ResponseError> {
    let entries = match (inner.bus.first_entry(log).await?, inner.bus.last_entry(log).await?) {
        (Some(first), Some(last)) if logs::is_beginning(&first) => vec![first, last],
        _ => logs::read(&inner.bus, log, 0, Doubt::Refused).await?,
    };
    Ok(asked_in(inner, log, &entries).await?.map(|_request| ()))
}

/// The request that these entries tell of, unless its owner was faster.
async fn asked_in(
    inner: &Inner,
    log: &LogId,
    entries: &[Entry],
) -> Result<Result<Request, NotAgain>, ResponseError> {
    if let Some(key) = key_of(entries)
        && let Some(makes) = inner.ledger.makes(&key).await?
        && makes != log.job.to_string()
    {
        return Ok(Err(NotAgain::AskedAgain));
    }
    Ok(asked(log, entries))
}

/// The record of the key under which its owner asked it.
fn key_of(entries: &[Entry]) -> Option<String> {
    match log::read(&entries.first()?.message) {
        Ok((Record::Accepted(accepted), _chunks)) => accepted.key,
        _ => None,
    }
}

fn asked(log: &LogId, entries: &[Entry]) -> Result<Request, NotAgain> {
    let first = entries.first().ok_or(NotAgain::Gone)?;
    let Ok((Record::Accepted(accepted), _chunks)) = log::read(&first.message) else {
        return Err(NotAgain::Gone);
    };
    if accepted.api != Api::Responses {
        return Err(NotAgain::NobodyReads);
    }
    let fold = Fold::of(log, entries).map_err(|_no_response| NotAgain::Gone)?;
    if !fold.is_kept() {
        return Err(NotAgain::NobodyReads);
    }
    match fold.status() {
        Status::Failed => {}
        Status::Queued | Status::InProgress => return Err(NotAgain::Open),
        Status::Completed | Status::Incomplete => return Err(NotAgain::Answered),
        Status::Cancelled => return Err(NotAgain::Stopped),
    }
    let asked = accepted.request.get();
    let members = Members::parse(asked.as_bytes()).map_err(|_no_object| NotAgain::Gone)?;
    let body = Bytes::from(members.with(&[("background", "true"), ("stream", "false")]));
    let asked = CreateResponse::parse(&body).map_err(|_invalid| NotAgain::Gone)?;
    let key = format!("chappe-redrive-{}", log.job);
    let repeatable = Repeatable::of(&log.owner, key.as_bytes(), PATH, &body);
    Ok(Request { asked: Asked::Response(Box::new(asked)), body, repeatable })
}

#[cfg(test)]
mod tests {
    use contract::log::{Ended, Outcome};
    use contract::{Failure, JobId, Owner};

    use super::super::tests::accepted_by;
    use super::*;

    fn accepted(log: &LogId, api: Api, request: &str) -> Bytes {
        accepted_by(api, log, request).into()
    }

    fn ended(outcome: Outcome) -> Bytes {
        let ended = Ended { attempt: 1, number: 0, outcome, at_ms: 2, work: None };
        log::write::<&[u8]>(&Record::Ended(ended), &[]).into()
    }

    fn failed() -> Outcome {
        let body = r#"{"error":{"message":"no","type":"t","param":null,"code":"c"}}"#.to_owned();
        Outcome::Failed(Failure { status: 500, body, retry_after_ms: None, should_retry: false })
    }

    fn of(log: &LogId, messages: Vec<Bytes>) -> Result<Request, NotAgain> {
        let entries = (1..).zip(messages);
        let entries = entries.map(|(sequence, message)| Entry { sequence, message });
        asked(log, &entries.collect::<Vec<_>>())
    }

    #[test]
    fn what_has_failed_is_asked_again_in_the_background_and_otherwise_as_it_was() {
        let log = LogId { owner: Owner::local(), job: JobId::fresh() };
        // Where it stood in its conversation stays, too.
        let turn = r#""model":"m","input":"x","conversation":"conv_1","chappe":{"after":null}"#;
        let request = format!(r#"{{{turn},"stream":true,"temperature":1.50}}"#);
        let log_of = || vec![accepted(&log, Api::Responses, &request), ended(failed())];

        let again = of(&log, log_of()).unwrap();

        let expected = format!(r#"{{{turn},"stream":false,"temperature":1.50,"background":true}}"#);
        assert_eq!(again.body, expected);
        assert!(again.asked.background() && !again.asked.stream());
        assert_eq!(again.repeatable, of(&log, log_of()).unwrap().repeatable, "twice is once");
        let other = LogId { job: JobId::fresh(), ..log.clone() };
        let other_log = vec![accepted(&other, Api::Responses, &request), ended(failed())];
        assert_ne!(again.repeatable, of(&other, other_log).unwrap().repeatable);
    }

    #[test]
    fn what_nobody_could_read_or_has_another_end_is_not() {
        let log = LogId { owner: Owner::local(), job: JobId::fresh() };
        let begun = |api, request| accepted(&log, api, request);
        let plain = r#"{"model":"m","input":"x"}"#;
        let unkept = r#"{"model":"m","input":"x","store":false}"#;
        let response = |end| vec![begun(Api::Responses, plain), ended(end)];
        for (why, messages) in [
            (NotAgain::Gone, vec![]),
            (NotAgain::Gone, vec![ended(failed())]),
            (NotAgain::Open, vec![begun(Api::Responses, plain)]),
            (NotAgain::Answered, response(Outcome::Completed)),
            (NotAgain::Stopped, response(Outcome::Cancelled)),
            (NotAgain::NobodyReads, vec![begun(Api::Responses, unkept), ended(failed())]),
            (NotAgain::NobodyReads, vec![begun(Api::ChatCompletions, plain), ended(failed())]),
        ] {
            assert_eq!(of(&log, messages).unwrap_err(), why);
        }
    }
}
