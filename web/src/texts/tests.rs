//! No word that people read stands anywhere else.

use std::fs;
use std::path::{Path, PathBuf};

use super::{answers, keys, shell};

/// What is not for people who chat.
const OTHERS: &[&str] = &[
    // The catalogue.
    "src/texts",
    // For operators.
    "src/operate",
    "src/pages/operate",
    // For whoever works on the pages.
    "src/pages/gallery",
    // For the gateway.
    "src/gateway_client",
    // For whoever starts the program.
    "src/settings.rs",
    "src/web.rs",
    // The names of grammars.
    "src/markdown/code.rs",
];

/// Attributes that are read out or shown.
const SPOKEN: &[&str] = &["alt", "aria-description", "aria-label", "placeholder", "title"];

fn files(below: &str, ending: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut folders, mut found) = (vec![root.join(below)], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            let others = OTHERS.contains(&name.as_str()) || name.ends_with("tests.rs");
            if others || name.ends_with("/tests") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(ending) {
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

/// Source without its tests and whole lines of comments.
fn code(source: &str) -> String {
    let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Every literal between `quotes`, with what stands before it on the way from the last one.
fn literals(code: &str, quotes: &[char]) -> Vec<(String, String)> {
    let (mut found, mut before, mut rest) = (Vec::new(), String::new(), code.chars().peekable());
    while let Some(c) = rest.next() {
        if !quotes.contains(&c) {
            before.push(c);
            continue;
        }
        let mut literal = String::new();
        while let Some(inner) = rest.next_if(|next| *next != c) {
            literal.push(inner);
            if inner == '\\' {
                literal.extend(rest.next());
            }
        }
        rest.next();
        found.push((std::mem::take(&mut before), literal));
    }
    found
}

/// A word of letters, beside what is put in.
fn has_words(literal: &str) -> bool {
    let parts = literal.split('{').enumerate();
    let own = parts.map(|(at, part)| match at {
        0 => part,
        _ => part.split_once('}').map_or(part, |(_, behind)| behind),
    });
    own.collect::<Vec<_>>()
        .join(" ")
        .split(|c: char| !c.is_ascii_alphabetic())
        .any(|word| word.len() > 1)
}

/// Begins like a sentence, and goes on.
fn is_sentence(literal: &str) -> bool {
    let literal = literal.trim_start();
    literal.starts_with(|c: char| c.is_ascii_uppercase())
        && literal.trim_end().contains(' ')
        && has_words(literal)
        && !literal.contains(['<', '='])
}

/// What of a source with Maud in it people would read.
fn read_by_people(source: &str) -> Vec<String> {
    // A quote as a character would be taken for the beginning of a literal.
    let source = code(source).replace("'\"'", "QUOTE").replace("b'\"'", "QUOTE");
    let (has_markup, literals) = (source.contains("html!"), literals(&source, &['"']));
    let behind = |at: usize| literals.get(at + 1).map_or("", |(before, _)| before).trim_start();
    let read = literals.iter().enumerate().filter(|(at, (before, literal))| {
        // Of a pattern, words are for programs.
        if behind(*at).starts_with("=>") || behind(*at).starts_with("| ") {
            return false;
        }
        let before = before.trim_end();
        // As content, behind a name, a block, a splice or another element.
        let content = has_markup && before.ends_with(['{', '}', ';', ')']);
        let spoken = SPOKEN.iter().any(|name| {
            let attribute = before.strip_suffix('{').unwrap_or(before).trim_end();
            attribute.strip_suffix('=').is_some_and(|named| named.ends_with(name))
        });
        // In HTML of our own: the attribute's value, or the text of an element.
        let html = SPOKEN.iter().any(|name| {
            let behind = literal.split(&format!("{name}=\\\"")).nth(1);
            behind.is_some_and(|value| value.starts_with(|c: char| c.is_ascii_alphabetic()))
        }) || literal
            .split('>')
            .skip(1)
            .any(|text| has_words(text.split('<').next().unwrap_or_default()));
        let words =
            has_words(literal) && !literal.contains(['<', '=']) && !literal.starts_with(" data-");
        // One small word is the name of a class or an element.
        let prose = literal.contains(' ') || literal.contains(|c: char| c.is_ascii_uppercase());
        ((content && prose || spoken) && words) || html || is_sentence(literal)
    });
    read.map(|(_, (_, literal))| literal.clone()).collect()
}

#[test]
fn no_page_has_words_of_its_own() {
    let files = files("src", ".rs").into_iter();
    let read = files.map(|(name, source)| (name, read_by_people(&source)));
    let read: Vec<_> = read.filter(|(_, read)| !read.is_empty()).collect();
    assert!(read.is_empty(), "these belong to src/texts: {read:#?}");
}

#[test]
fn neither_script_nor_style_sheet_has_words_of_its_own() {
    for (name, source) in files("static", "app.js") {
        let source = code(&source);
        for (before, literal) in literals(&source, &['\'', '"', '`']) {
            let said = ["say(", "complain(", "textContent = ", "title = ", "ariaLabel = "];
            let shown = said.iter().any(|shown| before.ends_with(shown)) && has_words(&literal);
            let words = shown || is_sentence(&literal);
            assert!(!words, "{name}: this belongs to src/texts/script.rs: {literal}");
        }
    }
    for (name, source) in files("static", "style.css") {
        let contents = literals(&source, &['"']);
        let mut shown = contents.iter().filter(|(before, _)| before.ends_with("content: "));
        let words = shown.find(|(_, literal)| has_words(literal));
        assert_eq!(words, None, "{name}: no text in a style sheet");
    }
}

#[test]
fn words_are_found_where_they_stand() {
    for (source, found) in [
        (r#"p { "Hello" }"#, 1),
        (r#"p { (name) " is here" }"#, 1),
        (r#"nav aria-label="Pages" {}"#, 1),
        (r#"a aria-label={ "Rename " (name) } {}"#, 1),
        (r#"Words::new(status, "It is gone.", AGAIN)"#, 1),
        (r#""<div role=\"group\" aria-label=\"Table\">""#, 1),
        (r#""<summary>Thoughts</summary>""#, 1),
        (r#"p { (texts::HELLO) " · " }"#, 0),
        (r#"p.fine role="status" { (words) }"#, 0),
        (r#"match name { "queue" => "x", "" | "y" => 1 }"#, 0),
        (r#"input type="hidden" name="model" value=(model);"#, 0),
        (r#"let name = "web-chat"; // "Hello there""#, 1),
        (r#"format!("<html lang=\"{}\">", lang)"#, 0),
    ] {
        let source = format!("html! {{ {source} }}");
        assert_eq!(read_by_people(&source).len(), found, "{source}");
    }
}

#[test]
fn keys_of_a_keyboard_are_not_taken_for_those_of_the_api() {
    for name in [shell::SHORTCUTS, keys::TITLE] {
        assert!(name.to_lowercase().contains("shortcuts"), "{name}");
    }
}

#[test]
fn what_stands_in_html_of_our_own_needs_no_escaping() {
    use answers::{CODE, DONE, FORMULA, TABLE, TO_DO};
    for text in [CODE, DONE, FORMULA, TABLE, TO_DO] {
        assert!(!text.contains(['<', '>', '&', '"']), "{text}");
    }
}
