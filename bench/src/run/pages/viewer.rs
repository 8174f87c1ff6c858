//! Somebody who looks at an answer on the chat page: what its script is sent, and when.

use std::time::Duration;

use anyhow::Context as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use openai_api::sse;
use serde::Deserialize;
use tokio::time::{Instant, timeout};

use crate::load::Caller;

/// All viewers are one browser: those of others would be shown answers of their own.
const SESSION: &str = "chappe_session=00000000000000000000000000000000";
/// Longest silence of an answer that is told.
const SILENCE: Duration = Duration::from_secs(20);
/// Largest event.
const EVENT_LIMIT: usize = 4 * 1024 * 1024;

/// One of them, as long as it is kept.
#[derive(Debug)]
pub(super) struct Viewer {
    _connection: Caller,
    body: Incoming,
    reader: sse::Reader,
    shown: Shown,
}

/// What it sees.
#[derive(Debug, Default)]
struct Shown {
    tail: String,
    /// Words of what will not change any more.
    sealed: u32,
    /// Words altogether.
    words: u32,
    /// Words that were lost, doubled or out of order.
    wrong: u32,
}

/// An event as the page's script reads it.
#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    add: Vec<(String, String)>,
    tail: Option<(usize, String)>,
}

/// When words were seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Of each word.
    pub(super) at: Vec<Instant>,
    pub(super) wrong: u32,
}

impl Viewer {
    /// Follows a response that `web` shows at this address.
    pub(super) async fn opens(address: &str, response: &str) -> anyhow::Result<Self> {
        let mut connection = Caller::connect(address).await?;
        let body = connection.opens(&format!("/c/conv_1/live/{response}"), SESSION).await?;
        let reader = sse::Reader::new(EVENT_LIMIT);
        Ok(Self { _connection: connection, body, reader, shown: Shown::default() })
    }

    /// Reads until it has seen so many words.
    pub(super) async fn sees(&mut self, words: u32) -> anyhow::Result<Seen> {
        let mut seen = Seen::default();
        while self.shown.words < words {
            let frame = timeout(SILENCE, self.body.frame()).await.context("it is silent")?;
            let frame = frame.context("the stream has ended")??;
            let now = Instant::now();
            let Ok(bytes) = frame.into_data() else { continue };
            let shown = &mut self.shown;
            let mut unreadable = None;
            let fed = self.reader.feed(&bytes, |data| match serde_json::from_slice(data) {
                Ok(event) => shown.takes(event),
                Err(error) => unreadable = Some(error),
            });
            anyhow::ensure!(fed.is_ok(), "an event is too long");
            anyhow::ensure!(unreadable.is_none(), "an event cannot be read: {unreadable:?}");
            seen.at.resize(self.shown.words as usize, now);
        }
        seen.wrong = self.shown.wrong;
        Ok(seen)
    }
}

/// When each token of a response is read by somebody who asks the gateway itself.
pub(super) async fn directly(
    address: &str,
    response: &str,
    tokens: u32,
) -> anyhow::Result<Vec<Instant>> {
    let mut connection = Caller::connect(address).await?;
    let path = format!("/v1/responses/{response}?stream=true");
    let mut body = connection.opens(&path, SESSION).await?;
    let mut reader = sse::Reader::new(EVENT_LIMIT);
    let mut seen = Vec::new();
    while seen.len() < tokens as usize {
        let frame = timeout(SILENCE, body.frame()).await.context("it is silent")?;
        let now = Instant::now();
        let Ok(bytes) = frame.context("the stream has ended")??.into_data() else { continue };
        let fed = reader.feed(&bytes, |data| {
            seen.extend(data.windows(5).any(|part| part == b"delta").then_some(now));
        });
        anyhow::ensure!(fed.is_ok(), "an event is too long");
    }
    Ok(seen)
}

impl Shown {
    fn takes(&mut self, event: Event) {
        for (_place, html) in &event.add {
            for number in numbers(html) {
                self.wrong += u32::from(number != self.sealed);
                self.sealed += 1;
            }
        }
        if let Some((kept, more)) = event.tail {
            // What is said here is ASCII: units are bytes.
            self.tail.truncate(kept);
            self.tail.push_str(&more);
        }
        let mut words = self.sealed;
        for number in numbers(&self.tail) {
            self.wrong += u32::from(number != words);
            words += 1;
        }
        self.words = self.words.max(words);
    }
}

/// The numbers of the words in some HTML.
fn numbers(html: &str) -> impl Iterator<Item = u32> {
    html.split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter_map(|word| word.strip_prefix('t')?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(json: &str) -> Event {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn words_are_counted_once_wherever_they_stand() {
        let mut shown = Shown::default();

        shown.takes(event(r#"{"tail": [0, "<p>t0 t1</p>\n"]}"#));
        shown.takes(event(r#"{"add": [["block", "<p>t0 t1 t2</p>\n"]], "tail": [3, "t3</p>"]}"#));
        shown.takes(event(r#"{"tail": [5, " t4</p>"]}"#));

        assert_eq!((shown.sealed, shown.words, shown.wrong), (3, 5, 0));
    }

    #[test]
    fn a_word_that_is_lost_or_doubled_is_wrong() {
        for json in [r#"{"tail": [0, "t0 t2"]}"#, r#"{"add": [["block", "t0 t0"]]}"#] {
            let mut shown = Shown::default();
            shown.takes(event(json));
            assert_eq!(shown.wrong, 1, "{json}");
        }
    }
}
