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
    /// Like a word, and the model is told of these functions alone: their places and the JSON of
    /// their names.
    Allowed(&'static str, Vec<(usize, &'a str)>),
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
    ///
    /// Functions that are not allowed are left out: few model servers know `allowed_tools`, and a
    /// model cannot call what it was not told of.
    pub(super) fn write_chat(&self, out: &mut Writer) {
        let tools: Vec<String> = self.offered().map(nested).collect();
        if tools.is_empty() {
            return;
        }
        out.member("tools", &format!("[{}]", tools.join(",")));
        match &self.choice {
            Choice::Auto => {}
            Choice::Word(word) | Choice::Allowed(word, _) => {
                out.member("tool_choice", &quoted(word));
            }
            Choice::Function(name, _) => out.member("tool_choice", &nested_name(name)),
        }
        if let Some(parallel) = self.parallel {
            out.member("parallel_tool_calls", &parallel.to_string());
        }
    }

    /// The functions that the model may call.
    fn offered(&self) -> impl Iterator<Item = &Object<'a>> {
        let allowed = |place: usize| match &self.choice {
            Choice::Allowed(_, those) => those.iter().any(|(at, _name)| *at == place),
            _ => true,
        };
        self.functions.iter().enumerate().filter(move |(at, _)| allowed(*at)).map(|(_, tool)| tool)
    }

    /// The same in a response.
    pub(super) fn write_echo(&self, out: &mut Writer) {
        out.member("parallel_tool_calls", &self.parallel.unwrap_or(true).to_string());
        let choice = match &self.choice {
            Choice::Auto => quoted("auto"),
            Choice::Word(word) => quoted(word),
            Choice::Function(_, raw) => one_line(raw).into_owned(),
            Choice::Allowed(mode, those) => {
                let name = |(_at, name): &(usize, &str)| {
                    format!("{{\"type\":\"function\",\"name\":{name}}}")
                };
                let tools = those.iter().map(name).collect::<Vec<_>>().join(",");
                format!("{{\"type\":\"allowed_tools\",\"mode\":\"{mode}\",\"tools\":[{tools}]}}")
            }
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
            "function" => Ok(Self::Function(known(&choice, names)?.1, raw)),
            "allowed_tools" => {
                let mode = choice.word("mode", &["none", "auto", "required"])?.unwrap_or("auto");
                let tools = choice.objects("tools")?.unwrap_or_default();
                if tools.is_empty() {
                    return Err(InvalidRequest::missing("tool_choice.tools"));
                }
                let mut allowed = Vec::with_capacity(tools.len());
                for tool in tools {
                    let kind = tool.required_string("type")?;
                    if kind != "function" {
                        return Err(no_such_tool(tool.path_of("type"), &kind));
                    }
                    allowed.push(known(&tool, names)?);
                }
                Ok(Self::Allowed(mode, allowed))
            }
            other => Err(no_such_tool("tool_choice.type".to_owned(), other)),
        }
    }
}

/// The function of this request that `object` names: its place, and the JSON of its name.
fn known<'a>(object: &Object<'a>, names: &[String]) -> Result<(usize, &'a str), InvalidRequest> {
    let name = object.required_string("name")?;
    if let Some(at) = names.iter().position(|known| *known == name) {
        return Ok((at, object.required_text("name")?));
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
