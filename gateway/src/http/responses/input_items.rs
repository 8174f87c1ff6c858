//! A page of the items that a response answers.

use std::collections::HashSet;

use openai_api::InvalidRequest;
use openai_api::object::Members;
use serde_json::value::RawValue;

use super::query::{Page, invalid};

/// The page of `items`, a JSON array, as a list object.
pub(in crate::http) fn list(items: &str, page: &Page) -> Result<String, InvalidRequest> {
    let all: Vec<&RawValue> = serde_json::from_str(items).unwrap_or_default();
    let mut newest_first: Vec<(String, &str)> = Vec::with_capacity(all.len());
    let mut seen = HashSet::new();
    for item in all.into_iter().rev() {
        // An id that stands there twice would lead whoever goes from page to page in circles.
        if let Some(id) = id_of(item.get())
            && seen.insert(id.clone())
        {
            newest_first.push((id, item.get()));
        }
    }
    let mut ordered = newest_first;
    if !page.newest_first {
        ordered.reverse();
    }
    let from = match &page.after {
        None => 0,
        Some(after) => {
            let found = ordered.iter().position(|(id, _item)| id == after);
            found.ok_or_else(|| invalid("after", "the id of an item of this list"))? + 1
        }
    };
    let shown: Vec<&(String, &str)> = ordered.iter().skip(from).take(page.limit).collect();
    let id = |item: Option<&&(String, &str)>| {
        item.map_or_else(|| "null".to_owned(), |(id, _item)| serde_json::json!(id).to_string())
    };
    let (first, last) = (id(shown.first()), id(shown.last()));
    let has_more = from + shown.len() < ordered.len();
    let data: Vec<&str> = shown.into_iter().map(|(_id, item)| *item).collect();
    let data = data.join(",");
    Ok(format!(
        r#"{{"object":"list","data":[{data}],"first_id":{first},"last_id":{last},"has_more":{has_more}}}"#
    ))
}

fn id_of(item: &str) -> Option<String> {
    let members = Members::parse(item.as_bytes()).ok()?;
    serde_json::from_str(members.get("id")?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn page_by_page_every_item_is_seen_once_in_order() {
        let items: Vec<String> = (0..7).map(|at| format!(r#"{{"id":"i{at}","n":1.0}}"#)).collect();
        let items = format!("[{}]", items.join(", "));
        for (newest_first, expected) in [(true, "6543210"), (false, "0123456")] {
            let mut page = Page { limit: 3, newest_first, after: None };
            let mut seen = String::new();
            loop {
                let list = list(&items, &page).unwrap();
                assert!(list.contains(r#""n":1.0"#), "{list}");
                let list: Value = serde_json::from_str(&list).unwrap();
                for item in list["data"].as_array().unwrap() {
                    seen.push_str(item["id"].as_str().unwrap().strip_prefix('i').unwrap());
                }
                assert_eq!(list["first_id"], list["data"][0]["id"]);
                page.after = list["last_id"].as_str().map(str::to_owned);
                if list["has_more"] == false {
                    break;
                }
            }
            assert_eq!(seen, expected);
        }
    }

    #[test]
    fn an_id_that_stands_there_twice_leads_nobody_in_circles() {
        let items = r#"[{"id":"a"},{"id":"b"},{"id":"a"}]"#;
        let page = Page { limit: 1, newest_first: true, after: Some("a".to_owned()) };
        let list: Value = serde_json::from_str(&list(items, &page).unwrap()).unwrap();
        assert_eq!((&list["last_id"], &list["has_more"]), (&"b".into(), &false.into()));
    }

    #[test]
    fn an_empty_list_names_nobody_and_an_unknown_item_is_refused() {
        let page = Page { limit: 1, newest_first: true, after: None };
        let empty =
            r#"{"object":"list","data":[],"first_id":null,"last_id":null,"has_more":false}"#;
        assert_eq!(list("[]", &page).unwrap(), empty);
        let page = Page { after: Some("x".to_owned()), ..page };
        assert_eq!(list("[]", &page).unwrap_err().param.as_deref(), Some("after"));
    }
}
