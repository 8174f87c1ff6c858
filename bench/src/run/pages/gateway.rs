//! What stands behind `web` while it is measured: a gateway that says each token at a moment that
//! is known. It says what `web` needs of a gateway, and nothing else.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

/// Longest head of a request.
const LONGEST_HEAD: usize = 16 * 1024;
/// Tokens of a paragraph.
const PARAGRAPH: u32 = 40;
/// From the moment that somebody looks to the first token of an answer that has said nothing yet.
const THINKS: Duration = Duration::from_millis(700);

/// How an answer is told; it stands in the response's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    /// What was said before somebody asks comes at once.
    pub(super) said: u32,
    pub(super) gap: Duration,
    /// After so many it says nothing more, and does not end.
    pub(super) tokens: u32,
}

type Sent = Rc<RefCell<HashMap<String, Vec<Instant>>>>;

/// A gateway, as long as it is kept.
#[derive(Debug)]
pub(super) struct Gateway {
    pub(super) address: String,
    sent: Sent,
    serving: AbortHandle,
}

impl Pace {
    /// A response that is told like this, one of several.
    pub(super) fn response(self, number: usize) -> String {
        format!("resp_s{}g{}n{}x{number}", self.said, self.gap.as_millis(), self.tokens)
    }

    fn of(response: &str) -> Option<Self> {
        let (said, rest) = response.strip_prefix("resp_s")?.split_once('g')?;
        let (gap, rest) = rest.split_once('n')?;
        let (tokens, _number) = rest.split_once('x')?;
        let gap = Duration::from_millis(gap.parse().ok()?);
        Some(Self { said: said.parse().ok()?, gap, tokens: tokens.parse().ok()? })
    }

    /// Characters of all of it.
    pub(super) fn bytes(self) -> usize {
        (0..self.tokens).map(|number| token(number).len()).sum()
    }
}

/// What is said: a word, and now and then the end of a paragraph.
fn token(number: u32) -> String {
    let end = if (number + 1).is_multiple_of(PARAGRAPH) { "\n\n" } else { " " };
    format!("t{number}{end}")
}

impl Gateway {
    /// Answers for as long as it is polled. Must run inside a [`tokio::task::LocalSet`].
    pub(super) async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?.to_string();
        let sent = Sent::default();
        let known = Rc::clone(&sent);
        let serving = tokio::task::spawn_local(async move {
            while let Ok((stream, _peer)) = listener.accept().await {
                let sent = Rc::clone(&known);
                tokio::task::spawn_local(async move {
                    // A caller who leaves is no news here.
                    let _left = serve(stream, &sent).await;
                });
            }
        });
        Ok(Self { address, sent, serving: serving.abort_handle() })
    }

    /// When each token of a response was sent, to whoever asked last.
    pub(super) fn sent(&self, response: &str) -> Vec<Instant> {
        self.sent.borrow().get(response).cloned().unwrap_or_default()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(mut stream: TcpStream, sent: &Sent) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let head = head_of(&mut stream).await?;
    let path = head.split(' ').nth(1).context("no request")?;
    let response = path.strip_prefix("/v1/responses/").and_then(|rest| rest.split('?').next());
    if let Some((response, pace)) = response.and_then(|name| Some((name, Pace::of(name)?))) {
        return tell(&mut stream, response, pace, sent).await;
    }
    let list = match path.split('?').next() {
        Some("/v1/models") => {
            json!([{"id": "m", "object": "model", "created": 0, "owned_by": "m"}])
        }
        Some(turns) if turns.ends_with("/turns") => {
            let until = path.split_once("until=").map(|(_, turn)| turn);
            json!([{"id": until, "response": {"status": "in_progress"}}])
        }
        _ => json!([]),
    };
    let body = json!({"object": "list", "data": list, "has_more": false}).to_string();
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    Ok(())
}

async fn head_of(stream: &mut TcpStream) -> anyhow::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < LONGEST_HEAD {
        anyhow::ensure!(stream.read_buf(&mut head).await? > 0, "it has left");
    }
    Ok(String::from_utf8(head)?)
}

/// Tells a response, each token when it is due, then nothing until the reader leaves.
async fn tell(
    stream: &mut TcpStream,
    response: &str,
    pace: Pace,
    sent: &Sent,
) -> anyhow::Result<()> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    let began = json!({"type": "response.in_progress", "sequence_number": 0});
    stream.write_all(event(&began).as_bytes()).await?;
    sent.borrow_mut().insert(response.to_owned(), Vec::new());
    let mut began = Instant::now();
    if pace.said == 0 {
        // Nothing is said at the moment that somebody begins to look.
        began += THINKS;
    }
    for number in 0..pace.tokens {
        sleep_until(began + pace.gap * number.saturating_sub(pace.said)).await;
        let said = json!({
            "type": "response.output_text.delta",
            "sequence_number": number + 1,
            "delta": token(number),
        });
        let frame = event(&said);
        if let Some(moments) = sent.borrow_mut().get_mut(response) {
            moments.push(Instant::now());
        }
        stream.write_all(frame.as_bytes()).await?;
    }
    let _gone = stream.read(&mut [0]).await;
    Ok(())
}

fn event(json: &serde_json::Value) -> String {
    format!("data: {json}\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_read_as_it_is_written() {
        let pace = Pace { said: 3, gap: Duration::from_millis(10), tokens: 2_000 };

        assert_eq!(Pace::of(&pace.response(7)), Some(pace));
        assert_eq!(Pace::of("resp_1"), None);
        assert_eq!(Pace { tokens: 41, ..pace }.bytes(), 10 * 3 + 31 * 4 + 1);
    }
}
