//! The registry of signals: compared with the code, and made into a page.
//!
//! `observability/signals.yaml` says which spans, metrics and log fields there are. Whoever reads
//! telemetry reads it; here it is held against what the code says, and `observability/SIGNALS.md`
//! is made of it.

mod code;
mod names;
mod page;
mod problems;
mod registry;

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use clap::Args;

use self::code::Said;
use self::names::Names;
use self::registry::Registry;
use crate::repository;
use crate::screen;

const REGISTRY: &str = "observability/signals.yaml";
const PAGE: &str = "observability/SIGNALS.md";

#[derive(Debug, Args)]
pub(crate) struct SignalsArguments {
    /// Write nothing; fail if the page would change.
    #[arg(long)]
    check: bool,
}

/// `cargo xtask signals`.
pub(crate) fn command(arguments: &SignalsArguments) -> anyhow::Result<bool> {
    let root = repository::root()?;
    let read = |path: &str| fs::read_to_string(root.join(path)).with_context(|| path.to_owned());
    let registry = Registry::read(&read(REGISTRY)?).context(REGISTRY)?;
    let names = Names::of(&names::folder(&root)?);
    let said = code::said_in(&root, &names)?;

    let mut problems = problems::all(&registry, &names, &said);
    let page = page::of(&registry);
    if arguments.check {
        if read(PAGE).ok().as_deref() != Some(page.as_str()) {
            problems.push(format!("{PAGE} is not what {REGISTRY} says: run `cargo xtask signals`"));
        }
    } else {
        write(&root, &page)?;
    }
    for problem in &problems {
        screen::line(problem);
    }
    screen::line(&summary(&registry, &said, problems.len()));
    Ok(problems.is_empty())
}

fn write(root: &Path, page: &str) -> anyhow::Result<()> {
    fs::write(root.join(PAGE), page).context(PAGE)
}

fn summary(registry: &Registry, said: &Said, problems: usize) -> String {
    format!(
        "{} metrics, {} spans, {} attributes, {} log fields; {} log lines in the code; {problems} problems",
        registry.metrics.len(),
        registry.spans.len(),
        registry.attributes.len(),
        registry.log_fields.len(),
        said.events,
    )
}
