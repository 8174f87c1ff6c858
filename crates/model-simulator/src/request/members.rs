//! The members of a body, each with the error that a wrong one deserves.

use std::fmt::Display;
use std::ops::RangeInclusive;

use openai_api::object::Members;
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// A request's body: one JSON object. A member that is `null` is as good as absent.
#[derive(Debug)]
pub(crate) struct Body<'a>(Members<'a>);

impl<'a> Body<'a> {
    pub(crate) fn parse(json: &'a [u8]) -> Result<Self, ApiError> {
        let wrong = |error| {
            let message = format!("We could not parse the JSON body of your request: {error}.");
            ApiError::new(axum::http::StatusCode::BAD_REQUEST, "invalid_json", message)
        };
        Members::parse(json).map(Self).map_err(wrong)
    }

    /// The JSON text of a member.
    pub(crate) fn raw(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).filter(|json| *json != "null")
    }

    /// A member of type `T`, which `expected` describes.
    pub(crate) fn member<T: DeserializeOwned>(
        &self,
        name: &str,
        expected: &str,
    ) -> Result<Option<T>, ApiError> {
        let Some(json) = self.raw(name) else { return Ok(None) };
        serde_json::from_str(json).map(Some).map_err(|_| {
            let message = format!("Invalid type for '{name}': expected {expected}.");
            ApiError::invalid_as("invalid_type", name, message)
        })
    }

    /// A whole number within `range`.
    pub(crate) fn whole(
        &self,
        name: &str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>, ApiError> {
        let number = self.member::<i128>(name, "an integer")?;
        let within = number.map(u64::try_from).transpose();
        match within {
            Ok(number) if number.is_none_or(|number| range.contains(&number)) => Ok(number),
            _ => Err(out_of(name, range.start(), range.end())),
        }
    }

    /// Checks a number that changes nothing here.
    pub(crate) fn number(&self, name: &str, range: RangeInclusive<f64>) -> Result<(), ApiError> {
        match self.member::<f64>(name, "a number")? {
            Some(number) if !range.contains(&number) => {
                Err(out_of(name, range.start(), range.end()))
            }
            _ => Ok(()),
        }
    }
}

fn out_of(name: &str, least: impl Display, most: impl Display) -> ApiError {
    let message = format!("Invalid '{name}': expected a value between {least} and {most}.");
    ApiError::invalid(name, message)
}
