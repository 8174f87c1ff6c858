//! Whose browser it is: its cookie, and on whose behalf the gateway is asked.

use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, Response};

use crate::gateway::Gateway;
use crate::support::ChatPage;

const HEADER: &str = "chappe-on-behalf-of";
const HOST: &str = "__Host-chappe_session=";
const QUESTION: &[(&str, &str)] = &[("model", "simulator"), ("prompt", "Why?")];

#[tokio::test]
async fn the_first_page_brings_a_cookie_that_neither_scripts_nor_other_sites_can_use() {
    let chat = ChatPage::open();

    let cookie = set_by(&chat.look("/").await).unwrap();

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

    let asked = chat.form("/chat", QUESTION).header("cookie", &one).send().await.unwrap();
    assert_eq!(value_of(&set_by(&asked).unwrap()), one, "it is kept, and its time begins anew");
    let first = last_owner(&chat);
    let second = owner_of(&chat, chat.form("/chat", QUESTION).header("cookie", &one)).await;
    let third = owner_of(&chat, chat.form("/chat", QUESTION).header("cookie", &other)).await;

    assert_eq!(first, second);
    assert_ne!(first, third);
    let digits = first.strip_prefix("web-").unwrap();
    assert!(is_hex_of_32(digits) && !one.contains(digits), "{first} tells nothing of {one}");
}

#[tokio::test]
async fn another_replica_knows_a_browser_again() {
    let gateway = Gateway::start();
    let (one, other) = (ChatPage::before(&gateway), ChatPage::before(&gateway));
    let turn = one.ask("Why?").await;

    let page = one.at(&other.url).page(&turn.path()).await;

    assert!(page.contains("You said: Why?"), "{page}");
}

#[tokio::test]
async fn every_call_is_on_behalf_of_its_reader() {
    let chat = ChatPage::open();
    let turn = chat.ask("Why?").await;
    let owner = last_owner(&chat);

    for path in [
        "/",
        "/chats",
        "/chats?find=x",
        &turn.path(),
        &turn.live(),
        &turn.below("rename"),
        &turn.below("export/json"),
    ] {
        chat.page(path).await;
    }
    for path in ["rename", "stop", "delete"] {
        chat.go(&turn.below(path), &[("title", "x"), ("answer", &turn.response)]).await;
    }
    chat.go("/chats/delete", &[]).await;

    let calls = chat.gateway.calls();
    assert!(calls.len() > 15, "{}", calls.len());
    for call in calls {
        let called = call.header(HEADER);
        assert!(called.strip_prefix("web-").is_some_and(is_hex_of_32), "{}: {called}", call.path);
        // Models are the same for all, and who looks after the gateway asks for them as well.
        assert!(called == owner || call.path == "/v1/models", "{}: {called}", call.path);
    }
}

#[tokio::test]
async fn a_cookie_that_we_did_not_make_is_replaced() {
    let chat = ChatPage::open();
    let good = new_cookie(&chat).await;
    let owner = owner_of(&chat, chat.form("/chat", QUESTION).header("cookie", &good)).await;

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
        let page = chat.browser.get(&chat.url).header("cookie", &bad).send().await.unwrap();

        let made = value_of(&set_by(&page).unwrap());
        assert!(is_hex_of_32(made.split_once('=').unwrap().1), "{bad}: {made}");
        assert!(made != good && !bad.contains(&made), "{bad}: {made}");
        let other = owner_of(&chat, chat.form("/chat", QUESTION).header("cookie", &bad)).await;
        assert_ne!(other, owner, "{bad}");
    }
    let last = if good.ends_with('0') { "1" } else { "0" };
    let changed = good[..good.len() - 1].to_owned() + last;
    let changed = chat.form("/chat", QUESTION).header("cookie", changed);
    assert_ne!(owner_of(&chat, changed).await, owner);
}

#[tokio::test]
async fn who_refuses_cookies_is_somebody_else_each_time_and_is_told_that_there_is_no_such_chat() {
    let chat = ChatPage::open();

    let first = owner_of(&chat, chat.form("/chat", QUESTION)).await;
    let second = owner_of(&chat, chat.form("/chat", QUESTION)).await;
    assert_ne!(first, second);

    // The browser goes where it is sent, and there it is somebody else.
    let page = chat.form("/chat", QUESTION).send().await.unwrap();
    assert_eq!(page.status(), 404);
    assert!(page.text().await.unwrap().contains("no such chat"));
}

#[tokio::test]
async fn nobody_says_for_whom_a_page_asks() {
    let chat = ChatPage::open();
    let cookie = new_cookie(&chat).await;
    let owner = owner_of(&chat, chat.form("/chat", QUESTION).header("cookie", &cookie)).await;

    let forged = chat.form("/chat", QUESTION).header("cookie", &cookie);

    assert_eq!(owner_of(&chat, forged.header(HEADER, "somebody")).await, owner);
}

#[tokio::test]
async fn over_tls_the_cookie_is_for_tls_alone() {
    let is_secure = |page: &Response| {
        let cookie = set_by(page).unwrap();
        let (secure, host) = (cookie.ends_with("; Secure"), cookie.starts_with(HOST));
        assert_eq!(secure, host, "{cookie}");
        secure
    };
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
    assert!(is_secure(&always.look("/").await));
}

#[tokio::test]
async fn whoever_came_over_plain_http_keeps_the_chats_when_the_page_moves_to_tls() {
    let gateway = Gateway::start();
    let (plain, moved) = (ChatPage::before(&gateway), tls_page(&gateway));
    let before = new_cookie(&plain).await;
    let owner = owner_of(&plain, plain.form("/chat", QUESTION).header("cookie", &before)).await;

    let taken = over_tls(moved.form("/chat", QUESTION)).header("cookie", &before);
    let taken = taken.send().await.unwrap();

    assert_eq!(last_owner(&moved), owner);
    let set = all_set_by(&taken);
    let [host, beside] = set.as_slice() else { panic!("{set:?}") };
    let value = before.split_once('=').unwrap().1;
    assert!(host.starts_with(&format!("{HOST}{value}; Path=/; Max-Age=3628800; ")), "{host}");
    // An earlier version beside this one knows no other name.
    assert!(beside.starts_with(&format!("{before}; Path=/; Max-Age=86400; ")), "{beside}");
    assert!(beside.ends_with("; Secure"), "{beside}");

    // Once is enough; from then on the old name says nothing.
    let planted = "chappe_session=00000000000000000000000000000000";
    let both = format!("{planted}; {}", value_of(host));
    let again = over_tls(moved.form("/chat", QUESTION)).header("cookie", both).send().await;
    assert_eq!(last_owner(&moved), owner);
    assert_eq!(all_set_by(&again.unwrap()).len(), 1);
    let broken = format!("{before}; {HOST}0");
    let question = over_tls(moved.form("/chat", QUESTION)).header("cookie", broken);
    assert_ne!(owner_of(&moved, question).await, owner, "what is broken is replaced");
}

#[tokio::test]
async fn over_tls_every_cookie_is_this_host_s() {
    let page = tls_page(&Gateway::start());

    let look = over_tls(page.form("/look", &[("theme", "dark")])).build().unwrap();
    let browser = reqwest::Client::builder().no_proxy().redirect(Policy::none());
    let look = browser.build().unwrap().execute(look).await.unwrap();
    let set = all_set_by(&look);
    assert!(set.iter().any(|one| one.starts_with("__Host-chappe_theme=dark; Path=/; ")), "{set:?}");
    for cookie in set {
        assert!(cookie.starts_with("__Host-") && cookie.contains("; Path=/; "), "{cookie}");
        assert!(cookie.ends_with("; Secure") && !cookie.contains("Domain"), "{cookie}");
    }
    let dark = page.browser.get(&page.url).header("cookie", "__Host-chappe_theme=dark");
    assert!(dark.send().await.unwrap().text().await.unwrap().contains("data-theme=\"dark\""));
}

/// A page that believes its proxy.
fn tls_page(gateway: &Gateway) -> ChatPage {
    ChatPage::at(gateway, &[("WEB_TRUSTED_PROXIES", "127.0.0.1")])
}

fn over_tls(request: RequestBuilder) -> RequestBuilder {
    request.header("x-forwarded-proto", "https")
}

#[tokio::test]
async fn only_pages_of_the_chat_bring_a_cookie() {
    let chat = ChatPage::open();
    let forged = chat.browser.post(format!("{}/chat", chat.url)).body("prompt=x");
    let forged = forged.header("sec-fetch-site", "cross-site");
    let rebound = chat.browser.get(format!("{}/", chat.url)).header("host", "rebound.example");

    for response in [
        chat.look("/nowhere").await,
        chat.look("/favicon.ico").await,
        forged.send().await.unwrap(),
        rebound.send().await.unwrap(),
    ] {
        assert_eq!(set_by(&response), None, "{}", response.url());
    }
}

/// What a browser sends once it has been here.
async fn new_cookie(chat: &ChatPage) -> String {
    value_of(&set_by(&chat.look("/").await).unwrap())
}

/// Every cookie that a response sets.
fn all_set_by(response: &Response) -> Vec<String> {
    let cookies = response.headers().get_all("set-cookie").iter();
    cookies.map(|cookie| cookie.to_str().unwrap().to_owned()).collect()
}

/// The session's cookie that a response sets.
fn set_by(response: &Response) -> Option<String> {
    let mut cookies = response.headers().get_all("set-cookie").iter();
    let cookie = cookies.next()?.to_str().unwrap().to_owned();
    assert!(cookies.next().is_none());
    Some(cookie)
}

fn value_of(cookie: &str) -> String {
    cookie.split(';').next().unwrap().to_owned()
}

/// Under which name a question is asked.
async fn owner_of(chat: &ChatPage, question: RequestBuilder) -> String {
    let before = chat.gateway.answers().len();
    question.send().await.unwrap();
    assert_eq!(chat.gateway.answers().len(), before + 1);
    last_owner(chat)
}

/// For whom the last question was asked.
fn last_owner(chat: &ChatPage) -> String {
    chat.gateway.answers().last().unwrap().owner().to_owned()
}

fn is_hex_of_32(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
