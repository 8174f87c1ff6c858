//! The page's own key: what is said when the gateway does not take it, and that nobody sees it.

use service_runtime::Env;
use telemetry::ServiceTelemetry;
use test_support::Log;
use tracing::level_filters::LevelFilter;
use web::{Settings, Web};

use crate::gateway::Gateway;
use crate::support::{ChatPage, KEY};

const QUESTION: &[(&str, &str)] = &[("model", "simulator"), ("prompt", "Why?")];
const MAKE_ONE: &str = "chappe keys create web --on-behalf-of";

#[tokio::test]
async fn a_key_that_does_not_get_in_is_a_page_for_the_reader_and_a_line_for_the_operator() {
    for (status, code, message, words, line) in [
        (401, "missing_api_key", "There is no API key.", "has no key", "WEB_API_KEY is not set"),
        (401, "invalid_api_key", "The API key is not known here.", "does not know", "not know"),
        (401, "api_key_revoked", "No.", "was revoked", "was revoked"),
        (401, "api_key_expired", "No.", "has expired", "has expired"),
        (
            403,
            "on_behalf_of_not_allowed",
            "No.",
            "may not be used for its readers",
            "lacks the scope `on_behalf_of`",
        ),
    ] {
        let log = Log::default();
        let _listening = log.listen(LevelFilter::INFO);
        let gateway = Gateway::that_refuses(status, code, message);
        let chat = ChatPage::before(&gateway);

        let home = chat.get("/").await;
        let page = chat.send("/chat", QUESTION).await;
        let list = chat.get("/chats").await;

        assert_eq!(home.status(), 200, "the page itself is there: {code}");
        assert_eq!((page.status().as_u16(), list.status().as_u16()), (502, 502), "{code}");
        let page = page.text().await.unwrap();
        assert!(page.contains("Why?</textarea>"), "{page}");
        for text in [home.text().await.unwrap(), page, list.text().await.unwrap()] {
            assert!(text.contains(words), "{code}: {text}");
            assert!(text.contains("WEB_API_KEY") && text.contains(MAKE_ONE), "{text}");
        }
        let warnings = log.lines(&["WARN"]);
        assert_eq!(warnings.len(), 1, "once, however often it happens: {warnings:?}");
        for part in [line, "WEB_API_KEY", MAKE_ONE] {
            assert!(warnings[0].contains(part), "{code}: {warnings:?}");
        }
        let ready = readiness(&chat).await;
        assert!(ready.contains(MAKE_ONE) && ready.contains("\"ready\":true"), "{ready}");
    }
}

#[tokio::test]
async fn a_key_with_too_narrow_scopes_is_told_what_it_lacks() {
    let log = Log::default();
    let _listening = log.listen(LevelFilter::INFO);
    let message =
        "This API key may not be used for `models`: its scopes do not name that endpoint.";
    let gateway = Gateway::that_refuses(403, "insufficient_permissions", message);
    let chat = ChatPage::before(&gateway);

    let page = chat.send("/chat", QUESTION).await.text().await.unwrap();

    assert!(page.contains("may not be used for this"), "{page}");
    let warnings = log.lines(&["WARN"]);
    assert!(warnings.len() == 1 && warnings[0].contains("`chat.completions`"), "{warnings:?}");
}

#[tokio::test]
async fn each_change_is_told() {
    let log = Log::default();
    let _listening = log.listen(LevelFilter::INFO);
    let gateway = Gateway::that_refuses(401, "api_key_expired", "The API key has expired.");
    let chat = ChatPage::before(&gateway);
    readiness(&chat).await;

    gateway.refuse(401, "api_key_revoked", "The API key was revoked.");
    chat.get("/").await;
    gateway.let_in();
    chat.get("/").await;

    let told = log.lines(&["chat page in"]);
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].contains("expired") && told[1].contains("revoked"), "{told:?}");
    assert!(told[2].contains("INFO") && told[2].contains("again"), "{told:?}");
}

#[tokio::test]
async fn neither_key_nor_cookie_nor_owner_is_in_any_log() {
    let log = Log::default();
    let _listening = log.listen(LevelFilter::TRACE);
    let gateway = Gateway::that_refuses(401, "invalid_api_key", &format!("Unknown key: {KEY}"));
    let chat = ChatPage::before(&gateway);
    let home = chat.look("/").await;
    let cookie = home.headers()["set-cookie"].to_str().unwrap();
    let session = cookie.split(';').next().unwrap();

    let request = chat.form("/chat", &[("prompt", "Why?")]).header("cookie", session);
    request.send().await.unwrap();

    let calls = gateway.calls();
    let last = &calls.last().unwrap().headers;
    assert_eq!(last["authorization"], format!("Bearer {KEY}"));
    let owner = last["chappe-on-behalf-of"].to_str().unwrap();
    let value = session.split_once('=').unwrap().1;
    assert!(log.lines(&["TRACE"]).len() > 10, "everything is heard");
    for secret in [KEY, value, owner] {
        assert_eq!(log.lines(&[secret]), Vec::<String>::new());
    }
}

#[tokio::test]
async fn the_key_is_in_no_debug_output() {
    let env = Env::from([
        ("WEB_LISTEN", "127.0.0.1:0"),
        ("WEB_HEALTH_LISTEN", "127.0.0.1:0"),
        ("WEB_API_KEY", KEY),
    ]);
    let settings = Settings::from_env(&env).unwrap();
    let of_settings = format!("{settings:?}");
    let of_web = format!("{:?}", Web::build(settings, ServiceTelemetry::detached()).unwrap());

    assert!(of_settings.contains("api_key") && !of_settings.contains(KEY), "{of_settings}");
    assert!(of_web.contains("GatewayClient") && !of_web.contains(KEY), "{of_web}");
}

/// The answer of `/readyz` once the gateway was looked at.
async fn readiness(chat: &ChatPage) -> String {
    loop {
        let ready = chat.browser.get(format!("{}/readyz", chat.health_url)).send().await.unwrap();
        let ready = ready.text().await.unwrap();
        if ready.contains("\"gateway\"") {
            return ready;
        }
    }
}
