//! What the script of the page makes of its events: the same steps, on text.

use std::time::Duration;

use reqwest::Response;
use serde_json::Value;

const BODY: &str = "<div class=\"body\" dir=\"auto\">";
const TAIL: &str = "<span class=\"tail\">";

/// One answer as a browser shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Screen {
    pub(crate) cursor: String,
    thoughts: String,
    body: String,
    /// Where more code belongs.
    code: Option<usize>,
    tail: Vec<u16>,
    /// What can be done with it, once it is over.
    actions: Option<String>,
    /// How it ended.
    pub(crate) how: Option<String>,
    /// How often all of it was taken back.
    pub(crate) anew: usize,
}

/// A connection over which events come.
pub(crate) struct Live {
    pub(crate) response: Response,
    /// Bytes that are no whole event yet.
    read: Vec<u8>,
    begun: bool,
}

impl Screen {
    /// Of a page with an answer that is being written.
    pub(crate) fn of(page: &str) -> Self {
        let article = last_article(page);
        let cursor = attribute(article, "data-cursor").unwrap_or_else(|| panic!("{page}"));
        let (before, rest) = article.split_once(BODY).unwrap();
        let thoughts = before.split_once("<div class=\"thought\" dir=\"auto\">");
        let thoughts = thoughts.map_or("", |(_, rest)| rest.split("</div>").next().unwrap());
        // What is not sealed comes again on a new connection.
        let body = rest.split_once(TAIL).unwrap().0.to_owned();
        let head = article.split_once('>').unwrap().0;
        Self {
            cursor,
            thoughts: thoughts.to_owned(),
            code: head.contains(" data-code").then(|| body.rfind("</code>").unwrap()),
            body,
            ..Self::default()
        }
    }

    /// Takes an event. Its id is where the page is then.
    fn take(&mut self, id: &str, event: &Value) {
        assert_eq!(self.how, None, "nothing follows an end: {event}");
        id.clone_into(&mut self.cursor);
        if event["anew"] == true {
            let anew = self.anew + 1;
            *self = Self { cursor: id.to_owned(), anew, ..Self::default() };
        }
        self.thoughts.push_str(&escaped(event["thoughts"].as_str().unwrap_or_default()));
        for piece in event["add"].as_array().into_iter().flatten() {
            self.add(piece[0].as_str().unwrap(), piece[1].as_str().unwrap());
        }
        if let Some(tail) = event["tail"].as_array() {
            let same = usize::try_from(tail[0].as_u64().unwrap()).unwrap();
            assert!(same <= self.tail.len(), "it cannot keep what is not there: {event}");
            self.tail.truncate(same);
            self.tail.extend(tail[1].as_str().unwrap().encode_utf16());
        }
        if !event["end"].is_null() {
            self.how = event["end"]["how"].as_str().map(str::to_owned);
            self.actions = event["end"]["actions"].as_str().map(str::to_owned);
        }
    }

    fn add(&mut self, place: &str, html: &str) {
        match (place, self.code) {
            ("close", _) => self.code = None,
            ("code", Some(at)) => {
                self.body.insert_str(at, html);
                self.code = Some(at + html.len());
            }
            ("open", _) => {
                self.body.push_str(html);
                self.code = self.body.rfind("</code>");
            }
            ("block" | "code", _) => self.body.push_str(html),
            other => panic!("{other:?}"),
        }
    }

    /// Takes all that comes over a connection, until it ends.
    pub(crate) async fn reads(&mut self, live: &mut Live) {
        self.begins(live);
        while let Ok(Some(bytes)) = live.response.chunk().await {
            self.takes(live, &bytes);
        }
    }

    /// The same until this is read.
    pub(crate) async fn reads_until(&mut self, text: &str, live: &mut Live) {
        self.begins(live);
        while !self.text().contains(text) {
            let bytes = live.response.chunk().await.unwrap();
            let bytes = bytes.unwrap_or_else(|| panic!("it ended without `{text}`: {self:?}"));
            self.takes(live, &bytes);
        }
    }

    /// The same until that many bytes were read, even within an event, or nothing comes for a
    /// moment; how many were read then, if the connection is still there.
    pub(crate) async fn reads_some(&mut self, most: usize, live: &mut Live) -> Option<usize> {
        self.begins(live);
        tokio::select! {
            biased;
            bytes = live.response.chunk() => {
                let bytes = bytes.unwrap()?;
                let taken = bytes.len().min(most);
                self.takes(live, &bytes[..taken]);
                Some(taken)
            }
            () = tokio::time::sleep(Duration::from_millis(2)) => Some(0),
        }
    }

    /// On a new connection what is not sealed comes whole.
    fn begins(&mut self, live: &mut Live) {
        if !std::mem::replace(&mut live.begun, true) {
            self.tail.clear();
        }
    }

    fn takes(&mut self, live: &mut Live, bytes: &[u8]) {
        for (id, event) in live.feed(bytes) {
            self.take(&id, &event);
        }
    }

    /// What stands in the article of an answer that is over, as the page renders it.
    pub(crate) fn over(&self) -> String {
        let actions = self.actions.as_ref().expect("an answer that is over");
        format!("{}{BODY}{}</div>{actions}", self.thoughts_html(), self.body)
    }

    /// Everything that can be read.
    pub(crate) fn text(&self) -> String {
        let tail = String::from_utf16(&self.tail).unwrap();
        text_of(&format!("{}{}{tail}", self.thoughts_html(), self.body))
    }

    fn thoughts_html(&self) -> String {
        if self.thoughts.is_empty() {
            return String::new();
        }
        format!(
            "<details class=\"aside thoughts\"><summary>Thoughts</summary>\
             <div class=\"thought\" dir=\"auto\">{}</div></details>",
            self.thoughts
        )
    }
}

impl Live {
    pub(crate) fn of(response: Response) -> Self {
        Self { response, read: Vec::new(), begun: false }
    }

    /// Takes bytes, and gives what is whole by now: ids and data.
    fn feed(&mut self, bytes: &[u8]) -> Vec<(String, Value)> {
        self.read.extend_from_slice(bytes);
        let mut events = Vec::new();
        while let Some(end) = self.read.windows(2).position(|two| two == b"\n\n") {
            let frame: Vec<u8> = self.read.drain(..end + 2).collect();
            let frame = String::from_utf8(frame).unwrap();
            let line = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name));
            if let Some(data) = line("data: ") {
                let id = line("id: ").unwrap_or_else(|| panic!("without a number: {frame}"));
                events.push((id.to_owned(), serde_json::from_str(data).unwrap()));
            }
        }
        events
    }
}

/// The inside of the last answer of a page that is over, behind its heading.
pub(crate) fn last_answer(page: &str) -> &str {
    let article = last_article(page);
    article.split_once("</h2>").unwrap().1.rsplit_once("</article>").unwrap().0
}

/// What can be read in HTML.
pub(crate) fn text_of(html: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => text.push(c),
            _ => {}
        }
    }
    text
}

fn last_article(page: &str) -> &str {
    let from = page.rfind("data-author=\"assistant\"").unwrap_or_else(|| panic!("{page}"));
    let rest = &page[from..];
    &rest[..rest.find("</article>").map_or(rest.len(), |end| end + "</article>".len())]
}

fn attribute(html: &str, name: &str) -> Option<String> {
    let (_, rest) = html.split_once(&format!("{name}=\""))?;
    Some(rest.split('"').next()?.to_owned())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
