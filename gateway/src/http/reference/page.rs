//! The document as a page: one section for each endpoint, one for each schema. No script.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// The page of a document in the OpenAPI format. Texts of the document are escaped.
pub(super) fn of(document: &str, style: &str) -> String {
    // The document is part of this program and tested.
    let document: Value = serde_json::from_str(document).unwrap_or_default();
    let info = &document["info"];
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n<main>\n\
         <h1>{title} <small>{version}</small></h1>\n",
        title = text(&info["title"]),
        version = text(&info["version"]),
    );
    paragraphs(&mut out, &info["description"]);
    contents(&mut out, &document);
    for (path, operations) in members(&document["paths"]) {
        for (method, operation) in members(operations) {
            endpoint(&mut out, path, method, operation);
        }
    }
    out.push_str("<h2 id=\"schemas\">Schemas</h2>\n");
    for (name, schema) in members(&document["components"]["schemas"]) {
        describe_schema(&mut out, name, schema);
    }
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn contents(out: &mut String, document: &Value) {
    out.push_str("<nav aria-label=\"Endpoints\"><ul>\n");
    for (path, operations) in members(&document["paths"]) {
        for (method, operation) in members(operations) {
            let id = text(&operation["operationId"]);
            let method = escape(&method.to_uppercase());
            add(out, &format!("<li><a href=\"#{id}\">{method} {}</a></li>\n", escape(path)));
        }
    }
    out.push_str("<li><a href=\"#schemas\">Schemas</a></li>\n");
    out.push_str("<li><a href=\"/openapi.json\">openapi.json</a></li>\n</ul></nav>\n");
}

fn endpoint(out: &mut String, path: &str, method: &str, operation: &Value) {
    let id = text(&operation["operationId"]);
    let method = escape(&method.to_uppercase());
    add(
        out,
        &format!(
            "<section id=\"{id}\">\n<h2><span class=\"method\">{method}</span> <code>{}</code></h2>\n",
            escape(path)
        ),
    );
    add(out, &format!("<p class=\"summary\">{}</p>\n", prose_of(&operation["summary"])));
    paragraphs(out, &operation["description"]);
    if let Some(example) = operation["x-example"].as_str() {
        add(out, &format!("<pre tabindex=\"0\"><code>{}</code></pre>\n", escape(example)));
    }
    parameters(out, &operation["parameters"]);
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    if !body.is_null() {
        add(out, &format!("<p>Body: {}</p>\n", type_of(body)));
    }
    out.push_str(
        "<table>\n<thead><tr><th>Status</th><th>Meaning</th><th>Body</th></tr></thead>\n<tbody>\n",
    );
    for (status, response) in members(&operation["responses"]) {
        let bodies: Vec<String> = members(&response["content"])
            .map(|(kind, content)| {
                format!("{} <small>{}</small>", type_of(&content["schema"]), escape(kind))
            })
            .collect();
        add(
            out,
            &format!(
                "<tr><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                escape(status),
                prose_of(&response["description"]),
                bodies.join("<br>")
            ),
        );
    }
    out.push_str("</tbody>\n</table>\n</section>\n");
}

fn parameters(out: &mut String, parameters: &Value) {
    let Some(parameters) = parameters.as_array() else { return };
    out.push_str(
        "<table>\n<thead><tr><th>Parameter</th><th>Type</th><th>Meaning</th></tr></thead>\n<tbody>\n",
    );
    for parameter in parameters {
        let mark = if parameter["required"] == true { " <em>required</em>" } else { "" };
        let row = format!(
            "<tr><td><code>{}</code>{mark}</td><td>{}</td><td>{}</td></tr>\n",
            text(&parameter["name"]),
            type_of(&parameter["schema"]),
            prose_of(&parameter["description"])
        );
        add(out, &row);
    }
    out.push_str("</tbody>\n</table>\n");
}

fn describe_schema(out: &mut String, name: &str, schema: &Value) {
    add(out, &format!("<section id=\"{name}\">\n<h3>{name}</h3>\n", name = escape(name)));
    paragraphs(out, &schema["description"]);
    out.push_str(
        "<table>\n<thead><tr><th>Member</th><th>Type</th><th>Meaning</th></tr></thead>\n<tbody>\n",
    );
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (member, of) in members(&schema["properties"]) {
        let mark = if required.contains(&member) { " <em>required</em>" } else { "" };
        add(
            out,
            &format!(
                "<tr><td><code>{}</code>{mark}</td><td>{}</td><td>{}</td></tr>\n",
                escape(member),
                type_of(of),
                prose_of(&of["description"])
            ),
        );
    }
    out.push_str("</tbody>\n</table>\n</section>\n");
}

/// A schema's type in words, with a link where it has a section of its own.
fn type_of(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|target| target.rsplit('/').next()) {
        let name = escape(name);
        return format!("<a href=\"#{name}\">{name}</a>");
    }
    match &schema["type"] {
        Value::String(name) if name == "array" => format!("array of {}", type_of(&schema["items"])),
        Value::String(name) => escape(name),
        Value::Array(names) => names.iter().map(text).collect::<Vec<_>>().join(" or "),
        _ => "any".to_owned(),
    }
}

fn paragraphs(out: &mut String, value: &Value) {
    for paragraph in value.as_str().unwrap_or_default().split("\n\n").filter(|one| !one.is_empty())
    {
        add(out, &format!("<p>{}</p>\n", prose(paragraph)));
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let members: Option<&Map<String, Value>> = value.as_object();
    members.into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn text(value: &Value) -> String {
    escape(value.as_str().unwrap_or_default())
}

fn prose_of(value: &Value) -> String {
    prose(value.as_str().unwrap_or_default())
}

/// Prose, escaped, with what stands between backticks as code: of Markdown our texts use no more.
fn prose(text: &str) -> String {
    let mut pieces = text.split('`');
    let mut out = escape(pieces.next().unwrap_or_default());
    while let Some(piece) = pieces.next() {
        match pieces.next() {
            Some(after) => {
                add(&mut out, &format!("<code>{}</code>{}", escape(piece), escape(after)));
            }
            // One backtick alone is a backtick.
            None => add(&mut out, &format!("`{}", escape(piece))),
        }
    }
    out
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}

fn add(out: &mut String, html: &str) {
    let _infallible = out.write_str(html);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_the_document_are_escaped() {
        let page = of(r#"{"info":{"title":"<script>","description":"a & b"}}"#, "");
        assert!(page.contains("&lt;script&gt;") && page.contains("a &amp; b"), "{page}");
        assert!(!page.contains("<script>"));
    }

    #[test]
    fn what_stands_between_backticks_is_code() {
        assert_eq!(prose("`a<b` is `x`."), "<code>a&lt;b</code> is <code>x</code>.");
        assert_eq!(prose("none, and one `alone"), "none, and one `alone");
    }
}
