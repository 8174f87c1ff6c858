//! The commands of docs/OPERATIONS.md are executed by a test, or it says why not.

use crate::source;

const PAGE: &str = "docs/OPERATIONS.md";
/// Blocks of what somebody types.
const TYPED: &[&str] = &["```sh", "```console", "```bash", "```shell"];
const EXECUTED: &str = "<!-- executed by ";
const NOT_EXECUTED: &str = "<!-- not executed: ";
const END: &str = " -->";

/// What stands above each block that somebody types, with the line of the block.
fn markers(page: &str) -> Vec<(usize, &str)> {
    let lines: Vec<&str> = page.lines().collect();
    let is_typed = |line: &str| TYPED.contains(&line.trim());
    let blocks = lines.iter().enumerate().filter(|(_at, line)| is_typed(line));
    blocks.map(|(at, _line)| (at + 1, if at == 0 { "" } else { lines[at - 1] })).collect()
}

/// What is wrong with a marker.
fn wrong(marker: &str) -> Option<String> {
    if let Some(reason) = marker.strip_prefix(NOT_EXECUTED) {
        let reason = reason.strip_suffix(END)?;
        return (reason.len() < 20).then(|| format!("`{reason}` is no reason"));
    }
    let Some(named) = marker.strip_prefix(EXECUTED).and_then(|rest| rest.strip_suffix(END)) else {
        return Some("nothing above it says which test executes it, or why none does".to_owned());
    };
    let Some((path, test)) = named.split_once("::") else {
        return Some(format!("`{named}` is no test: expected PATH::NAME"));
    };
    let text = source::read(path);
    if !text.contains(&format!("def {test}(")) {
        return Some(format!("{path} has no test `{test}`"));
    }
    // A test that does not read the page would execute what once stood there.
    let reads = text.contains("commands(f\"{HERE}::") && text.contains(&format!("::{test}\""));
    (!reads).then(|| format!("{path} does not read the commands of `{test}` from the page"))
}

#[test]
fn the_commands_of_operations_are_executed_by_a_test_or_say_why_not() {
    let page = source::read(PAGE);
    let markers = markers(&page);
    assert!(markers.len() > 8, "{PAGE} has blocks of commands: {markers:?}");
    for (line, marker) in markers {
        if let Some(wrong) = wrong(marker) {
            panic!("{PAGE}, line {line}: {wrong}");
        }
    }
}

#[test]
fn a_block_without_a_marker_or_with_one_of_a_test_that_is_not_there_is_noticed() {
    let page =
        "text\n```sh\na\n```\n\n<!-- not executed: it takes a machine of its own -->\n```sh\n";

    let found = markers(page);

    assert_eq!(found.len(), 2);
    assert!(wrong(found[0].1).is_some(), "no marker");
    assert_eq!(wrong(found[1].1), None);
    assert!(wrong("<!-- not executed: why -->").is_some(), "no reason");
    let other = "<!-- executed by acceptance/compose/test_operations.py::test_no_such_thing -->";
    assert!(wrong(other).is_some(), "no such test");
}
