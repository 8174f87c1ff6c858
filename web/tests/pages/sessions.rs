//! Whose browser it is: its cookie, and on whose behalf the gateway is asked.

use reqwest::{RequestBuilder, Response};
use serde_json::Value;

use crate::gateway::Gateway;
use crate::support::{ChatPage, field, read_until};

const HEADER: &str = "chappe-on-behalf-of";
const ECHO: &[(&str, &str)] = &[("model", "simulator"), ("prompt", "simulator: echo\nWhy?")];

#[tokio::test]
async fn the_first_page_brings_a_cookie_that_neither_scripts_nor_other_sites_can_use() {
    let chat = ChatPage::open();

    let cookie = set_by(&chat.get("/").await).unwrap();

    let mut parts = cookie.split("; ");
    let (name, value) = parts.next().unwrap().split_once('=').unwrap();
    assert_eq!(name, "chappe_session");
    assert!(is_hex_of_32(value), "{cookie}");
    let attributes: Vec<_> = parts.collect();
    assert_eq!(attributes, ["Path=/", "Max-Age=3628800", "HttpOnly", "SameSite=Lax"]);
}

#[tokio::test]
async fn a_browser_is_one_owner_on_every_way_and_another_browser_is_another() {
    let chat = ChatPage::open();
    let (one, other) = (new_cookie(&chat).await, new_cookie(&chat).await);
    assert_ne!(one, other);

    let page = chat.form("/chat", ECHO).header("cookie", &one).send().await.unwrap();
    assert_eq!(value_of(&set_by(&page).unwrap()), one, "it is kept, and its time begins anew");
    let first = owner_in_page(page).await;
    let events = chat.form("/chat", ECHO).header("cookie", &one);
    let events = events.header("accept", "text/event-stream").send().await.unwrap();
    let second = owner_in_events(&events.text().await.unwrap());
    let third = owner_of(chat.form("/chat", ECHO).header("cookie", &other)).await;

    assert_eq!(first, second);
    assert_ne!(first, third);
    let digits = first.strip_prefix("web-").unwrap();
    assert!(is_hex_of_32(digits) && !one.contains(digits), "{first} tells nothing of {one}");
}

#[tokio::test]
async fn another_replica_knows_a_browser_again() {
    let (one, other) = (ChatPage::open(), ChatPage::open());
    let cookie = new_cookie(&one).await;

    let on_one = owner_of(one.form("/chat", ECHO).header("cookie", &cookie)).await;
    let on_other = owner_of(other.form("/chat", ECHO).header("cookie", &cookie)).await;

    assert_eq!(on_one, on_other);
}

#[tokio::test]
async fn every_call_is_on_behalf_of_somebody() {
    let gateway = Gateway::that_refuses(503, "server_is_overloaded", "Later.");
    let chat = ChatPage::before(&gateway);
    let cookie = new_cookie(&chat).await;
    let stop = [("answer", "gone"), ("conversation", "[]")];

    chat.form("/chat", &[("prompt", "Why?")]).header("cookie", &cookie).send().await.unwrap();
    chat.form("/stop", &stop).header("cookie", &cookie).send().await.unwrap();

    let mut of_chat = Vec::new();
    let mut all = Vec::new();
    for call in gateway.calls() {
        let owners: Vec<_> = call.headers.get_all(HEADER).iter().collect();
        assert_eq!(owners.len(), 1, "{}", call.path);
        let owner = owners[0].to_str().unwrap().to_owned();
        assert!(owner.strip_prefix("web-").is_some_and(is_hex_of_32), "{}: {owner}", call.path);
        if call.path == "/v1/chat/completions" {
            of_chat.push(owner.clone());
        }
        all.push(owner);
    }
    let [owner] = &of_chat[..] else { panic!("{of_chat:?}") };
    // The first page's list, the question and its list, and the list of the page after the stop.
    // What looks after the gateway is somebody else.
    assert_eq!(all.iter().filter(|one| *one == owner).count(), 4, "{all:?}");
}

#[tokio::test]
async fn a_cookie_that_we_did_not_make_is_replaced() {
    let chat = ChatPage::open();
    let good = new_cookie(&chat).await;
    let owner = owner_of(chat.form("/chat", ECHO).header("cookie", &good)).await;

    for bad in [
        "chappe_session=".to_owned(),
        "chappe_session=web-0123".to_owned(),
        good.to_uppercase().replace("CHAPPE_SESSION", "chappe_session") + "G",
        format!("{good}0"),
        good[..good.len() - 1].to_owned(),
        good.replace('=', "=\""),
        // Nobody knows which of two is ours.
        format!("{good}; chappe_session=00000000000000000000000000000000"),
        good.replace("session", "sessions"),
    ] {
        let page = chat.form("/chat", ECHO).header("cookie", &bad).send().await.unwrap();

        let made = value_of(&set_by(&page).unwrap());
        assert!(is_hex_of_32(made.split_once('=').unwrap().1), "{bad}: {made}");
        assert!(made != good && !bad.contains(&made), "{bad}: {made}");
        assert_ne!(owner_in_page(page).await, owner, "{bad}");
    }
    let last = if good.ends_with('0') { "1" } else { "0" };
    let changed = good[..good.len() - 1].to_owned() + last;
    assert_ne!(owner_of(chat.form("/chat", ECHO).header("cookie", changed)).await, owner);
}

#[tokio::test]
async fn who_refuses_cookies_is_answered_as_somebody_else_each_time() {
    let chat = ChatPage::open();

    let (first, second) = (owner_of(chat.form("/chat", ECHO)), owner_of(chat.form("/chat", ECHO)));
    assert_ne!(first.await, second.await);

    let endless = "simulator: {\"script\": \"count\", \"tokens\": 60000, \"token_ms\": 5}";
    let mut answer = chat.ask(endless).await;
    let begun = read_until(&mut answer, "t12 ").await;
    let (id, conversation) = (field(&begun, "answer"), field(&begun, "conversation"));
    let stop = [("answer", id.as_str()), ("conversation", &conversation)];
    let stopped = chat.form("/stop", &stop).send().await.unwrap().text().await.unwrap();
    assert!(stopped.contains("t0 t1 ") && stopped.contains("Stopped."), "{stopped}");
}

#[tokio::test]
async fn nobody_says_for_whom_a_page_asks() {
    let chat = ChatPage::open();
    let cookie = new_cookie(&chat).await;
    let owner = owner_of(chat.form("/chat", ECHO).header("cookie", &cookie)).await;

    let forged = chat.form("/chat", ECHO).header("cookie", &cookie).header(HEADER, "somebody");

    assert_eq!(owner_of(forged).await, owner);
}

#[tokio::test]
async fn over_tls_the_cookie_is_for_tls_alone() {
    let is_secure = |page: &Response| set_by(page).unwrap().ends_with("; Secure");
    let trusting = ChatPage::open_with(&[("WEB_TRUSTED_PROXIES", "127.0.0.1")]);
    let home = |chat: &ChatPage| chat.browser.get(format!("{}/", chat.url));

    assert!(!is_secure(&home(&trusting).send().await.unwrap()));
    for (protocol, expected) in [("https", true), ("https, http", false), ("http", false)] {
        let page = home(&trusting).header("x-forwarded-proto", protocol).send().await.unwrap();
        assert_eq!(is_secure(&page), expected, "{protocol}");
    }

    let chat = ChatPage::open();
    let made_up = home(&chat).header("x-forwarded-proto", "https").send().await.unwrap();
    assert!(!is_secure(&made_up), "only proxies that are trusted say so");

    let always = ChatPage::open_with(&[("WEB_COOKIE_SECURE", "on")]);
    assert!(is_secure(&always.get("/").await));
}

#[tokio::test]
async fn only_pages_of_the_chat_bring_a_cookie() {
    let chat = ChatPage::open();
    let forged = chat.browser.post(format!("{}/chat", chat.url)).body("prompt=x");
    let forged = forged.header("sec-fetch-site", "cross-site");
    let rebound = chat.browser.get(format!("{}/", chat.url)).header("host", "rebound.example");

    for response in [
        chat.get("/nowhere").await,
        chat.get("/favicon.ico").await,
        forged.send().await.unwrap(),
        rebound.send().await.unwrap(),
    ] {
        assert_eq!(set_by(&response), None, "{}", response.url());
    }
}

/// What a browser sends once it has been here.
async fn new_cookie(chat: &ChatPage) -> String {
    value_of(&set_by(&chat.get("/").await).unwrap())
}

/// The one cookie that a response sets.
fn set_by(response: &Response) -> Option<String> {
    let mut cookies = response.headers().get_all("set-cookie").iter();
    let cookie = cookies.next()?.to_str().unwrap().to_owned();
    assert!(cookies.next().is_none());
    Some(cookie)
}

fn value_of(cookie: &str) -> String {
    cookie.split(';').next().unwrap().to_owned()
}

/// Under which name the question of [`ECHO`] is asked.
async fn owner_of(request: RequestBuilder) -> String {
    owner_in_page(request.send().await.unwrap()).await
}

async fn owner_in_page(page: Response) -> String {
    let page = page.text().await.unwrap();
    let turns: Vec<Value> = serde_json::from_str(&field(&page, "conversation")).unwrap();
    owner_in_echo(turns[1]["content"].as_str().unwrap())
}

fn owner_in_events(stream: &str) -> String {
    let frames = stream.split("\n\n").filter_map(|frame| frame.strip_prefix("data: "));
    let events = frames.map(|json| serde_json::from_str::<Value>(json).unwrap());
    let text: String =
        events.filter_map(|event| event["text"].as_str().map(str::to_owned)).collect();
    owner_in_echo(&text)
}

fn owner_in_echo(echo: &str) -> String {
    let echo: Value = serde_json::from_str(echo).unwrap();
    echo["headers"][HEADER].as_str().unwrap().to_owned()
}

fn is_hex_of_32(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
