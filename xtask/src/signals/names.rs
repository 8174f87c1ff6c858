//! What `crates/telemetry/src/names` says.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context as _;

const FOLDER: &str = "crates/telemetry/src/names";

/// Names of attributes, and instruments.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// By module and constant: `("app", "JOB_ID")`. Values of attributes are among them.
    texts: BTreeMap<(String, String), String>,
    pub(super) instruments: Vec<Instrument>,
}

/// One instrument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Instrument {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) unit: String,
    pub(super) description: String,
    pub(super) buckets: Option<String>,
}

/// The modules, each with its text.
pub(super) fn folder(root: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let mut modules = Vec::new();
    for entry in fs::read_dir(root.join(FOLDER)).context(FOLDER)? {
        let path = entry?.path();
        let module = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        // What an instrument is, and what its buckets are, is no name.
        if !["mod", "instrument", "buckets"].contains(&module) {
            modules.push((module.to_owned(), fs::read_to_string(&path)?));
        }
    }
    Ok(modules)
}

impl Names {
    pub(super) fn of(modules: &[(String, String)]) -> Self {
        let mut names = Self::default();
        for (module, text) in modules {
            let text = text.split("#[cfg(test)]").next().unwrap_or_default();
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            let code = code.collect::<Vec<_>>().join(" ");
            for declared in code.split("pub const ").skip(1) {
                names.read(module, declared);
            }
        }
        names
    }

    fn read(&mut self, module: &str, declared: &str) {
        let Some((constant, rest)) = declared.split_once(':') else { return };
        let quoted: Vec<&str> = rest.split('"').skip(1).step_by(2).collect();
        if rest.trim_start().starts_with("&str")
            && let [text] = quoted.as_slice()
        {
            let key = (module.to_owned(), constant.to_owned());
            self.texts.insert(key, (*text).to_owned());
        }
        if let Some((_, made)) = rest.split_once("Instrument::")
            && let Some((kind, arguments)) = made.split_once('(')
            && let [name, unit, description] = quoted.as_slice()
        {
            let buckets = arguments.split_once("buckets::").map(|(_, rest)| rest);
            let buckets = buckets.and_then(|rest| rest.split(',').next());
            let kind = kind.trim_end_matches("_of").replace("up_down", "up_down_counter");
            self.instruments.push(Instrument {
                name: (*name).to_owned(),
                kind,
                unit: (*unit).to_owned(),
                description: (*description).to_owned(),
                buckets: buckets.map(|name| name.trim().to_owned()),
            });
        }
    }

    /// What a constant says, wherever a module is imported under another name.
    pub(super) fn text(&self, module: &str, constant: &str) -> Option<&str> {
        let exact = self.texts.get(&(module.to_owned(), constant.to_owned()));
        let any =
            || self.texts.iter().find(|((_, name), _)| name == constant).map(|(_, text)| text);
        exact.or_else(any).map(String::as_str)
    }

    /// The names of attributes: neither values of them, which have no dot, nor what tells
    /// `tracing` about a span.
    pub(super) fn attributes(&self) -> Vec<&str> {
        let names = self.texts.values().map(String::as_str);
        let mut names: Vec<&str> = names.filter(|name| is_attribute(name)).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// Whether it is an attribute's name.
pub(super) fn is_attribute(name: &str) -> bool {
    name.contains('.') && !name.starts_with("otel.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_read_as_they_are_written() {
        let text = "/// `pub const NO: &str = \"no.no\"`\npub const ID: &str = \"app.id\";\n\
                    pub const GONE: &str = \"gone\";\n\
                    pub const A: Instrument = Instrument::histogram_of(\n    \"a.b\",\n    \"s\",\n    \
                    buckets::FAST,\n    \"How long.\",\n);\n\
                    pub const B: Instrument =\n    Instrument::up_down_of(\"b\", \"{job}\", \"How many.\");\n\
                    #[cfg(test)]\nmod tests { pub const C: &str = \"c.c\"; }";

        let names = Names::of(&[("app".to_owned(), text.to_owned())]);

        assert_eq!(names.attributes(), ["app.id"]);
        assert_eq!(names.text("app", "GONE"), Some("gone"));
        let [a, b] = names.instruments.as_slice() else { panic!("{names:?}") };
        assert_eq!((a.kind.as_str(), a.buckets.as_deref()), ("histogram", Some("FAST")));
        assert_eq!((b.kind.as_str(), b.unit.as_str()), ("up_down_counter", "{job}"));
        assert_eq!(b.description, "How many.");
    }
}
