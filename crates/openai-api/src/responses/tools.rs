//! Functions that the model may call. Other tools are nobody's here to run.

use super::json::{Writer, one_line, quoted};
use super::reading::{Object, shown};
use crate::InvalidRequest;

/// The members `tools`, `tool_choice` and `parallel_tool_calls`, checked.
#[derive(Debug)]
pub(super) struct Tools<'a> {
    functions: Vec<Object<'a>>,
    choice: Choice<'a>,
    parallel: Option<bool>,
}

/// Whether a function must, may or must not be called.
#[derive(Debug)]
enum Choice<'a> {
    Auto,
    /// `none`, `auto` or `required`.
    Word(&'static str),
    /// The JSON of its name, and the choice as it came.
    Function(&'a str, &'a str),
    /// The mode, the JSON of the names, and the choice as it came.
    Allowed(&'static str, Vec<&'a str>, &'a str),
}

impl<'a> Tools<'a> {
    pub(super) fn read(request: &Object<'a>) -> Result<Self, InvalidRequest> {
        let functions = request.objects("tools")?.unwrap_or_default();
        let mut names = Vec::with_capacity(functions.len());
        for tool in &functions {
            let kind = tool.required_string("type")?;
            if kind != "function" {
                return Err(no_such_tool(tool.path_of("type"), &kind));
            }
            names.push(tool.required_string("name")?);
            tool.text("description")?;
            tool.object("parameters")?;
            tool.boolean("strict")?;
        }
        Ok(Self {
            choice: Choice::read(request, &names)?,
            parallel: request.boolean("parallel_tool_calls")?,
            functions,
        })
    }

    /// The same for a chat completion, which wants no word about tools when there are none.
    pub(super) fn write_chat(&self, out: &mut Writer) {
        if self.functions.is_empty() {
            return;
        }
        let tools: Vec<String> = self.functions.iter().map(nested).collect();
        out.member("tools", &format!("[{}]", tools.join(",")));
        match &self.choice {
            Choice::Auto => {}
            Choice::Word(word) => out.member("tool_choice", &quoted(word)),
            Choice::Function(name, _) => out.member("tool_choice", &nested_name(name)),
            Choice::Allowed(mode, names, _) => {
                let tools: Vec<String> = names.iter().map(|name| nested_name(name)).collect();
                let tools = tools.join(",");
                let allowed = format!("{{\"mode\":\"{mode}\",\"tools\":[{tools}]}}");
                let choice = format!("{{\"type\":\"allowed_tools\",\"allowed_tools\":{allowed}}}");
                out.member("tool_choice", &choice);
            }
        }
        if let Some(parallel) = self.parallel {
            out.member("parallel_tool_calls", &parallel.to_string());
        }
    }

    /// The same in a response.
    pub(super) fn write_echo(&self, out: &mut Writer) {
        out.member("parallel_tool_calls", &self.parallel.unwrap_or(true).to_string());
        let choice = match &self.choice {
            Choice::Auto => quoted("auto"),
            Choice::Word(word) => quoted(word),
            Choice::Function(_, raw) | Choice::Allowed(_, _, raw) => one_line(raw).into_owned(),
        };
        out.member("tool_choice", &choice);
        let tools: Vec<String> = self.functions.iter().map(flat).collect();
        out.member("tools", &format!("[{}]", tools.join(",")));
    }
}

impl<'a> Choice<'a> {
    fn read(request: &Object<'a>, names: &[String]) -> Result<Self, InvalidRequest> {
        const PARAM: &str = "tool_choice";
        let Some(raw) = request.raw(PARAM) else { return Ok(Self::Auto) };
        if raw.starts_with('"') {
            return match request.word(PARAM, &["none", "auto", "required"])? {
                Some("required") if names.is_empty() => {
                    let message = "Tool choice 'required' must be specified with 'tools'.";
                    Err(InvalidRequest::at(PARAM, "invalid_value", message))
                }
                Some(word) => Ok(Self::Word(word)),
                None => Ok(Self::Auto),
            };
        }
        let choice = Object::read(raw, PARAM)
            .map_err(|_| InvalidRequest::wrong_type(PARAM, "a string or an object", raw))?;
        match choice.required_string("type")?.as_str() {
            "function" => Ok(Self::Function(known(&choice, names)?, raw)),
            "allowed_tools" => {
                let mode = choice.word("mode", &["auto", "required"])?;
                let mode = mode.ok_or_else(|| InvalidRequest::missing("tool_choice.mode"))?;
                let mut allowed = Vec::new();
                for tool in choice.objects("tools")?.unwrap_or_default() {
                    let kind = tool.required_string("type")?;
                    if kind != "function" {
                        return Err(no_such_tool(tool.path_of("type"), &kind));
                    }
                    allowed.push(known(&tool, names)?);
                }
                Ok(Self::Allowed(mode, allowed, raw))
            }
            other => Err(no_such_tool("tool_choice.type".to_owned(), other)),
        }
    }
}

/// The name in `object`, if it is one of a function of this request.
fn known<'a>(object: &Object<'a>, names: &[String]) -> Result<&'a str, InvalidRequest> {
    let name = object.required_string("name")?;
    if names.contains(&name) {
        return object.required_text("name");
    }
    let message = format!("Tool choice '{}' not found in 'tools'.", shown(&name));
    Err(InvalidRequest::at(object.path_of("name"), "invalid_value", message))
}

fn no_such_tool(param: String, kind: &str) -> InvalidRequest {
    let kind = shown(kind);
    let message = format!(
        "Tools of type '{kind}' are not supported: only functions of the caller ('function') are."
    );
    InvalidRequest::unsupported_value(param, message)
}

fn nested_name(name: &str) -> String {
    format!("{{\"type\":\"function\",\"function\":{{\"name\":{name}}}}}")
}

/// A function as chat completions describe it.
fn nested(tool: &Object<'_>) -> String {
    let mut function = Writer::default();
    for key in ["name", "description", "parameters", "strict"] {
        function.maybe(key, tool.raw(key));
    }
    format!("{{\"type\":\"function\",\"function\":{}}}", function.object())
}

/// A function as responses describe it: nothing is left out.
fn flat(tool: &Object<'_>) -> String {
    let mut function = Writer::default();
    function.member("type", "\"function\"");
    for key in ["name", "description", "parameters", "strict"] {
        function.member(key, &one_line(tool.raw(key).unwrap_or("null")));
    }
    function.object()
}
