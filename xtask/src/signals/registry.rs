//! What `observability/signals.yaml` says.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail, ensure};
use yaml_rust::{Yaml, YamlLoader};

/// All of it.
#[derive(Debug)]
pub(super) struct Registry {
    pub(super) services: Vec<String>,
    pub(super) resource: Vec<String>,
    pub(super) spans: Vec<Span>,
    pub(super) metrics: Vec<Metric>,
    pub(super) attributes: BTreeMap<String, Described>,
    /// Labels, and how many values each may have.
    pub(super) labels: BTreeMap<String, i64>,
    pub(super) log_fields: BTreeMap<String, Described>,
}

/// A span as one service makes it.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) service: String,
    /// Its name in the code.
    pub(super) code: String,
    pub(super) about: String,
    pub(super) always: Vec<String>,
    pub(super) sometimes: Vec<String>,
}

/// An instrument.
#[derive(Debug)]
pub(super) struct Metric {
    pub(super) name: String,
    pub(super) scraped: String,
    pub(super) kind: String,
    pub(super) unit: String,
    pub(super) description: String,
    pub(super) buckets: Option<String>,
    pub(super) labels: Vec<String>,
    pub(super) services: Vec<String>,
    /// Who makes it if no service does.
    pub(super) made_by: Option<String>,
}

/// Something with a type and a sentence.
#[derive(Debug)]
pub(super) struct Described {
    pub(super) kind: String,
    pub(super) about: String,
}

impl Registry {
    pub(super) fn read(text: &str) -> anyhow::Result<Self> {
        let documents = YamlLoader::load_from_str(text)?;
        let [all] = documents.as_slice() else { bail!("expected one document") };
        known(
            all,
            &["services", "resource", "labels", "metrics", "spans", "attributes", "log_fields"],
        )?;
        let each =
            |key: &'static str| all[key].as_vec().with_context(|| format!("no list `{key}`"));
        Ok(Self {
            services: texts(&all["services"], "services")?,
            resource: texts(&all["resource"], "resource")?,
            spans: each("spans")?.iter().map(span).collect::<Result<_, _>>()?,
            metrics: each("metrics")?.iter().map(metric).collect::<Result<_, _>>()?,
            attributes: described(&all["attributes"]).context("attributes")?,
            labels: labels(&all["labels"])?,
            log_fields: described(&all["log_fields"]).context("log_fields")?,
        })
    }

    /// What a name says about itself.
    pub(super) fn attribute(&self, name: &str) -> Option<&Described> {
        self.attributes.get(name)
    }
}

fn span(yaml: &Yaml) -> anyhow::Result<Span> {
    let name = text(yaml, "name")?;
    let read = || -> anyhow::Result<Span> {
        known(yaml, &["name", "kind", "service", "code", "about", "always", "sometimes"])?;
        Ok(Span {
            name: name.clone(),
            kind: text(yaml, "kind")?,
            service: text(yaml, "service")?,
            code: text(yaml, "code")?,
            about: text(yaml, "about")?,
            always: texts(&yaml["always"], "always")?,
            sometimes: texts(&yaml["sometimes"], "sometimes")?,
        })
    };
    read().with_context(|| format!("span `{name}`"))
}

fn metric(yaml: &Yaml) -> anyhow::Result<Metric> {
    let name = text(yaml, "name")?;
    let read = || -> anyhow::Result<Metric> {
        known(
            yaml,
            &[
                "name",
                "scraped",
                "kind",
                "unit",
                "description",
                "buckets",
                "labels",
                "services",
                "made_by",
            ],
        )?;
        Ok(Metric {
            name: name.clone(),
            scraped: text(yaml, "scraped")?,
            kind: text(yaml, "kind")?,
            unit: text(yaml, "unit")?,
            description: text(yaml, "description")?,
            buckets: yaml["buckets"].as_str().map(str::to_owned),
            labels: texts(&yaml["labels"], "labels")?,
            services: texts(&yaml["services"], "services")?,
            made_by: yaml["made_by"].as_str().map(str::to_owned),
        })
    };
    read().with_context(|| format!("metric `{name}`"))
}

fn described(yaml: &Yaml) -> anyhow::Result<BTreeMap<String, Described>> {
    let entries = yaml.as_hash().context("expected a map")?;
    let entry = |(name, value): (&Yaml, &Yaml)| {
        let name = name.as_str().context("a name is no text")?.to_owned();
        let read = || -> anyhow::Result<Described> {
            known(value, &["type", "about"])?;
            Ok(Described { kind: text(value, "type")?, about: text(value, "about")? })
        };
        let described = read().with_context(|| format!("`{name}`"))?;
        Ok((name, described))
    };
    entries.iter().map(entry).collect()
}

fn labels(yaml: &Yaml) -> anyhow::Result<BTreeMap<String, i64>> {
    let entries = yaml.as_hash().context("labels: expected a map")?;
    let entry = |(name, most): (&Yaml, &Yaml)| {
        let name = name.as_str().context("a label is no text")?;
        let most = most.as_i64().with_context(|| format!("label `{name}`: expected a number"))?;
        Ok((name.to_owned(), most))
    };
    entries.iter().map(entry).collect()
}

/// A misspelt key is refused, not passed over.
fn known(yaml: &Yaml, keys: &[&str]) -> anyhow::Result<()> {
    for key in yaml.as_hash().context("expected a map")?.keys() {
        let key = key.as_str().context("a key is no text")?;
        ensure!(keys.contains(&key), "`{key}` is not known here");
    }
    Ok(())
}

fn text(yaml: &Yaml, key: &str) -> anyhow::Result<String> {
    yaml[key].as_str().map(str::to_owned).with_context(|| format!("`{key}` is no text"))
}

fn texts(yaml: &Yaml, key: &str) -> anyhow::Result<Vec<String>> {
    let list = yaml.as_vec().with_context(|| format!("`{key}` is no list"))?;
    let text = |one: &Yaml| one.as_str().map(str::to_owned);
    list.iter().map(|one| text(one).with_context(|| format!("`{key}` holds no text"))).collect()
}
