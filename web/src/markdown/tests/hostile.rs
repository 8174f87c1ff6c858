//! What is written to break the renderer, its page, or its reader.

use std::time::Duration;

use super::whole;
use crate::markdown::{Renderer, blocks};

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
fn items_that_are_nested_too_deep_stay_apart() {
    const DEPTH: usize = 40;
    let item = |depth: usize, text: &str| format!("{}- item {text}\n", "  ".repeat(depth));
    for above in ["", "> "] {
        let mut lines: Vec<_> =
            (0..DEPTH).map(|depth| item(depth, &format!("*{depth}*"))).collect();
        lines.extend(["a", "b"].map(|text| item(DEPTH - 1, text)));
        lines.push(item(3, "c"));
        let markdown: String = lines.iter().map(|line| format!("{above}{line}")).collect();

        let html = whole(&markdown);

        let items: Vec<_> = html.split("item ").skip(1).collect();
        assert_eq!(items.len(), DEPTH + 3, "{html}");
        for item in &items[..items.len() - 1] {
            let is_apart = item.ends_with("<li>") || item.ends_with("<br>\n");
            assert!(is_apart, "{item:?} runs into the next one: {html}");
        }
        assert!(!html.contains("<li><br>") && !html.contains("<ul>\n<br>"), "{html}");
    }
    // Paragraphs as well.
    let html =
        whole(&format!("{}one\n{}\n{}two", "> ".repeat(40), "> ".repeat(40), "> ".repeat(40)));
    assert!(html.contains("one<br>\ntwo"), "{html}");
}

/// What so much may take here, unoptimised and beside other tests. What grows with the square of
/// the text takes minutes.
const LONGEST: Duration = Duration::from_secs(20);
/// How much HTML may come of a byte, at most.
const MOST_PER_BYTE: usize = 64;

#[test]
fn a_megabyte_on_one_line_takes_bounded_time_and_space() {
    for part in ["x", "[", "$a$"] {
        let text = part.repeat(1_000_000 / part.len());
        let started = tokio::time::Instant::now();
        let html = whole(&text);
        assert!(started.elapsed() < LONGEST, "{part:?}: {:?}", started.elapsed());
        assert!(html.len() < MOST_PER_BYTE * text.len(), "{part:?}: {}", html.len());
    }
}

#[test]
fn much_of_anything_takes_bounded_time_stack_and_space() {
    let wide = format!("|{}\n|{}\n", "a|".repeat(2_000), "-|".repeat(2_000));
    let narrow = format!("|{}\n|{}\n", "a|".repeat(60), "-|".repeat(60));
    for part in [
        "x",
        " ",
        "a b ",
        "*",
        "_a",
        "[",
        "](",
        "![",
        "`",
        "``` ",
        "~",
        "<",
        "<!--",
        "&",
        "\\",
        "|",
        "#",
        "$",
        "$a$",
        "$$",
        "\\(",
        "\\(a\\)",
        "\\[",
        "\\\\[",
        "$\\sqrt",
        "$$\\frac{1}{",
        "[^1]",
        "[^1]: ",
        "> ",
        ">\n",
        "- ",
        "- a\n",
        "  - a\n",
        "1. ",
        "\n\n",
        "|a\n",
        "- [x] a\n",
        "```\n",
        "```rust\n{\n",
        "a@b.c ",
        "www.a.b ",
        "https://a ",
        "\u{202e}",
        "\u{200b}",
        "e\u{301}",
        "\0",
        "\r",
        "<script>",
        "=\n",
        &wide,
        &narrow,
    ] {
        let text = part.repeat(16_000 / part.len());
        for text in [
            text.clone(),
            format!("```\n{text}"),
            format!("{wide}{text}"),
            format!("{narrow}{text}"),
        ] {
            let started = tokio::time::Instant::now();
            let html = whole(&text);
            assert!(started.elapsed() < LONGEST, "{part:?}: {:?}", started.elapsed());
            assert!(html.len() < MOST_PER_BYTE * text.len(), "{part:?}: {}", html.len());
        }
    }
}

#[test]
fn a_control_of_direction_ends_with_its_block() {
    let html = whole("a \u{202e}b\n\n- c\u{2066}\n- d\n\n```\ne\u{202e}\u{200b}f\n```");

    // A browser isolates these, and ends with them what was begun within.
    assert!(html.contains("b</p>\n<ul dir=\"auto\">\n<li>c\u{2066}</li>\n<li>d</li>"), "{html}");
    // Code is ours to show, and in none of it anything is turned around or hidden.
    let code = "e<span class=\"hidden\">U+202E</span><span class=\"hidden\">U+200B</span>f";
    assert!(html.contains(code), "{html}");
}
