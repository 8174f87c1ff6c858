//! What is promised of markdown, whatever a model says.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::{Colours, Renderer, Sealed, blocks};

fn whole(text: &str) -> String {
    super::whole(text, Colours::On)
}

fn in_pieces(pieces: &[String]) -> String {
    let mut renderer = Renderer::default();
    let mut html = String::new();
    for piece in pieces {
        renderer.push(piece);
        html.extend(renderer.take().iter().map(Sealed::as_html));
        // Looking at it changes nothing.
        let _tail = (renderer.tail(), renderer.settled());
    }
    renderer.finish();
    html.extend(renderer.take().iter().map(Sealed::as_html));
    html
}

/// What a sanitizer that knows our elements leaves of it.
fn sanitized(html: &str) -> String {
    let mut ammonia = ammonia::Builder::default();
    let ours = ["class", "tabindex", "role", "aria-label"];
    ammonia
        .tags(HashSet::from([
            "a",
            "blockquote",
            "code",
            "del",
            "div",
            "em",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "hr",
            "br",
            "li",
            "ol",
            "p",
            "pre",
            "span",
            "strong",
            "table",
            "tbody",
            "td",
            "th",
            "thead",
            "tr",
            "ul",
        ]))
        .generic_attributes(HashSet::from(ours))
        .tag_attributes(HashMap::from([
            ("a", HashSet::from(["href", "rel", "target"])),
            ("ol", HashSet::from(["start"])),
        ]))
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .link_rel(None);
    ammonia.clean(html).to_string()
}

/// The same, parsed and written by nothing but the sanitizer's parser: entities spelt alike.
fn elements_and_text(html: &str) -> Vec<String> {
    html.split('<').map(|part| part.replace("&quot;", "\"").replace("&#39;", "'")).collect()
}

#[test]
fn each_kind_of_block_has_its_element() {
    for (markdown, html) in [
        ("# A", "<h1>A</h1>"),
        ("A\n\nB", "<p>A</p>\n<p>B</p>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("2. a", "<ol start=\"2\">"),
        ("> a", "<blockquote>"),
        ("**a** *b* ~~c~~ `d`", "<strong>a</strong> <em>b</em> <del>c</del> <code>d</code>"),
        ("|a|b|\n|-|-:|\n|1|2|", "<th class=\"right\">b</th>"),
        ("a\n\n---\n\nb", "<hr />"),
        ("- [x] a", "☑ a"),
        ("```rust\nfn a() {}\n```", "<span class=\"k\">fn</span>"),
        ("    a < b", "a &lt; b"),
    ] {
        let got = whole(markdown);
        assert!(got.contains(html), "{markdown:?} is {got}");
    }
}

#[test]
fn a_loose_list_and_code_within_it_stay_together() {
    let html = whole("1. a\n\n   ```sh\n   ls\n\n   pwd\n   ```\n\n2. b\n\nafter");

    assert_eq!(html.matches("<ol").count(), 1, "{html}");
    assert_eq!(html.matches("class=\"code\"").count(), 1, "{html}");
    assert!(html.contains("</ol>\n<p>after</p>"), "{html}");
}

#[test]
fn nothing_a_model_says_is_html_an_image_or_a_strange_link() {
    for text in [
        "<script>alert(1)</script>",
        "a <b onclick=\"x\">b</b>",
        "<iframe src=\"http://x\"></iframe>\n\nb",
        "[a](javascript:alert(1))",
        "[a](data:text/html,x)",
        "[a](/stop)",
        "![a](http://x/pixel.png)",
        "[![a](http://x/p.png)](javascript:x)",
        "```\"><script>\nx\n```",
        "`<script>`",
        "[a]: javascript:x\n\n[a]",
        "|<script>|\n|-|\n|<img src=x>|",
        "<a href='x' onclick=y>",
        "http://a/<script>",
    ] {
        let html = whole(text);
        for bad in ["<script", "<img", "<iframe", "<b ", "=\"javascript", "=\"data:", "=\"/"] {
            assert!(!html.contains(bad), "{text:?} is {html}");
        }
    }
}

#[test]
fn a_link_leads_away_without_telling_where_from() {
    let html = whole("[a](https://example.com) and https://example.org.");
    let rel = "rel=\"noopener noreferrer nofollow\"";
    assert!(html.contains(&format!("<a href=\"https://example.com\" {rel}")), "{html}");
    assert!(html.contains(&format!("<a href=\"https://example.org\" {rel}")), "{html}");
}

#[test]
fn what_is_open_in_the_tail_looks_as_if_it_were_closed() {
    for (text, tail) in [
        ("some **bold", "<p>some <strong>bold</strong></p>\n"),
        ("some **", "<p>some</p>\n"),
        ("some `code", "<p>some <code>code</code></p>\n"),
        ("Title\n-", "<p>Title</p>\n"),
        ("|", ""),
        ("```rust\nlet a", "let a"),
        ("```rust\n``", ""),
    ] {
        let mut renderer = Renderer::default();
        renderer.push(text);
        assert_eq!(renderer.tail(), tail, "{text:?}");
    }
}

#[test]
fn words_that_will_stand_are_known_before_their_paragraph_ends() {
    for (text, settled) in [
        ("One two thr", Some("<p>One two")),
        ("One **two** three ", Some("<p>One <strong>two</strong> three")),
        ("One **two thr", None),
        ("- One two", None),
        ("| One two", None),
        ("One", None),
    ] {
        let mut renderer = Renderer::default();
        renderer.push(text);
        assert_eq!(renderer.settled().as_deref(), settled, "{text:?}");
    }
}

#[test]
fn text_without_an_end_is_sealed_on_the_way() {
    let longest = 3 * blocks::LONGEST_BLOCK;
    for endless in ["word ", "x", "- item\n", "| a | b |\n", "> ", "[", "*", "a\n", "  - x\n", "\\"]
    {
        let mut renderer = Renderer::default();
        renderer.push("|a|b|\n|-|-|\n");
        let mut sealed = 0;
        for _ in 0..(200_000 / endless.len()) {
            renderer.push(endless);
            sealed += renderer.take().len();
        }
        assert!(sealed > 5, "{endless:?}: {sealed}");
        assert!(renderer.tail().len() < 8 * longest, "{endless:?}: {}", renderer.tail().len());
    }
}

#[test]
fn a_table_that_is_cut_has_its_head_again() {
    let mut text = "|name|n|\n|-|-|\n".to_owned();
    for row in 0..4_000 {
        text += &format!("|row {row}|{row}|\n");
    }
    text += "\nafter";

    let html = whole(&text);

    assert!(html.matches("<thead>").count() > 1);
    assert_eq!(html.matches("<tr>").count() - html.matches("<thead>").count(), 4_000);
    assert!(html.ends_with("</div>\n<p>after</p>\n"));
}

#[test]
fn nesting_without_end_is_flattened() {
    for text in
        [format!("{}a", "> ".repeat(4_000)), format!("{}a{}", "*".repeat(3_000), "*".repeat(3_000))]
    {
        let html = whole(&text);
        let mut open = 0_usize;
        let mut deepest = 0;
        for tag in html.split('<').skip(1) {
            if tag.starts_with('/') {
                open -= 1
            } else {
                open += 1
            }
            deepest = deepest.max(open);
        }
        assert!(deepest < 40, "{deepest}");
    }
}

#[test]
fn without_colours_the_code_is_the_same() {
    let html = super::whole("```rust\nfn a() {}\n```", Colours::Off);

    assert!(html.contains("<code>fn a() {}\n</code>"), "{html}");
}

#[test]
fn a_definition_whose_links_are_gone_is_still_read() {
    assert!(whole("[a]: https://example.com").contains("[a]: <a href=\"https://example.com\""));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn it_does_not_matter_in_which_pieces_a_text_comes(
        pieces in proptest::collection::vec("[ab*_`#>|\\-\n\\[\\]()<:!~1. é\r]{0,10}", 0..24),
    ) {
        let text = pieces.concat();
        let each: Vec<String> = text.chars().map(String::from).collect();

        let once = whole(&text);

        prop_assert_eq!(&in_pieces(&pieces), &once);
        prop_assert_eq!(&in_pieces(&each), &once);
    }

    #[test]
    fn a_sanitizer_finds_nothing_to_take_away(
        text in "([a<>/\"'=&;:|`*_\\[\\]()!#\n \\-]|script|img|src|href|javascript:|https://|<svg|on){0,40}",
    ) {
        let html = whole(&text);

        let clean = sanitized(&html);

        // Entities may be spelt differently, elements may not differ.
        let count = |html: &str| html.matches('<').count();
        prop_assert_eq!(
            count(&clean.replace("<br>", "<br />")), count(&html),
            "{} became {}", html, clean
        );
        prop_assert!(!elements_and_text(&html).iter().any(|part| part.starts_with("script")));
    }

    #[test]
    fn no_word_is_lost(words in proptest::collection::vec("[a-z]{1,8}", 1..40)) {
        let html = whole(&words.join(" "));
        prop_assert_eq!(html, format!("<p>{}</p>\n", words.join(" ")));
    }
}
