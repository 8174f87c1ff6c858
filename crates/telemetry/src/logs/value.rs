//! Fields as JSON members, correct for any content.

use std::error::Error;
use std::fmt::{self, Debug, Display, Write};

use tracing::field::{Field, Visit};

/// Names that the line itself uses. A field of that name is written as `field.<name>`.
const RESERVED: [&str; 6] = ["timestamp", "level", "target", "service", "trace_id", "span_id"];

/// Writes members of an object that has one already.
pub(super) struct Fields<'a, W> {
    out: &'a mut W,
    result: fmt::Result,
    has_message: bool,
}

impl<'a, W: Write> Fields<'a, W> {
    pub(super) fn after_first(out: &'a mut W) -> Self {
        Self { out, result: Ok(()), has_message: false }
    }

    /// One of the line's own members.
    pub(super) fn head(&mut self, name: &str, value: impl Display) {
        self.member(name, |out| string(out, format_args!("{value}")));
    }

    /// An event without message gets its name as one, if somebody gave it a name.
    pub(super) fn finish(mut self, event_name: &str) -> fmt::Result {
        if !self.has_message && !event_name.starts_with("event ") {
            self.head("message", event_name);
        }
        self.result
    }

    fn field(&mut self, field: &Field, value: impl FnOnce(&mut W) -> fmt::Result) {
        match field.name() {
            name if RESERVED.contains(&name) => {
                self.raw_member(|out| string(out, format_args!("field.{name}")), value);
            }
            name => {
                self.has_message |= name == "message";
                self.member(name, value);
            }
        }
    }

    fn member(&mut self, name: &str, value: impl FnOnce(&mut W) -> fmt::Result) {
        self.raw_member(|out| string(out, format_args!("{name}")), value);
    }

    fn raw_member(
        &mut self,
        name: impl FnOnce(&mut W) -> fmt::Result,
        value: impl FnOnce(&mut W) -> fmt::Result,
    ) {
        if self.result.is_ok() {
            self.result = self.out.write_char(',');
        }
        self.result = self
            .result
            .and_then(|()| name(self.out))
            .and_then(|()| self.out.write_char(':'))
            .and_then(|()| value(self.out));
    }
}

impl<W: Write> Visit for Fields<'_, W> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no word for NaN and infinity.
        self.field(field, |out| {
            if value.is_finite() { write!(out, "{value}") } else { write!(out, "\"{value}\"") }
        });
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.field(field, |out| write!(out, "{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.field(field, |out| write!(out, "{value}"));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        // Most readers would round a longer number, so it is text.
        self.field(field, |out| write!(out, "\"{value}\""));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.field(field, |out| write!(out, "\"{value}\""));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.field(field, |out| write!(out, "{value}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.field(field, |out| string(out, format_args!("{value}")));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.field(field, |out| string(out, format_args!("{}", Chain(value))));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.field(field, |out| string(out, format_args!("{value:?}")));
    }
}

/// An error and its causes: `cannot connect: connection refused`.
struct Chain<'a>(&'a (dyn Error + 'static));

impl Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// Writes a JSON string.
fn string(out: &mut impl Write, text: fmt::Arguments<'_>) -> fmt::Result {
    out.write_char('"')?;
    Escaping(out).write_fmt(text)?;
    out.write_char('"')
}

/// Escapes whatever is written through it.
struct Escaping<'a, W>(&'a mut W);

impl<W: Write> Write for Escaping<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut plain_from = 0;
        for (at, byte) in text.bytes().enumerate() {
            if byte >= 0x20 && byte != b'"' && byte != b'\\' && byte != 0x7f {
                continue;
            }
            // Such a byte is never part of a longer character, so both cuts are at boundaries.
            self.0.write_str(&text[plain_from..at])?;
            plain_from = at + 1;
            match byte {
                b'"' => self.0.write_str("\\\"")?,
                b'\\' => self.0.write_str("\\\\")?,
                b'\n' => self.0.write_str("\\n")?,
                b'\r' => self.0.write_str("\\r")?,
                b'\t' => self.0.write_str("\\t")?,
                control => write!(self.0, "\\u{control:04x}")?,
            }
        }
        self.0.write_str(&text[plain_from..])
    }
}
