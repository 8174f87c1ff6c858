//! The rules, told to a model and a voice that exist only here.

use std::sync::Mutex;
use std::time::Duration;

use contract::{JobId, ModelName, Operation};

use super::*;

/// Answers once, as told.
struct Scripted(Mutex<Option<Result<Answer<Script>, ModelFailure>>>);

struct Script(Vec<Result<Option<Vec<Bytes>>, ModelFailure>>);

impl Models for Scripted {
    type Pieces = Script;

    async fn ask(&self, _ask: &Ask<'_>) -> Result<Answer<Script>, ModelFailure> {
        let answer = self.0.lock().unwrap().take();
        match answer {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }
}

impl Pieces for Script {
    async fn next(&mut self) -> Result<Option<Vec<Bytes>>, ModelFailure> {
        if self.0.is_empty() {
            return std::future::pending().await;
        }
        self.0.remove(0)
    }

    fn answered(&self) -> Answered {
        let first_token = Some(Duration::from_millis(3));
        Answered { by: "theirs".to_owned(), first_token, ..Answered::default() }
    }
}

/// Hears what is said, until `unsaid` says how it ends.
#[derive(Default)]
struct Heard {
    said: Vec<String>,
    work: Option<WorkFigures>,
    unsaid: Option<Unsaid>,
}

impl Speak for Heard {
    async fn say(&mut self, utterance: Utterance) -> Result<(), Unsaid> {
        if let Some(unsaid) = self.unsaid {
            return Err(unsaid);
        }
        self.said.push(match utterance {
            Utterance::Chunk(chunk) => String::from_utf8_lossy(&chunk).into_owned(),
            Utterance::Whole(body, work) => {
                self.work = Some(*work);
                format!("whole {}", String::from_utf8_lossy(&body))
            }
            Utterance::Done(work) => {
                self.work = Some(*work);
                "done".to_owned()
            }
            Utterance::Failed(failure, work) => {
                self.work = work.map(|work| *work);
                format!("failed {}", failure.status)
            }
        });
        Ok(())
    }
}

fn failure(trouble: Trouble) -> ModelFailure {
    let tell =
        Failure { status: 500, body: String::new(), retry_after_ms: None, should_retry: true };
    ModelFailure { trouble, tell, retry_after: None, cause: String::new() }
}

fn chunk(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

/// Of the second attempt, behind a wait of 7 ms.
fn arrival() -> Arrival {
    Arrival { attempt: 2, queue_wait: Duration::from_millis(7), at: Instant::now() }
}

async fn answer(
    answer: Option<Result<Answer<Script>, ModelFailure>>,
    stop: &CancellationToken,
) -> ((Outcome, Said), Vec<String>) {
    let mut heard = Heard::default();
    let ended = answer_to(&mut heard, answer, stop).await;
    (ended, heard.said)
}

async fn answer_to(
    heard: &mut Heard,
    answer: Option<Result<Answer<Script>, ModelFailure>>,
    stop: &CancellationToken,
) -> (Outcome, Said) {
    let model: ModelName = "m".parse().unwrap();
    let ask = Ask {
        job: JobId::fresh(),
        operation: Operation::ChatCompletions,
        model: &model,
        stream: true,
        whole_will_do: false,
        body: Bytes::new(),
        behind: None,
    };
    let circumstances = Circumstances { attempt: 1, waited: Duration::ZERO, jitter: 0.0 };
    let models = Scripted(Mutex::new(answer));
    complete(&models, &ask, arrival(), circumstances, heard, stop).await
}

#[tokio::test]
async fn a_stream_is_handed_on_in_order_and_ends_with_done() {
    let rest = Script(vec![Ok(Some(vec![chunk("b"), chunk("c")])), Ok(None)]);
    let stream = Ok(Answer::Streamed(vec![chunk("a")], rest));

    let (ended, heard) = answer(Some(stream), &CancellationToken::new()).await;

    assert_eq!(ended, (Outcome::Done, Said::Something));
    assert_eq!(heard, ["a", "b", "c", "done"]);
}

#[tokio::test]
async fn a_failure_before_the_first_word_is_retried_in_silence() {
    let failed = Err(failure(Trouble::Unavailable));

    let (ended, heard) = answer(Some(failed), &CancellationToken::new()).await;

    assert!(matches!(ended, (Outcome::RetryAfter(_), Said::Nothing)), "{ended:?}");
    assert!(heard.is_empty());
}

#[tokio::test]
async fn a_failure_after_the_first_word_is_final_and_said() {
    let rest = Script(vec![Err(failure(Trouble::Unavailable))]);
    let stream = Ok(Answer::Streamed(vec![chunk("a")], rest));

    let (ended, heard) = answer(Some(stream), &CancellationToken::new()).await;

    assert_eq!(ended, (Outcome::GaveUp, Said::Something));
    assert_eq!(heard, ["a", "failed 500"], "and never done");
}

#[tokio::test]
async fn a_stop_ends_it_in_any_phase() {
    let stop = CancellationToken::new();
    stop.cancel();
    let (ended, heard) = answer(None, &stop).await;
    assert_eq!(ended, (Outcome::Stopped, Said::Nothing));
    assert!(heard.is_empty());

    let rest = Script(vec![Ok(Some(vec![chunk("a")]))]);
    let stop = CancellationToken::new();
    let later = stop.clone();
    let speaking = answer(Some(Ok(Answer::Streamed(Vec::new(), rest))), &stop);
    let (answered, ()) = tokio::join!(speaking, async move {
        tokio::task::yield_now().await;
        later.cancel();
    });
    assert_eq!(answered.0, (Outcome::Stopped, Said::Something));
}

#[tokio::test]
async fn a_blocked_way_is_no_end_that_the_caller_knows_of_and_an_excuse_is() {
    for (unsaid, outcome) in
        [(Unsaid::Blocked, Outcome::Blocked), (Unsaid::Excused, Outcome::GaveUp)]
    {
        let stop = CancellationToken::new();
        let whole = Answer::Whole(chunk("w"), Answered::default());
        for said in [whole, Answer::Streamed(vec![chunk("a")], Script(vec![]))] {
            let mut heard = Heard { unsaid: Some(unsaid), ..Heard::default() };
            let (ended, _said) = answer_to(&mut heard, Some(Ok(said)), &stop).await;
            assert_eq!(ended, outcome);
        }
        let mut heard = Heard { unsaid: Some(unsaid), ..Heard::default() };
        let refused = Some(Err(failure(Trouble::Refused)));
        assert_eq!(answer_to(&mut heard, refused, &stop).await.0, outcome);
    }
}

#[tokio::test(start_paused = true)]
async fn time_spent_on_the_attempt_counts_as_waiting() {
    struct Slow;
    impl Models for Slow {
        type Pieces = Script;
        async fn ask(&self, _ask: &Ask<'_>) -> Result<Answer<Script>, ModelFailure> {
            tokio::time::sleep(Duration::from_secs(120)).await;
            Err(failure(Trouble::TimedOut))
        }
    }
    let model: ModelName = "m".parse().unwrap();
    let (job, operation) = (JobId::fresh(), Operation::ChatCompletions);
    let (stream, whole_will_do, body) = (true, false, Bytes::new());
    let ask = Ask { job, operation, model: &model, stream, whole_will_do, body, behind: None };
    let circumstances = Circumstances { attempt: 1, waited: Duration::ZERO, jitter: 0.0 };
    let mut heard = Heard::default();

    let stop = CancellationToken::new();
    let ended = complete(&Slow, &ask, arrival(), circumstances, &mut heard, &stop).await;

    assert_eq!(ended.0, Outcome::GaveUp);
}

#[tokio::test(start_paused = true)]
async fn an_end_tells_what_was_measured_if_a_model_had_begun_to_answer() {
    struct Lingering;
    impl Models for Lingering {
        type Pieces = Script;
        async fn ask(&self, ask: &Ask<'_>) -> Result<Answer<Script>, ModelFailure> {
            tokio::time::sleep(Duration::from_millis(20)).await;
            match ask.stream {
                true => Ok(Answer::Streamed(vec![chunk("a")], Script(vec![Ok(None)]))),
                false => {
                    let (by, output_tokens) = ("theirs".to_owned(), Some(4));
                    let answered = Answered { by, output_tokens, ..Answered::default() };
                    Ok(Answer::Whole(chunk("w"), answered))
                }
            }
        }
    }
    let model: ModelName = "m".parse().unwrap();
    let circumstances = Circumstances { attempt: 1, waited: Duration::ZERO, jitter: 0.0 };
    let stop = CancellationToken::new();
    for (stream, first_token_ms, output_tokens) in [(true, Some(3.0), None), (false, None, Some(4))]
    {
        let (job, operation) = (JobId::fresh(), Operation::ChatCompletions);
        let (whole_will_do, body) = (false, Bytes::new());
        let ask = Ask { job, operation, model: &model, stream, whole_will_do, body, behind: None };
        let mut heard = Heard::default();

        complete(&Lingering, &ask, arrival(), circumstances, &mut heard, &stop).await;

        let work = WorkFigures {
            queue_wait_ms: 7.0,
            first_token_ms,
            work_ms: 20.0,
            upstream: "theirs".to_owned(),
            attempt: 2,
            input_tokens: None,
            output_tokens,
        };
        assert_eq!(heard.work, Some(work));
    }
    let (mut heard, refused) = (Heard::default(), Err(failure(Trouble::Refused)));
    answer_to(&mut heard, Some(refused), &stop).await;
    assert_eq!((heard.said, heard.work), (vec!["failed 500".to_owned()], None));
}
