//! Conversations are listed, found, named, exported and deleted.

use serde_json::json;

use crate::gateway::{Gateway, Script};
use crate::support::ChatPage;

/// The names of the chats that stand in a list, in order.
fn names(page: &str, list: &str) -> Vec<String> {
    let (_, rest) = page.split_once(list).unwrap_or_else(|| panic!("{list}: {page}"));
    let (list, _) = rest.split_once("</ul>").unwrap();
    let links = list.split("<a href=\"/c/").skip(1);
    links
        .map(|link| link.split_once('>').unwrap().1.split_once('<').unwrap().0.to_owned())
        .collect()
}

#[tokio::test]
async fn chats_stand_beside_each_other_the_newest_first_by_what_was_asked_first() {
    let chat = ChatPage::open();
    let first = chat.ask("How many <eyes> has a bee?").await;
    chat.ask("And a wasp?").await;
    chat.ask_after(&first, "And legs?").await;

    let page = chat.page(&first.path()).await;

    assert_eq!(
        names(&page, "class=\"chats\""),
        ["And a wasp?", "How many &lt;eyes&gt; has a bee?"]
    );
    assert_eq!(page.matches("aria-current=\"page\"").count(), 1, "{page}");
    assert!(page.contains("<title>How many &lt;eyes&gt; has a bee? · Chappe</title>"), "{page}");
    assert!(names(&chat.page("/").await, "class=\"chats\"").len() == 2);
    let other = chat.another_reader().page("/").await;
    assert!(!other.contains("class=\"chats\"") && !other.contains("wasp"), "{other}");
}

#[tokio::test]
async fn a_list_that_cannot_be_read_is_no_reason_not_to_chat() {
    let chat = ChatPage::open();
    chat.gateway.say_to("GET /v1/conversations", 503, "{}");

    let page = chat.page("/").await;
    assert!(page.contains("cannot be read at the moment"), "{page}");
    let turn = chat.ask("Why?").await;
    assert!(chat.page(&turn.path()).await.contains("You said: Why?"));
}

#[tokio::test]
async fn a_chat_is_renamed() {
    let chat = ChatPage::open();
    let turn = chat.ask("Why?").await;
    let form = chat.page(&turn.below("rename")).await;
    assert!(form.contains("value=\"Why?\""), "{form}");

    let to = chat.go(&turn.below("rename"), &[("title", " Bees & <wasps> ")]).await;

    assert_eq!(to, format!("/c/{}", turn.conversation));
    let sent = chat.gateway.calls_of("POST /v1/conversations/{id}")[0].json();
    assert_eq!(sent, json!({"metadata": {"title": "Bees & <wasps>"}}));
    assert_eq!(names(&chat.page(&to).await, "class=\"chats\""), ["Bees &amp; &lt;wasps&gt;"]);
    for nothing in ["  ", "\u{200b}\u{202e}\u{3164}"] {
        let empty = chat.send(&turn.below("rename"), &[("title", nothing)]).await;
        assert_eq!(empty.status(), 400, "{nothing:?}");
    }
    chat.go(&turn.below("rename"), &[("title", "Bees\u{202e} \u{2067}and wasps")]).await;
    let page = chat.page(&to).await;
    assert_eq!(names(&page, "class=\"chats\""), ["Bees and wasps"], "nothing is turned around");
    assert!(page.contains("<title>Bees and wasps · Chappe</title>"), "{page}");
    let long = "é".repeat(1000);
    chat.go(&turn.below("rename"), &[("title", &long)]).await;
    assert_eq!(names(&chat.page(&to).await, "class=\"chats\""), ["é".repeat(80)]);
}

#[tokio::test]
async fn a_chat_is_deleted_with_what_was_said_in_it_once_that_was_said_twice() {
    let gateway = Gateway::start();
    let chat = ChatPage::before(&gateway);
    let turn = chat.ask("Why?").await;
    gateway.answers_by(Script::Waits);
    let running = chat.ask_after(&turn, "And?").await;
    let kept = chat.ask("Something else").await;
    let form = chat.page(&turn.below("delete")).await;
    assert!(form.contains("Why?") && form.contains("method=\"post\""), "{form}");
    assert_eq!(chat.get(&turn.path()).await.status(), 200, "looking deletes nothing");

    let to = chat.go(&turn.below("delete"), &[]).await;

    assert_eq!(to, "/chats");
    let delete = &gateway.calls_of("DELETE /v1/conversations/{id}")[0];
    assert_eq!(delete.query, "responses=true");
    assert_eq!(chat.get(&running.path()).await.status(), 404);
    assert_eq!(gateway.answers()[1].ended().await.as_str(), "cancelled");
    assert_eq!(names(&chat.page("/chats").await, "class=\"chats long\""), ["Something else"]);
    // Twice is once.
    chat.go(&turn.below("delete"), &[]).await;
    assert_eq!(chat.get(&kept.path()).await.status(), 200);
}

#[tokio::test]
async fn all_chats_of_a_browser_are_deleted_and_no_others() {
    let chat = ChatPage::open();
    for number in 0..130 {
        chat.ask(&format!("question {number}")).await;
    }
    let other = chat.another_reader();
    let of_other = other.ask("Mine").await;
    let form = chat.page("/chats/delete").await;
    assert!(form.contains("method=\"post\"") && form.contains("Every chat"), "{form}");

    let to = chat.go("/chats/delete", &[]).await;

    assert_eq!(to, "/");
    assert!(chat.page("/chats").await.contains("There is no chat yet"));
    assert_eq!(other.get(&of_other.path()).await.status(), 200);
}

#[tokio::test]
async fn some_chats_are_deleted_side_by_side_and_a_few_at_most() {
    const DELETE: &str = "DELETE /v1/conversations/{id}";
    let chat = ChatPage::open();
    for number in 0..20 {
        chat.ask(&format!("question {number}")).await;
    }
    chat.gateway.hold(DELETE);

    let deleting = chat.go("/chats/delete", &[]);
    let watching = async {
        chat.gateway.is_called(DELETE, 8).await;
        let others = chat.page("/chats").await;
        assert_eq!(chat.gateway.calls_of(DELETE).len(), 8, "{others}");
        chat.gateway.release();
    };
    tokio::join!(deleting, watching);

    assert!(chat.page("/chats").await.contains("There is no chat yet"));
}

#[tokio::test]
async fn chats_are_found_by_their_names_and_by_what_was_said() {
    let chat = ChatPage::open();
    let named = chat.ask("Why?").await;
    chat.go(&named.below("rename"), &[("title", "Über Bienen")]).await;
    let said = chat.ask("What hums?").await;
    chat.ask_after(&said, "It was a <Bumblebee>.").await;

    for (text, expected) in [
        ("bienen", vec!["Über Bienen"]),
        ("you+said%3A+it+was", vec!["What hums?"]),
        ("%3Cbumblebee%3E", vec!["What hums?"]),
    ] {
        let page = chat.page(&format!("/chats?find={text}")).await;
        assert_eq!(names(&page, "class=\"chats long\""), expected, "{text}");
        assert!(page.contains("1 found"), "{text}: {page}");
    }
    let none = chat.page("/chats?find=%3Cscript%3E").await;
    assert!(none.contains("Nothing was found") && !none.contains("<script>"), "{none}");
    assert!(none.contains("value=\"&lt;script&gt;\""), "{none}");
    let call = chat.gateway.calls_of("GET /v1/conversations").pop().unwrap();
    assert!(call.query.contains("search=%3Cscript%3E"), "{}", call.query);
    // What asks for nothing lists everything.
    for query in ["find=", "find=++", "after=nonsense", "x=%ff"] {
        let page = chat.page(&format!("/chats?{query}")).await;
        assert_eq!(names(&page, "class=\"chats long\"").len(), 2, "{query}");
    }
}

#[tokio::test]
async fn older_chats_are_on_further_pages() {
    let chat = ChatPage::open();
    for number in 0..60 {
        chat.ask(&format!("question {number}")).await;
    }

    let first = chat.page("/chats").await;
    let (_, button) = first.split_once("name=\"after\" value=\"").unwrap();
    let after = button.split('"').next().unwrap();
    let second = chat.page(&format!("/chats?after={after}")).await;

    let mut all = names(&first, "class=\"chats long\"");
    all.extend(names(&second, "class=\"chats long\""));
    let expected: Vec<_> = (0..60).rev().map(|number| format!("question {number}")).collect();
    assert_eq!(all, expected);
    assert!(!second.contains("Older chats"), "{second}");
}

#[tokio::test]
async fn of_five_hundred_messages_a_page_has_some_and_leads_to_all_before_them() {
    const TURNS: usize = 250;
    let chat = ChatPage::open();
    let mut turn = chat.ask("question 0.").await;
    for number in 1..TURNS {
        turn = chat.ask_after(&turn, &format!("question {number}.")).await;
    }

    let (mut left, mut path) = (TURNS, turn.path());
    while left > 0 {
        let page = chat.page(&path).await;
        let shown = page.matches("data-author=\"user\"").count();
        assert!((1..=30).contains(&shown) && page.len() < 200_000, "{shown}, {}", page.len());
        left -= shown;
        assert!(page.contains(&format!("question {left}.")), "{left}: {page}");
        let earlier = page.split_once("class=\"earlier\"").map(|(_, rest)| rest);
        let Some(earlier) = earlier else { break };
        let link = earlier.split_once("href=\"").unwrap().1.split('"').next().unwrap();
        path = link.replace("&amp;", "&");
    }
    assert_eq!(left, 0, "the first one was reached");
}

#[tokio::test]
async fn how_pages_look_is_kept() {
    let chat = ChatPage::open();
    assert!(chat.page("/").await.contains("data-theme=\"system\""));

    for path in ["/", "/chats"] {
        assert!(chat.page(path).await.contains("href=\"/settings\""), "{path} leads there");
    }
    let calls = || chat.gateway.calls_of("GET /v1/conversations").len();
    let before = calls();
    let settings = chat.page("/settings").await;
    for setting in ["theme", "enter", "aloud"] {
        assert!(settings.contains(&format!("name=\"{setting}\"")), "{setting}: {settings}");
    }
    assert_eq!(calls(), before, "settings are no business of the gateway");

    let response = chat.send("/look", &[("theme", "dark")]).await;

    assert_eq!(response.headers()["location"], "/settings");
    let cookies = response.headers().get_all("set-cookie").iter();
    let mut cookies = cookies.filter_map(|cookie| cookie.to_str().unwrap().split(';').next());
    let theme = cookies.find(|cookie| cookie.starts_with("chappe_theme=")).unwrap();
    let page = chat.browser.get(&chat.url).header("cookie", theme).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("data-theme=\"dark\""));
    for (name, value, shown) in
        [("enter", "newline", "data-enter=\"newline\""), ("aloud", "on", "id=\"aloud\"")]
    {
        assert!(!chat.page("/").await.contains(shown), "{shown}");
        let response = chat.send("/look", &[(name, value)]).await;
        let cookie = format!("chappe_{name}={value}");
        let set = response.headers().get_all("set-cookie").iter();
        assert!(set.filter(|set| set.to_str().unwrap().starts_with(&cookie)).count() == 1);
        let page = chat.browser.get(&chat.url).header("cookie", cookie).send().await.unwrap();
        assert!(page.text().await.unwrap().contains(shown), "{shown}");
    }
    let nonsense = chat.browser.get(&chat.url).header("cookie", "chappe_theme=\"><script>");
    assert!(nonsense.send().await.unwrap().text().await.unwrap().contains("data-theme=\"system\""));
}
