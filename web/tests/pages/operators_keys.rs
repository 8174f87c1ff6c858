//! An operator's key: asked for where the gateway does, used for what operators see, told nobody.

use reqwest::{Response, StatusCode};
use serde_json::json;
use test_support::Log;
use tracing::level_filters::LevelFilter;

use crate::gateway::Gateway;
use crate::operate::overview;
use crate::support::{ChatPage, KEY};

const OVERVIEW: &str = "GET /v1/admin/overview";
const CANARY: &str = "chappe_sk_canary-of-the-operator";

fn refusal(code: &str) -> String {
    let (message, kind) = (format!("No: {CANARY}"), "invalid_request_error");
    json!({"error": {"message": message, "type": kind, "code": code}}).to_string()
}

/// A page before a gateway that asks for a key.
fn closed_page() -> (ChatPage, Gateway) {
    closed_page_with(&[])
}

fn closed_page_with(settings: &[(&str, &str)]) -> (ChatPage, Gateway) {
    let gateway = Gateway::that_refuses(404, "not_found", "No.");
    gateway.let_in();
    gateway.say_to(OVERVIEW, 401, refusal("missing_api_key"));
    (ChatPage::at(&gateway, settings), gateway)
}

async fn sign_in(page: &ChatPage, key: &str) -> Response {
    let browser = reqwest::Client::builder().no_proxy();
    let browser = browser.redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let request = page.form("/operate/sign-in", &[("key", key)]).build().unwrap();
    browser.execute(request).await.unwrap()
}

/// What a browser sends once it has signed in.
fn ticket(response: &Response) -> Option<String> {
    let mut cookies = response.headers().get_all("set-cookie").iter();
    let cookie =
        cookies.find_map(|cookie| cookie.to_str().unwrap().strip_prefix("chappe_operator="))?;
    Some(format!("chappe_operator={}", cookie.split(';').next().unwrap()))
}

/// The keys with which the gateway was asked how everything is.
fn keys_seen(gateway: &Gateway) -> Vec<Option<String>> {
    let calls = gateway.calls().into_iter().filter(|call| call.path.starts_with("/v1/admin/"));
    let key = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
    calls.map(|call| call.headers.get("authorization").map(key)).collect()
}

#[tokio::test]
async fn a_key_is_asked_for_and_opens_the_page_until_its_operator_signs_out() {
    let (page, gateway) = closed_page();

    let asked = page.look("/operate").await.text().await.unwrap();
    assert!(asked.contains("name=\"key\"") && asked.contains("type=\"password\""), "{asked}");
    assert!(!asked.contains("http-equiv") && !asked.contains("<script"), "nothing moves: {asked}");
    assert!(!asked.contains("role=\"alert\"><p>"), "nothing went wrong yet: {asked}");
    gateway.say_to(OVERVIEW, 200, overview());
    let entered = sign_in(&page, &format!(" {CANARY}\n")).await;
    assert_eq!(
        (entered.status(), &entered.headers()["location"]),
        (StatusCode::SEE_OTHER, &"/operate".parse().unwrap())
    );
    let cookie = entered.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.ends_with("; Path=/operate; HttpOnly; SameSite=Lax"), "{cookie}");
    let ticket = ticket(&entered).unwrap();

    let open = page.browser.get(format!("{}/operate", page.url)).header("cookie", &ticket);
    let html = open.send().await.unwrap().text().await.unwrap();
    assert!(html.contains("Sign out") && html.contains(">w-1<"), "{html}");
    let bearer = Some(format!("Bearer {CANARY}"));
    assert_eq!(keys_seen(&gateway), [None, bearer.clone(), bearer]);

    let out = page.form("/operate/sign-out", &[]).header("cookie", &ticket).send().await.unwrap();
    assert_eq!(out.status(), 200);
    let again = page.browser.get(format!("{}/operate", page.url)).header("cookie", &ticket);
    again.send().await.unwrap();
    assert_eq!(keys_seen(&gateway).last(), Some(&None), "the key is forgotten");
}

#[tokio::test]
async fn a_key_that_does_not_open_it_is_said_to_and_not_kept() {
    let (page, gateway) = closed_page();
    for (status, code, words) in [
        (401, "invalid_api_key", "does not know this key"),
        (401, "api_key_revoked", "was revoked"),
        (401, "api_key_expired", "has expired"),
        (403, "insufficient_permissions", "lacks the scope `operator`"),
    ] {
        gateway.say_to(OVERVIEW, status, refusal(code));
        let refused = sign_in(&page, CANARY).await;

        assert_eq!((refused.status(), ticket(&refused)), (StatusCode::FORBIDDEN, None), "{code}");
        let html = refused.text().await.unwrap();
        assert!(html.contains(words) && html.contains("name=\"key\""), "{code}: {html}");
        assert!(!html.contains("canary"), "{html}");
    }
    let strange = sign_in(&page, "k\u{e9}y").await;
    assert_eq!(strange.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_key_that_was_good_and_is_not_any_more_is_forgotten() {
    let (page, gateway) = closed_page();
    gateway.say_to(OVERVIEW, 200, overview());
    let ticket = ticket(&sign_in(&page, CANARY).await).unwrap();
    let look = || async {
        let request = page.browser.get(format!("{}/operate", page.url)).header("cookie", &ticket);
        request.send().await.unwrap().text().await.unwrap()
    };

    gateway.say_to(OVERVIEW, 401, refusal("api_key_revoked"));
    let revoked = look().await;
    assert!(revoked.contains("was revoked") && revoked.contains("name=\"key\""), "{revoked}");

    gateway.say_to(OVERVIEW, 401, refusal("missing_api_key"));
    look().await;
    assert_eq!(keys_seen(&gateway).last(), Some(&None));
}

#[tokio::test]
async fn each_sign_in_has_a_ticket_of_its_own_and_replaces_the_one_before() {
    let (page, gateway) = closed_page();
    gateway.say_to(OVERVIEW, 200, overview());
    // As somebody who can set cookies here would have it.
    let planted = "chappe_operator=0123456789abcdef0123456789abcdef";

    let request = page.form("/operate/sign-in", &[("key", CANARY)]).header("cookie", planted);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    page.browser
        .get(format!("{}/operate", page.url))
        .header("cookie", planted)
        .send()
        .await
        .unwrap();

    assert_eq!(keys_seen(&gateway).last(), Some(&None), "the planted ticket opens nothing");
}

#[tokio::test]
async fn over_tls_the_ticket_is_this_host_s_and_no_other_opens_the_page() {
    let (page, gateway) = closed_page_with(&[("WEB_COOKIE_SECURE", "on")]);
    gateway.say_to(OVERVIEW, 200, overview());

    let entered = sign_in(&page, CANARY).await;

    let mut cookies = entered.headers().get_all("set-cookie").iter().map(|one| one.to_str());
    let cookie = cookies.find_map(|one| one.unwrap().strip_prefix("__Host-chappe_operator="));
    let (value, attributes) = cookie.unwrap().split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Lax; Secure");
    let look = async |name: &str| {
        let request = page.browser.get(format!("{}/operate", page.url));
        request.header("cookie", format!("{name}={value}")).send().await.unwrap();
        keys_seen(&gateway).last().unwrap().clone()
    };
    assert_eq!(look("__Host-chappe_operator").await, Some(format!("Bearer {CANARY}")));
    assert_eq!(look("chappe_operator").await, None);
    assert_eq!(look("__Host-chappe_operators").await, None);
}

#[tokio::test]
async fn the_pages_key_never_operates_and_an_operators_key_never_chats() {
    let (page, gateway) = closed_page();
    gateway.say_to(OVERVIEW, 200, overview());
    let ticket = ticket(&sign_in(&page, CANARY).await).unwrap();

    let with =
        |path: &str| page.browser.get(format!("{}{path}", page.url)).header("cookie", &ticket);
    with("/operate/dead-letters").send().await.unwrap();
    with("/").send().await.unwrap();
    let ask = page.form("/chat", &[("prompt", "Why?"), ("model", "m")]).header("cookie", &ticket);
    ask.send().await.unwrap();
    page.look("/operate").await;

    for call in gateway.calls() {
        let key = call.headers.get("authorization").map(|key| key.to_str().unwrap());
        let operates = call.path.starts_with("/v1/admin/");
        let ours = key == Some(&format!("Bearer {KEY}"));
        let theirs = key == Some(&format!("Bearer {CANARY}"));
        assert!(if operates { !ours } else { ours && !theirs }, "{} {key:?}", call.path);
        assert_eq!(call.headers.contains_key("chappe-on-behalf-of"), !operates, "{}", call.path);
    }
}

#[tokio::test]
async fn neither_key_nor_ticket_is_in_any_log_or_page() {
    let log = Log::default();
    let _listening = log.listen(LevelFilter::TRACE);
    let (page, gateway) = closed_page();
    gateway.say_to(OVERVIEW, 200, overview());
    let entered = sign_in(&page, CANARY).await;
    let ticket = ticket(&entered).unwrap();

    let request = page.browser.get(format!("{}/operate", page.url)).header("cookie", &ticket);
    let html = request.send().await.unwrap().text().await.unwrap();
    gateway.say_to(OVERVIEW, 401, refusal("invalid_api_key"));
    let request = page.browser.get(format!("{}/operate", page.url)).header("cookie", &ticket);
    let refused = request.send().await.unwrap().text().await.unwrap();

    let value = ticket.split_once('=').unwrap().1;
    assert!(log.lines(&["TRACE"]).len() > 10, "everything is heard");
    for secret in [CANARY, value] {
        assert_eq!(log.lines(&[secret]), Vec::<String>::new());
        assert!(!html.contains(secret) && !refused.contains(secret));
    }
    assert_eq!(log.lines(&["chat page in"]), Vec::<String>::new(), "it is no trouble of ours");
}
