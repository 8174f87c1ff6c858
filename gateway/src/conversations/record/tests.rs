//! What a record keeps, and what its items are.

use super::*;

fn item(id: &str, role: &str, text: &str) -> String {
    format!(r#"{{"id":"{id}","type":"message","role":"{role}","content":"{text}"}}"#)
}

fn one(id: &str) -> String {
    format!("[{}]", item(id, "user", id))
}

fn turn(before: &str, own: &str) -> Turn {
    Turn { before: before.to_owned(), own: own.to_owned() }
}

#[test]
fn the_title_is_what_it_is_called_or_what_was_said_first() {
    let long = "é".repeat(81);
    let cut = format!("{}…", "é".repeat(79));
    for (metadata, said, title) in [
        ("{}", None, None),
        ("{}", Some(" a\n  b "), Some("a b")),
        (r#"{"title":"T"}"#, Some("a"), Some("T")),
        (r#"{"title":" "}"#, Some("a"), Some("a")),
        (r#"{"title":"T"}"#, None, Some("T")),
        ("{}", Some(long.as_str()), Some(cut.as_str())),
        ("{}", Some(&long[2..]), Some(&long[2..])),
    ] {
        let mut record = Record::new(7, metadata, "[]");
        record.claim(JobId::fresh(), None, 1, said);
        record.claim(JobId::fresh(), None, 2, Some("later"));
        let title = title.or(Some("later"));
        assert_eq!(record.title().as_deref(), title, "{metadata} {said:?}");
    }
    let assistant = format!("[{},{}]", item("a", "assistant", "no"), item("b", "user", "yes"));
    assert_eq!(Record::new(7, "{}", &assistant).title().as_deref(), Some("yes"));
    assert_eq!(Record::new(7, "{}", "[]").title(), None);
}

#[test]
fn a_record_reads_back() {
    let mut record = Record::new(7, r#"{"a":"b"}"#, &one("x"));
    let job = JobId::fresh();
    record.claim(job, None, 9, None);
    record.remove(["y".to_owned()]);
    let stored = record.write().unwrap();
    let json = std::str::from_utf8(&stored).unwrap();
    assert!(!json.contains("branches"), "a line is stored as ever: {json}");
    let read = Record::read(&stored).unwrap();
    assert_eq!(read.write().unwrap(), stored);
    assert_eq!(read.running, Some(Running { turn: job, since_ms: 9 }));
    assert_eq!(read.items(&[0], None), one("x"));
}

#[test]
fn what_comes_again_is_added_once() {
    let mut record = Record::new(7, "{}", &one("a"));
    let both = format!("[{},{}]", item("b", "user", "b"), item("c", "user", "c"));
    assert_eq!(record.add_once(&both), Added::Now);
    assert_eq!(record.add_once(&both), Added::Before { left: both.clone() });
    assert_eq!(ids_in(&record.items(&[], None)).join(""), "abc");

    for (removed, left, there) in [("b", one("c"), "ac"), ("c", "[]".to_owned(), "a")] {
        record.remove([removed.to_owned()]);
        assert_eq!(record.add_once(&both), Added::Before { left });
        assert_eq!(ids_in(&record.items(&[], None)).join(""), there);
    }
}

#[test]
fn one_that_is_too_large_is_not_written() {
    let record = Record::new(7, "{}", &one(&"x".repeat(MOST_BYTES / 2)));
    let refused = record.write();
    assert!(matches!(refused, Err(ConversationError::TooLarge { limit: MOST_BYTES, .. })));
}

#[test]
fn the_items_are_those_of_the_last_turn_and_what_was_added_since() {
    let mut record = Record::new(7, "{}", &one("a"));
    let (first, second) = (JobId::fresh(), JobId::fresh());
    record.claim(first, None, 1, None);
    record.add(&one("c"));
    record.claim(second, Some(first), 2, None);
    record.add(&one("e"));
    let ids = |record: &Record, path: &[usize], told| ids_in(&record.items(path, told)).join("");

    let of_first = turn(&one("a"), &one("b"));
    let before = format!("[{}]", ["a", "b", "c"].map(|id| item(id, "user", id)).join(","));
    let of_second = turn(&before, &one("d"));
    assert_eq!(ids(&record, &[1], Some(&of_second)), "abcde");
    assert_eq!(ids(&record, &[0, 1], Some(&of_first)), "abce", "the second log is gone");
    assert_eq!(ids(&record, &[0, 1], None), "ace", "both are");

    record.remove(["b", "e", "a"].map(str::to_owned));
    assert_eq!(ids(&record, &[1], Some(&of_second)), "cd");
    assert!(record.remove_turn(second) && !record.remove_turn(second));
    assert_eq!(record.running, None);
    assert_eq!(ids(&record, &[0], Some(&of_first)), "c");
    assert_eq!(item_in(&record.items(&[0], None), "c"), Some(item("c", "user", "c")));
    assert_eq!(item_in(&record.items(&[0], None), "a"), None);
}

#[test]
fn what_was_added_stands_behind_the_turn_that_was_the_newest_then() {
    let mut record = Record::new(7, "{}", &one("a"));
    let turns = [JobId::fresh(), JobId::fresh(), JobId::fresh()];
    for (at, after) in [None, Some(turns[0]), Some(turns[0])].into_iter().enumerate() {
        record.claim(turns[at], after, 1, None);
        record.add(&one(["b", "c", "d"][at]));
    }
    let read = Record::read(&record.write().unwrap()).unwrap();
    for (at, items) in [(None, "a"), (Some(0), "ab"), (Some(1), "abc"), (Some(2), "abd")] {
        let path = read.tree().path_to(at);
        assert_eq!(ids_in(&read.items(&path, None)).join(""), items, "{at:?}");
    }
    let told = turn("[]", &one("t"));
    assert_eq!(ids_in(&read.items(&[0, 2], Some(&told))).join(""), "tbd");

    record.remove_turn(turns[0]);
    assert_eq!(record.tree().parent(1), None, "both are at the beginning now");
    record.remove_turn(turns[2]);
    let json = record.write().unwrap();
    assert!(!std::str::from_utf8(&json).unwrap().contains("branches"), "a line again");
}
