//! A chat page, the gateway behind it, and forms as browsers send them.

use std::ops::Deref;
use std::time::Duration;

use reqwest::{RequestBuilder, Response};
use service_runtime::{Env, Shutdown, Tasks};
use telemetry::ServiceTelemetry;
use web::{Settings, Web};

use crate::gateway::Gateway;
use crate::reader::Reader;

/// The key of every page.
pub(crate) const KEY: &str = "key-of-the-page";

/// Everything that one test needs. Dropping it stops it.
pub(crate) struct ChatPage {
    pub(crate) url: String,
    pub(crate) health_url: String,
    pub(crate) gateway: Gateway,
    /// One that forgets its cookies, and goes where it is sent.
    pub(crate) browser: reqwest::Client,
    pub(crate) shutdown: Shutdown,
    /// Whoever reads it first.
    reader: Reader,
    tasks: Tasks,
}

impl Drop for ChatPage {
    fn drop(&mut self) {
        self.shutdown.request();
    }
}

impl Deref for ChatPage {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.reader
    }
}

impl ChatPage {
    /// One whose gateway repeats what it is asked.
    pub(crate) fn open() -> Self {
        Self::open_with(&[])
    }

    /// One with more settings.
    pub(crate) fn open_with(settings: &[(&str, &str)]) -> Self {
        Self::at(&Gateway::start(), settings)
    }

    /// One whose gateway does not answer.
    pub(crate) async fn without_gateway() -> Self {
        let gateway = Gateway::start();
        gateway.die().await;
        Self::at(&gateway, &[])
    }

    /// One with this gateway.
    pub(crate) fn before(gateway: &Gateway) -> Self {
        Self::at(gateway, &[])
    }

    /// The same with more settings.
    pub(crate) fn at(gateway: &Gateway, more: &[(&str, &str)]) -> Self {
        let gateway_url = format!("http://{}", gateway.address());
        let env = Env::from([
            ("WEB_LISTEN", "127.0.0.1:0"),
            ("WEB_HEALTH_LISTEN", "127.0.0.1:0"),
            ("WEB_GATEWAY_URL", gateway_url.as_str()),
            ("WEB_API_KEY", KEY),
            ("WEB_DRAIN_MS", "2000"),
        ]);
        let env = more.iter().fold(env, |env, (name, value)| env.with(name, *value));
        let settings = Settings::from_env(&env).unwrap();
        let web = Web::build(settings, ServiceTelemetry::detached()).unwrap();
        let url = web.origin();
        let health_url = format!("http://{}", web.health_address());
        let (shutdown, tasks) = (Shutdown::manual(), Tasks::new());
        tasks.spawn(web.run_until(shutdown.clone()));
        let (browser, reader) = (test_support::http_client(), Reader::of(&url));
        Self { url, health_url, gateway: gateway.clone(), browser, shutdown, reader, tasks }
    }

    /// Somebody else, with a browser of their own.
    pub(crate) fn another_reader(&self) -> Reader {
        Reader::of(&self.url)
    }

    /// An address, for a browser without cookies.
    pub(crate) async fn look(&self, path: &str) -> Response {
        self.browser.get(format!("{}{path}", self.url)).send().await.unwrap()
    }

    /// A form, sent from the page itself, by a browser without cookies.
    pub(crate) fn form(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let request = self.browser.post(format!("{}{path}", self.url));
        request
            .header("sec-fetch-site", "same-origin")
            .body(encoded(fields))
            .header("content-type", "application/x-www-form-urlencoded")
    }

    /// Ends it and waits until everything is over.
    pub(crate) async fn close(&self) {
        self.shutdown.request();
        self.tasks.finished(Duration::from_secs(20)).await.unwrap();
    }
}

/// Fields as a browser encodes them.
pub(crate) fn encoded(fields: &[(&str, &str)]) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields.iter().map(|(name, value)| {
        // Browsers end lines with CR LF in forms.
        (*name, value.replace('\n', "\r\n"))
    }));
    form.finish()
}

/// The value of a hidden field of a page.
pub(crate) fn field(page: &str, name: &str) -> String {
    let from = page.rfind(&format!("name=\"{name}\"")).unwrap_or_else(|| panic!("{name}: {page}"));
    let value = page[from..].split_once("value=\"").unwrap().1.split_once('"').unwrap().0;
    let value = value.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">");
    value.replace("&amp;", "&")
}

/// Reads until `text` was seen, and gives everything so far.
pub(crate) async fn read_until(response: &mut Response, text: &str) -> String {
    let mut seen = String::new();
    while !seen.contains(text) {
        let bytes = response.chunk().await.unwrap();
        let bytes = bytes.unwrap_or_else(|| panic!("it ended without `{text}`: {seen}"));
        seen += &String::from_utf8_lossy(&bytes);
    }
    seen
}
