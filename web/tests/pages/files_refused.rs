//! Files that are not sent, and forms that no browser writes.

use crate::gateway::{Gateway, Refused};
use crate::multipart::{self, PNG};
use crate::support::{ChatPage, field};

const ASK: &str = "POST /v1/responses";
const FIELDS: [(&str, &str); 2] = [("model", "simulator"), ("prompt", "What <is> this?")];
const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn what_cannot_be_sent_is_named_and_what_was_written_is_given_back() {
    let chat = ChatPage::open();
    let image = |bytes: usize| [PNG, &vec![0; bytes - PNG.len()]].concat();
    let (large, half) = (image(4 * MIB + 1), image(3 * MIB));
    let text = "x".repeat(MIB + 1);
    let eleven: Vec<_> = (0..11).map(|_| ("a.txt", &b"a"[..])).collect();
    for (files, status, words) in [
        (vec![("a.svg", &b"<svg xmlns='http://www.w3.org/2000/svg'/>"[..])], 415, "no image"),
        (vec![("a.png", PNG), ("a.pdf", b"%PDF-1.7\n\xe2\xe3")], 415, "a.pdf"),
        (vec![("caf\u{e9}.txt", b"caf\xe9")], 415, "no text in UTF-8"),
        (vec![("none.txt", b"")], 400, "is empty"),
        (vec![("a.png", &*large)], 413, "it can have 4 MiB"),
        (vec![("a.txt", text.as_bytes())], 413, "text can have 1 MiB"),
        (vec![("a.png", &*half), ("b.png", &*half)], 413, "5 MiB together"),
        (eleven, 413, "can have 10 files"),
    ] {
        let names: Vec<_> = files.iter().map(|(name, _)| *name).collect();
        let refused = chat.send_files(&FIELDS, &files).await;

        assert_eq!(refused.status(), status, "{names:?}");
        let page = refused.text().await.unwrap();
        assert!(page.contains(words), "{names:?}: {page}");
        assert!(page.contains(">What &lt;is&gt; this?</textarea>"), "{names:?}: {page}");
        let again = page.split_once("Choose your files again: ").unwrap().1;
        assert!(names.iter().all(|name| again.contains(name)), "{names:?}: {page}");
    }
    assert_eq!(chat.gateway.calls_of(ASK).len(), 0);
    assert_eq!(chat.gateway.calls_of("POST /v1/conversations").len(), 0);
}

#[tokio::test]
async fn names_are_text_of_one_line_whatever_they_are() {
    let chat = ChatPage::open();
    let long = format!("{}.png", "n".repeat(100_000));
    for (name, shown) in [
        ("\"><script>alert(1)<b>.png", "&quot;&gt;&lt;script&gt;alert(1)&lt;b&gt;.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\dir\\a.png", "a.png"),
        ("cat\u{202e}gnp.exe", "catgnp.exe"),
        ("two\r\nlines.png", "two lines.png"),
        ("שלום.png", "שלום.png"),
        ("", "file"),
        (&*long, "nnnn…"),
    ] {
        let sent = chat.send_files(&FIELDS, &[(name, PNG)]).await;
        let location = sent.headers()["location"].to_str().unwrap().to_owned();
        let page = chat.page(location.split('#').next().unwrap()).await;

        let alt = page.split_once("<img src=").unwrap().1.split_once("alt=\"").unwrap().1;
        let alt = alt.split_once('"').unwrap().0;
        if name == long {
            assert!(alt.starts_with("nnnn") && alt.ends_with(".png") && alt.len() < 200, "{alt}");
        } else {
            assert_eq!(alt, shown);
        }
        assert!(!page.contains("<script>"), "{page}");
    }
}

#[tokio::test]
async fn a_refusal_of_the_gateway_says_that_files_have_to_be_chosen_again() {
    for (refused, words) in [
        (Refused::new(503, "queue_unavailable", "x").come_again(5), "again in 5 seconds."),
        (Refused::new(413, "request_too_large", "x"), "With these files the message is too long"),
    ] {
        let gateway = Gateway::start();
        gateway.refuse_next(ASK, refused);
        let chat = ChatPage::before(&gateway);

        let page = chat.send_files(&FIELDS, &[("a.png", PNG), ("b.txt", b"b")]).await;

        let page = page.text().await.unwrap();
        assert!(page.contains(words) && page.contains("Choose your files again"), "{page}");
        assert!(page.contains("a.png\u{2069}”") && page.contains("b.txt\u{2069}”"), "{page}");
        assert!(page.contains(">What &lt;is&gt; this?</textarea>"), "{page}");
    }
}

#[tokio::test]
async fn files_that_are_kept_stay_picked_when_a_question_is_given_back() {
    let gateway = Gateway::start();
    let chat = ChatPage::before(&gateway);
    let first = chat.send_files(&FIELDS, &[("a.png", PNG), ("b.txt", b"b")]).await;
    let first = crate::reader::Turn::at(first.headers()["location"].to_str().unwrap());
    gateway.refuse_next(ASK, Refused::new(503, "queue_unavailable", "x"));

    let fields = [
        ("conversation", &*first.conversation),
        ("after", "beginning"),
        FIELDS[0],
        ("prompt", "Why?"),
        ("files_of", &*first.response),
        ("keep", "1"),
    ];
    let page = chat.send_files(&fields, &[]).await.text().await.unwrap();

    assert_eq!(field(&page, "files_of"), first.response);
    assert!(page.contains("name=\"keep\" value=\"1\" checked"), "{page}");
    assert!(!page.contains("name=\"keep\" value=\"0\""), "{page}");
    // They count, and they are the reader's own.
    let many: Vec<_> = (0..10).map(|_| ("c.txt", &b"c"[..])).collect();
    assert_eq!(chat.send_files(&fields, &many).await.status(), 413);
    let stranger = chat.another_reader().send_files(&fields[2..], &[]).await;
    assert_eq!(stranger.status(), 404);
}

#[tokio::test]
async fn what_is_no_form_is_no_question() {
    let chat = ChatPage::open();
    let good = multipart::encoded(&FIELDS, &[("a.png", PNG)]);
    let cut = &good[..good.len() - 30];
    let many = multipart::encoded(&[("x", ""); 300], &[]);
    let other = String::from_utf8_lossy(&multipart::encoded(&FIELDS, &[("a", b"a")]))
        .replace("\"files\"", "\"prompt\"");
    let nameless =
        "------boundary\r\ncontent-disposition: form-data\r\n\r\nx\r\n------boundary--\r\n";
    let not_text = multipart::encoded(&[("prompt", "é")], &[]);
    let not_text: Vec<_> = not_text.into_iter().filter(|byte| *byte != 0xa9).collect();
    for (kind, body) in [
        (multipart::TYPE, cut),
        (multipart::TYPE, &many),
        (multipart::TYPE, other.as_bytes()),
        (multipart::TYPE, nameless.as_bytes()),
        (multipart::TYPE, &not_text),
        (multipart::TYPE, b""),
        ("multipart/form-data", &good),
        ("multipart/form-data; boundary=another", &good),
        ("multipart/mixed; boundary=----boundary", &good),
    ] {
        let request = chat.request("POST", "/chat").header("sec-fetch-site", "same-origin");
        let refused =
            request.header("content-type", kind).body(body.to_vec()).send().await.unwrap();
        assert_eq!(refused.status(), 400, "{kind}: {}", String::from_utf8_lossy(body));
        assert!(refused.text().await.unwrap().contains("cannot be read"));
    }
    let request = chat.request("POST", "/chat").header("sec-fetch-site", "cross-site");
    let foreign = request.header("content-type", multipart::TYPE).body(good).send().await.unwrap();
    assert_eq!(foreign.status(), 403);
    let huge = vec![0; 33 * MIB];
    let refused = chat.send_files(&FIELDS, &[("a.png", &huge)]).await;
    assert_eq!(refused.status(), 413);
    assert!(refused.text().await.unwrap().contains("files can have 5 MiB together"));
    assert_eq!(chat.gateway.calls_of(ASK).len(), 0, "nothing was asked");
}
