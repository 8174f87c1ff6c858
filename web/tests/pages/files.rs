//! Questions with files: how the gateway is asked, and what is shown of them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Response;
use serde_json::{Value, json};

use crate::gateway::Gateway;
use crate::multipart::PNG;
use crate::reader::Turn;
use crate::support::{ChatPage, field};

const MODEL: (&str, &str) = ("model", "simulator");

/// Where a form has led to.
fn turn(response: &Response) -> Turn {
    assert_eq!(response.status(), 303);
    Turn::at(response.headers()["location"].to_str().unwrap())
}

fn data_url(kind: &str, bytes: &[u8]) -> String {
    format!("data:{kind};base64,{}", STANDARD.encode(bytes))
}

fn image(name: &str) -> Value {
    json!({"type": "input_image", "image_url": data_url("image/png", PNG), "filename": name})
}

/// Another program's question in a chat of the page.
async fn ask_by_api(chat: &ChatPage, turn: &Turn, input: &Value) -> Turn {
    let owner =
        chat.gateway.calls_of("POST /v1/responses")[0].header("chappe-on-behalf-of").to_owned();
    let url = format!("http://{}/v1/responses", chat.gateway.address());
    let body = json!({"model": "simulator", "conversation": turn.conversation, "input": input,
        "background": true, "store": true});
    let request = chat.browser.post(url).header("chappe-on-behalf-of", owner);
    let made = request.body(body.to_string()).send().await.unwrap().text().await.unwrap();
    let made: Value = serde_json::from_str(&made).unwrap();
    Turn { response: made["id"].as_str().unwrap().to_owned(), ..turn.clone() }
}

#[tokio::test]
async fn a_form_of_the_page_may_bring_files_and_needs_none() {
    let chat = ChatPage::open();
    let home = chat.page("/").await;
    assert!(home.contains("enctype=\"multipart/form-data\""), "{home}");

    // As a browser sends an input in which nothing was chosen.
    let once = field(&home, "once");
    let fields = [MODEL, ("prompt", "Why?\nSo."), ("once", &*once), ("instructions", "Be brief.")];
    let turn = turn(&chat.send_files(&fields, &[("", b"")]).await);

    let asked = chat.gateway.answers()[0].request().clone();
    assert_eq!(
        (&asked["input"], &asked["instructions"]),
        (&json!("Why?\nSo."), &json!("Be brief."))
    );
    assert!(!chat.page(&turn.path()).await.contains("class=\"files\""));
}

#[tokio::test]
async fn images_and_texts_are_asked_and_shown() {
    let chat = ChatPage::open();

    let files = [("../cat \"1\".jpg", PNG), ("data.csv", b"a,b\n<script>,2\n")];
    let turn = turn(&chat.send_files(&[MODEL, ("prompt", "What is this?")], &files).await);

    let text = json!({"type": "input_file", "filename": "data.csv",
        "file_data": data_url("text/plain", files[1].1)});
    let prompt = json!({"type": "input_text", "text": "What is this?"});
    let content = json!([image("cat \"1\".jpg"), text, prompt]);
    let asked = chat.gateway.answers()[0].request().clone();
    assert_eq!(asked["input"], json!([{"role": "user", "content": content}]));
    let page = chat.page(&turn.path()).await;
    let picture = turn.below(&format!("file/{}/0", turn.response));
    let shown = format!("<img src=\"{picture}\" alt=\"cat &quot;1&quot;.jpg\"");
    assert!(
        page.contains(&shown) && page.contains(&format!("<a class=\"picture\" href=\"{picture}\""))
    );
    assert!(page.contains("a,b\n&lt;script&gt;,2\n</pre>"), "{page}");
    assert!(page.contains("What is this?</div>") && !page.contains("data:image/png"), "{page}");
}

#[tokio::test]
async fn a_file_is_given_as_what_it_is_and_can_do_nothing() {
    let chat = ChatPage::open();
    // It begins like an image and goes on like a page.
    let polyglot = b"GIF89a/*<html><script>alert(1)</script>*/";
    let files = [("a.html", &polyglot[..]), ("b.html", b"<script>alert(1)</script>")];
    let turn = turn(&chat.send_files(&[MODEL], &files).await);

    for (number, kind, name) in
        [(0, "image/gif", "image.gif"), (1, "text/plain; charset=utf-8", "file.txt")]
    {
        let file = chat.get(&turn.below(&format!("file/{}/{number}", turn.response))).await;
        assert_eq!(file.status(), 200);
        let header = |name: &str| file.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), kind);
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(
            header("content-security-policy"),
            "default-src 'none'; style-src 'unsafe-inline'; sandbox"
        );
        assert_eq!(header("content-disposition"), format!("inline; filename=\"{name}\""));
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin");
        assert_eq!(file.bytes().await.unwrap(), files[number].1);
    }
}

#[tokio::test]
async fn a_file_is_there_for_whoever_has_asked_with_it_and_under_its_number() {
    let chat = ChatPage::open();
    let turn = turn(&chat.send_files(&[MODEL], &[("a.png", PNG)]).await);
    let path = |number: &str| turn.below(&format!("file/{}/{number}", turn.response));

    assert_eq!(chat.get(&path("0")).await.status(), 200);
    assert_eq!(chat.another_reader().get(&path("0")).await.status(), 404);
    for number in ["1", "-1", "x", "18446744073709551616"] {
        let refused = chat.get(&path(number)).await;
        assert_eq!(refused.status(), 404, "{number}");
        assert!(refused.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    }
    let nobodys = turn.below("file/resp_00000000000000000000000000009999/0");
    assert_eq!(chat.get(&nobodys).await.status(), 404);
}

#[tokio::test]
async fn a_chat_that_begins_with_a_file_alone_has_its_name() {
    let chat = ChatPage::open();

    let turn = turn(&chat.send_files(&[MODEL, ("prompt", "  ")], &[("cat.png", PNG)]).await);

    let asked = chat.gateway.answers()[0].request().clone();
    assert_eq!(asked["input"], json!([{"role": "user", "content": [image("cat.png")]}]));
    let page = chat.page(&turn.path()).await;
    assert!(page.contains("<title>cat.png · Chappe</title>"), "{page}");
}

#[tokio::test]
async fn asking_again_sends_the_files_again() {
    let chat = ChatPage::open();
    let first = turn(&chat.send_files(&[MODEL, ("prompt", "Why?")], &[("a.png", PNG)]).await);

    let fields = [("conversation", &*first.conversation), MODEL, ("again", &*first.response)];
    let again = turn(&chat.send_files(&fields, &[("", b"")]).await);

    let content = chat.gateway.answers()[1].request()["input"][0]["content"].clone();
    assert_eq!(content, json!([image("a.png"), {"type": "input_text", "text": "Why?"}]));
    let page = chat.page(&again.path()).await;
    assert!(page.contains(&again.below(&format!("file/{}/0", again.response))), "{page}");
}

#[tokio::test]
async fn a_question_is_written_anew_with_the_files_that_stay() {
    let chat = ChatPage::open();
    let files = [("a.png", PNG), ("b.txt", b"b"), ("c.txt", b"c")];
    let first = turn(&chat.send_files(&[MODEL, ("prompt", "Why?")], &files).await);

    let editor = chat.page(&format!("{}&edit={}", first.path(), first.response)).await;
    for number in 0..3 {
        let kept = format!("name=\"keep\" value=\"{number}\" checked");
        assert!(editor.contains(&kept), "{editor}");
    }
    assert_eq!(field(&editor, "files_of"), first.response);
    let fields = [
        ("conversation", &*first.conversation),
        ("after", "beginning"),
        MODEL,
        ("prompt", "How?"),
        ("files_of", &*first.response),
        ("keep", "0"),
        ("keep", "2"),
    ];
    let anew = turn(&chat.send_files(&fields, &[("d.txt", b"d")]).await);

    let content = chat.gateway.answers()[1].request()["input"][0]["content"].clone();
    let names: Vec<_> = content.as_array().unwrap().iter().map(|part| &part["filename"]).collect();
    assert_eq!(names, [&json!("a.png"), &json!("c.txt"), &json!("d.txt"), &Value::Null]);
    assert!(
        chat.page(&anew.path()).await.contains("1 / 2")
            || chat.page(&anew.path()).await.contains("2 / 2")
    );
    // Without any of them, and by an old form.
    let turn = turn(&chat.send("/chat", &fields[..5]).await);
    assert!(!chat.page(&turn.path()).await.contains("class=\"files\""));
}

#[tokio::test]
async fn images_of_elsewhere_are_links_and_strange_ones_are_not_shown() {
    let gateway = Gateway::start();
    let chat = ChatPage::before(&gateway);
    let part = |url: &str| json!({"type": "input_image", "image_url": url});
    let svg = data_url("image/svg+xml", b"<svg onload='alert(1)'/>");
    let content = json!([
        part("https://example.com/cat.png"), part("javascript:alert(1)"), part(&svg),
        {"type": "input_text", "text": "See."},
    ]);
    let begun = chat.ask("a").await;
    let asked = ask_by_api(&chat, &begun, &json!([{"role": "user", "content": content}])).await;

    let page = chat.page(&asked.path()).await;

    assert!(
        page.contains("Image elsewhere: <a href=\"https://example.com/cat.png\" rel=\"noopener"),
        "{page}"
    );
    assert!(
        !page.contains("<img") && !page.contains("href=\"javascript") && page.contains("not shown")
    );
    for number in 0..3 {
        let path = asked.below(&format!("file/{}/{number}", asked.response));
        assert_eq!(chat.get(&path).await.status(), 404);
    }
}

#[tokio::test]
async fn an_export_names_files_and_has_them() {
    let chat = ChatPage::open();
    let turn = turn(&chat.send_files(&[MODEL, ("prompt", "Why?")], &[("a.png", PNG)]).await);

    let markdown = chat.page(&turn.below("export/markdown")).await;
    let json: Value = serde_json::from_str(&chat.page(&turn.below("export/json")).await).unwrap();

    assert!(markdown.contains("## You\n\n> a.png\n\nWhy?\n"), "{markdown}");
    assert_eq!(json["turns"][0]["files"], json!([image("a.png")]));
}
