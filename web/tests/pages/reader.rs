//! Somebody who reads and asks, with a browser of their own.

use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, Response, StatusCode};

use crate::multipart;
use crate::screen::Live;
use crate::support::{encoded, field};

/// A browser: it knows its session, and whether a script runs in it.
#[derive(Clone)]
pub(crate) struct Reader {
    url: String,
    http: reqwest::Client,
    session: String,
    script: bool,
}

/// A question that was asked, and where its answer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) conversation: String,
    pub(crate) response: String,
}

impl Reader {
    /// One that was never here.
    pub(crate) fn of(url: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().redirect(Policy::none());
        let session = format!("chappe_session={:032x}", rand::random::<u128>());
        Self { url: url.to_owned(), http: http.build().unwrap(), session, script: false }
    }

    /// The same with a script.
    pub(crate) fn with_script(&self) -> Self {
        Self { script: true, ..self.clone() }
    }

    /// The same on another page.
    pub(crate) fn at(&self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self.clone() }
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.url));
        let script = if self.script { "; chappe_script=1" } else { "" };
        request.header("cookie", format!("{}{script}", self.session))
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.request("GET", path).send().await.unwrap()
    }

    /// A page, to its end.
    pub(crate) async fn page(&self, path: &str) -> String {
        let response = self.get(path).await;
        let status = response.status();
        let text = response.text().await.unwrap();
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        text
    }

    /// A form, sent from the page itself.
    pub(crate) async fn send(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let request = self.request("POST", path).header("sec-fetch-site", "same-origin");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.body(encoded(fields)).send().await.unwrap()
    }

    /// A form with files, sent from the page itself.
    pub(crate) async fn send_files(
        &self,
        fields: &[(&str, &str)],
        files: &[(&str, &[u8])],
    ) -> Response {
        let request = self.request("POST", "/chat").header("sec-fetch-site", "same-origin");
        let request = request.header("content-type", multipart::TYPE);
        request.body(multipart::encoded(fields, files)).send().await.unwrap()
    }

    /// A form after which the browser is sent somewhere: where.
    pub(crate) async fn go(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let response = self.send(path, fields).await;
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        assert_eq!(status, StatusCode::SEE_OTHER, "{path}: {text}");
        headers["location"].to_str().unwrap().to_owned()
    }

    /// A question that begins a conversation.
    pub(crate) async fn ask(&self, prompt: &str) -> Turn {
        Turn::at(&self.go("/chat", &[("model", "simulator"), ("prompt", prompt)]).await)
    }

    /// A question behind a turn.
    pub(crate) async fn ask_after(&self, turn: &Turn, prompt: &str) -> Turn {
        let place = [("conversation", &*turn.conversation), ("after", &*turn.response)];
        let fields = [place[0], place[1], ("model", "simulator"), ("prompt", prompt)];
        Turn::at(&self.go("/chat", &fields).await)
    }

    /// A question in the composer of this page, sent as it stands there.
    pub(crate) async fn ask_in(&self, page: &str, more: &[(&str, &str)]) -> Response {
        let (conversation, after) = (field(page, "conversation"), field(page, "after"));
        let once = field(page, "once");
        let mut fields = vec![("conversation", &*conversation), ("after", &after), ("once", &once)];
        fields.push(("model", "simulator"));
        fields.extend_from_slice(more);
        self.send("/chat", &fields).await
    }

    /// The events of an answer, behind what a cursor says that the page has.
    pub(crate) async fn follow(&self, turn: &Turn, cursor: &str) -> Live {
        let response = self.get(&format!("{}?from={cursor}", turn.live())).await;
        assert_eq!(response.status(), StatusCode::OK);
        Live::of(response)
    }
}

impl Turn {
    /// The one that an address shows: `/c/conv_1?at=resp_1#latest`.
    pub(crate) fn at(address: &str) -> Self {
        let (conversation, rest) = address
            .strip_prefix("/c/")
            .and_then(|rest| rest.split_once("?at="))
            .unwrap_or_else(|| panic!("{address} is no turn"));
        let response = rest.split(['#', '&']).next().unwrap_or_default();
        Self { conversation: conversation.to_owned(), response: response.to_owned() }
    }

    /// Its page.
    pub(crate) fn path(&self) -> String {
        format!("/c/{}?at={}", self.conversation, self.response)
    }

    /// Something below its conversation.
    pub(crate) fn below(&self, rest: &str) -> String {
        format!("/c/{}/{rest}", self.conversation)
    }

    pub(crate) fn live(&self) -> String {
        self.below(&format!("live/{}", self.response))
    }
}
