//! A chat page, the simulator behind it, and forms as browsers send them.

use std::net::SocketAddr;
use std::time::Duration;

use model_simulator::{Journal, Simulator};
use reqwest::{RequestBuilder, Response};
use service_runtime::{Env, Shutdown, Tasks};
use telemetry::ServiceTelemetry;
use web::{Settings, Web};

use crate::gateway::Gateway;

/// The key of every page.
pub(crate) const KEY: &str = "key-of-the-page";

/// Everything that one test needs. Dropping it stops it.
pub(crate) struct ChatPage {
    pub(crate) url: String,
    pub(crate) health_url: String,
    pub(crate) journal: Journal,
    pub(crate) browser: reqwest::Client,
    pub(crate) shutdown: Shutdown,
    tasks: Tasks,
}

impl Drop for ChatPage {
    fn drop(&mut self) {
        self.shutdown.request();
    }
}

impl ChatPage {
    pub(crate) fn open() -> Self {
        Self::open_with(&[])
    }

    /// One with more settings.
    pub(crate) fn open_with(settings: &[(&str, &str)]) -> Self {
        let simulator = simulator();
        let (gateway, journal) = (simulator.address(), simulator.journal());
        let page = Self::at(gateway, journal, settings);
        page.tasks.spawn(simulator.run_until(page.shutdown.clone()));
        page
    }

    /// One whose gateway does not answer: its port was given back.
    pub(crate) fn without_gateway() -> Self {
        let simulator = simulator();
        let (gateway, journal) = (simulator.address(), simulator.journal());
        drop(simulator);
        Self::at(gateway, journal, &[])
    }

    /// One with a gateway that only says what it is told to say.
    pub(crate) fn before(gateway: &Gateway) -> Self {
        let page = Self::at(gateway.address(), simulator().journal(), &[]);
        page.tasks.spawn(gateway.run_until(page.shutdown.clone()));
        page
    }

    fn at(gateway: SocketAddr, journal: Journal, more: &[(&str, &str)]) -> Self {
        let gateway = format!("http://{gateway}");
        let env = Env::from([
            ("WEB_LISTEN", "127.0.0.1:0"),
            ("WEB_HEALTH_LISTEN", "127.0.0.1:0"),
            ("WEB_GATEWAY_URL", gateway.as_str()),
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
        let browser = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { url, health_url, journal, browser, shutdown, tasks }
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.browser.get(format!("{}{path}", self.url)).send().await.unwrap()
    }

    /// A form, sent from the page itself.
    pub(crate) fn form(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let request = self.browser.post(format!("{}{path}", self.url));
        request
            .header("sec-fetch-site", "same-origin")
            .body(encoded(fields))
            .header("content-type", "application/x-www-form-urlencoded")
    }

    /// A question, and the page that answers it.
    pub(crate) async fn ask(&self, prompt: &str) -> Response {
        self.ask_in("", prompt).await
    }

    /// The same within a conversation.
    pub(crate) async fn ask_in(&self, conversation: &str, prompt: &str) -> Response {
        let fields = [
            ("model", "simulator"),
            ("preset", "accurate"),
            ("conversation", conversation),
            ("prompt", prompt),
        ];
        self.form("/chat", &fields).send().await.unwrap()
    }

    /// A question of the script, and its events.
    pub(crate) async fn ask_for_events(&self, prompt: &str) -> Response {
        let fields = [("model", "simulator"), ("preset", "creative"), ("prompt", prompt)];
        let request = self.form("/chat", &fields).header("accept", "text/event-stream");
        request.send().await.unwrap()
    }

    /// Ends it and waits until everything is over.
    pub(crate) async fn close(&self) {
        self.shutdown.request();
        self.tasks.finished(Duration::from_secs(20)).await.unwrap();
    }
}

fn simulator() -> Simulator {
    let env = Env::from([
        ("SIMULATOR_LISTEN", "127.0.0.1:0"),
        ("SIMULATOR_TTFT_MS", "0"),
        ("SIMULATOR_TOKEN_MS", "0"),
    ]);
    let settings = model_simulator::Settings::from_env(&env).unwrap();
    Simulator::build(settings, ServiceTelemetry::detached()).unwrap()
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
