//! What the answer is to look like: functions that may be called, or a schema to fill.

use serde::Deserialize;
use serde_json::Value;

use super::Body;
use crate::error::ApiError;

/// A function that may be called.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Tool {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) parameters: Value,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum WireTool {
    Function {
        function: Tool,
    },
    /// Another kind, such as `custom`: accepted and never called.
    #[serde(other)]
    Other,
}

impl Tool {
    pub(crate) fn all(body: &Body<'_>) -> Result<Vec<Self>, ApiError> {
        let tools = body.member::<Vec<WireTool>>("tools", "an array of tools")?;
        let functions = tools.unwrap_or_default().into_iter().filter_map(|tool| match tool {
            WireTool::Function { function } => Some(function),
            WireTool::Other => None,
        });
        Ok(functions.collect())
    }
}

/// Whether a function must, may or must not be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ToolChoice {
    Auto,
    None,
    Required,
    Named(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WireChoice {
    Word(String),
    Named { function: Named },
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

impl ToolChoice {
    pub(crate) fn read(body: &Body<'_>) -> Result<Self, ApiError> {
        let expected = "`none`, `auto`, `required` or a named function";
        match body.member::<WireChoice>("tool_choice", expected)? {
            None => Ok(Self::Auto),
            Some(WireChoice::Named { function }) => Ok(Self::Named(function.name)),
            Some(WireChoice::Word(word)) => match word.as_str() {
                "auto" => Ok(Self::Auto),
                "none" => Ok(Self::None),
                "required" => Ok(Self::Required),
                other => {
                    let message = format!("Invalid 'tool_choice': '{other}' is not {expected}.");
                    Err(ApiError::invalid("tool_choice", message))
                }
            },
        }
    }
}

/// What kind of text is wanted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ResponseFormat {
    Text,
    JsonObject,
    JsonSchema(Value),
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum WireFormat {
    Text,
    JsonObject,
    JsonSchema { json_schema: WireSchema },
}

#[derive(Deserialize)]
struct WireSchema {
    #[serde(default)]
    schema: Value,
}

impl ResponseFormat {
    pub(crate) fn read(body: &Body<'_>) -> Result<Self, ApiError> {
        let expected = "an object of type `text`, `json_object` or `json_schema`";
        Ok(match body.member::<WireFormat>("response_format", expected)? {
            None | Some(WireFormat::Text) => Self::Text,
            Some(WireFormat::JsonObject) => Self::JsonObject,
            Some(WireFormat::JsonSchema { json_schema }) => Self::JsonSchema(json_schema.schema),
        })
    }
}
