//! What is promised of markdown, whatever a model says.

mod cost;
mod hostile;
mod oracle;
mod streamed;

use super::{Colours, Renderer};

fn whole(text: &str) -> String {
    super::whole(text, Colours::On)
}

#[test]
fn each_kind_of_block_has_its_element() {
    for (markdown, html) in [
        ("# A", "<h3 dir=\"auto\">A</h3>"),
        ("###### A", "<h6 dir=\"auto\">A</h6>"),
        ("A\n\nB", "<p dir=\"auto\">A</p>\n<p dir=\"auto\">B</p>"),
        ("- a\n- b", "<ul dir=\"auto\">\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("- a\n  1. b", "<ul dir=\"auto\">\n<li>a\n<ol>\n<li>b</li>\n</ol>\n</li>\n</ul>"),
        ("2. a", "<ol dir=\"auto\" start=\"2\">"),
        ("> a", "<blockquote>"),
        ("**a** *b* ~~c~~ `d`", "<strong>a</strong> <em>b</em> <del>c</del> <code>d</code>"),
        ("|a|b|\n|-|-:|\n|1|2|", "<th class=\"right\">b</th>"),
        ("a\n\n---\n\nb", "<hr>"),
        ("- [x] a", "<span class=\"task\" role=\"img\" aria-label=\"Done\">☑</span> a"),
        ("a[^1]\n\n[^1]: b", "<p dir=\"auto\">a<sup>[1]</sup></p>\n"),
        (
            "a\n[^1]: b\n[^2]: c",
            "</div>\n<div class=\"footnote\"><sup>[2]</sup> <p dir=\"auto\">c</p>",
        ),
        ("[^1]: https://b.c\n\nd", "<div class=\"footnote\"><sup>[1]</sup> <p dir=\"auto\"><a "),
        ("[^a-z]", "<p dir=\"auto\">[^a-z]</p>"),
        ("<a@b.c>", "href=\"mailto:a@b.c\""),
        ("www.a.b", "href=\"http://www.a.b\""),
        ("![a *b*](https://c/d.png)", "target=\"_blank\">Image: a <em>b</em></a>"),
        ("a\\\nb", "a<br>\nb"),
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
    assert!(html.contains("</ol>\n<p dir=\"auto\">after</p>"), "{html}");
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
        ("some **bold", "<p dir=\"auto\">some <strong>bold</strong></p>\n"),
        ("some **", "<p dir=\"auto\">some</p>\n"),
        ("some `code", "<p dir=\"auto\">some <code>code</code></p>\n"),
        ("Title\n-", "<p dir=\"auto\">Title</p>\n"),
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
        ("One two thr", Some("<p dir=\"auto\">One two")),
        ("One **two** three ", Some("<p dir=\"auto\">One <strong>two</strong> three")),
        ("One **two thr", None),
        ("- One two", None),
        ("| One two", None),
        ("One", None),
        ("One costs $5 and two ", Some("<p dir=\"auto\">One costs")),
    ] {
        let mut renderer = Renderer::default();
        renderer.push(text);
        assert_eq!(renderer.settled().as_deref(), settled, "{text:?}");
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
    assert!(html.ends_with("</div>\n<p dir=\"auto\">after</p>\n"));
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

#[test]
fn formulas_are_mathml_without_styles_and_what_is_none_is_text() {
    for (text, html) in [
        ("so $a_1$.", "so <math><msub><mi>a</mi><mn>1</mn></msub></math>."),
        (r"\(\frac{1}{2}\)", "<mfrac><mn>1</mn><mn>2</mn></mfrac>"),
        ("**$a$**", "<strong><math><mi>a</mi></math></strong>"),
        ("| $a$ |\n|-|\n| $b$ |", "<td><math><mi>b</mi></math></td>"),
        (
            "a\n$$\nb\n$$",
            "a\n<span class=\"math\" role=\"group\" aria-label=\"Formula\" tabindex=\"0\">\
             <math display=\"block\"><mi>b</mi></math></span>",
        ),
        ("$5 and $6", "<p dir=\"auto\">$5 and $6</p>"),
        (r"\(\unknown{a}\)", "\\(\\unknown{a}\\)</p>"),
        (r"\(a", "(a"),
        ("$\\unknown *a*$", "<em>a</em>$"),
        ("`$a$`", "<code>$a$</code>"),
        ("    $a$", "$a$\n</code>"),
        ("[a](https://b/$c$)", "href=\"https://b/$c$\""),
        ("\u{fdd0}0\u{fdd1} $a$", "\u{fffd}0\u{fffd} <math>"),
    ] {
        let got = whole(text);
        assert!(got.contains(html), "{text:?} is {got}");
    }
    let aligned = whole("$$\\begin{aligned} a &= b \\\\ c &= d \\end{aligned}$$");
    assert!(aligned.contains("<mtd class=\"mr pr\">"), "{aligned}");
    for formula in
        [r"\color{red} a", r"a \! b", r"\begin{cases} a & b \end{cases}", r"\text{\large a}"]
    {
        let html = whole(&format!("$${formula}$$"));
        assert!(html.contains("<math") && !html.contains(" style="), "{html}");
    }
}
