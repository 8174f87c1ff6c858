//! What a caller was answered, taken apart.

use reqwest::header::HeaderMap;
use serde_json::Value;

use super::within;

/// A response: its head is here, its body may still come. Dropping it closes the connection.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    response: reqwest::Response,
    unread: Vec<u8>,
}

impl Answer {
    pub(super) fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, response, unread: Vec::new() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The rest of the body, which ends in order.
    pub(crate) async fn text(mut self) -> String {
        while self.more().await {}
        String::from_utf8(self.unread).unwrap()
    }

    /// Status and code of an error.
    pub(crate) async fn error(self) -> (u16, String) {
        let status = self.status;
        (status, code_of(&self.text().await))
    }

    /// The next frame of a stream without its empty line; `None` after the last, at an end in
    /// order.
    pub(crate) async fn frame(&mut self) -> Option<String> {
        loop {
            let end = self.unread.windows(2).position(|pair| pair == b"\n\n");
            if let Some(end) = end {
                let frame = self.unread.drain(..end + 2).take(end).collect();
                return Some(String::from_utf8(frame).unwrap());
            }
            if !self.more().await {
                assert!(self.unread.is_empty(), "half a frame at the end");
                return None;
            }
        }
    }

    /// The next frame that is no comment.
    pub(crate) async fn event(&mut self) -> Option<String> {
        // Comments come for ever.
        within("an event", async {
            loop {
                let frame = self.frame().await?;
                if !frame.starts_with(':') {
                    return Some(frame);
                }
            }
        })
        .await
    }

    /// Every event to the end of the stream.
    pub(crate) async fn events(mut self) -> Vec<String> {
        let mut events = Vec::new();
        while let Some(event) = self.event().await {
            events.push(event);
        }
        events
    }

    /// The code of the error with which the stream ends. Nothing but comments comes before it,
    /// and nothing after it.
    pub(crate) async fn breaks_off(self) -> String {
        let events = self.events().await;
        let [event] = events.as_slice() else { panic!("one error: {events:?}") };
        code_of(event.strip_prefix("data: ").unwrap())
    }

    async fn more(&mut self) -> bool {
        let piece = within("more of an answer", self.response.chunk()).await.unwrap();
        self.unread.extend_from_slice(piece.as_deref().unwrap_or_default());
        piece.is_some()
    }
}

/// The code of an error body, which has all of its members.
pub(crate) fn code_of(json: &str) -> String {
    let error: Value = serde_json::from_str(json).unwrap();
    let error = error["error"].as_object().unwrap_or_else(|| panic!("no error: {json}"));
    let members: Vec<&str> = error.keys().map(String::as_str).collect();
    assert_eq!(members, ["code", "message", "param", "type"]);
    error["code"].as_str().unwrap().to_owned()
}
