//! Chappe as many separate processes to which bad things happen.

use std::fs;

use crate::cases::Counts;
use crate::repository::Repository;
use crate::run::{Log, Run};
use crate::suites::Suite;
use crate::suites::black_box::{REQUIREMENTS, counted_by_pytest, pytest};
use crate::tools::python::Python;
use crate::tools::{haproxy, nats};

/// How much trouble is made, and which.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chaos {
    pub(crate) load: Load,
    pub(crate) extent: Extent,
    /// Without one, another each time.
    pub(crate) seed: Option<u32>,
}

/// When it is over.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Extent {
    Minutes(f64),
    /// So many answers are shown.
    Episodes(u32),
}

/// What is asked meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Load {
    /// Everything that is answered while its caller waits.
    Mixed,
    /// Stored work, with readers who come and go.
    Stored,
    /// The same over three nats-servers, whose leaders are killed.
    StoredOnCluster,
    /// Questions on the chat page, whose answers are shown in several tabs.
    Pages,
}

/// What the test command runs: the same troubles each time, so that a commit is judged by what it
/// changes. `cargo xtask chaos` draws others.
const SHORT: [Chaos; 4] = [
    Chaos { load: Load::Mixed, extent: Extent::Minutes(0.8), seed: Some(5) },
    Chaos { load: Load::Stored, extent: Extent::Minutes(0.3), seed: Some(5) },
    Chaos { load: Load::StoredOnCluster, extent: Extent::Minutes(0.3), seed: Some(5) },
    Chaos { load: Load::Pages, extent: Extent::Episodes(50), seed: Some(5) },
];

/// One fault after the other, each with what must come of it.
pub(super) fn one_by_one(repository: &Repository, log: &mut Log) -> anyhow::Result<Counts> {
    let python = Python::with(repository, REQUIREMENTS, log)?;
    let run = pytest(&python, Suite::Faults, repository);
    counted_by_pytest(with_programs(run, &Suite::Faults.name(), repository, log)?, log)
}

/// Random trouble for a short time, under each load.
pub(super) fn short_chaos(repository: &Repository, log: &mut Log) -> anyhow::Result<Counts> {
    let mut counts = Counts::default();
    for short in SHORT {
        counts += chaos(repository, short, log)?;
    }
    Ok(counts)
}

/// Random trouble under load.
pub(crate) fn chaos(
    repository: &Repository,
    chaos: Chaos,
    log: &mut Log,
) -> anyhow::Result<Counts> {
    let python = Python::with(repository, REQUIREMENTS, log)?;
    let mut run = Run::new(python.program("python"), &repository.root().join("acceptance"))
        .arguments(["-m", "chaos"])
        .variable("PYTHONDONTWRITEBYTECODE", "1")
        .variable("PYTHONUNBUFFERED", "1");
    if let Some(seed) = chaos.seed {
        run = run.arguments(["--seed", &seed.to_string()]);
    }
    run = match chaos.extent {
        Extent::Minutes(minutes) => run.arguments(["--minutes", &minutes.to_string()]),
        Extent::Episodes(episodes) => run.arguments(["--episodes", &episodes.to_string()]),
    };
    let folder = match chaos.load {
        Load::Mixed => "chaos",
        Load::Stored => {
            run = run.arguments(["--stored"]);
            "chaos-stored"
        }
        Load::StoredOnCluster => {
            run = run.arguments(["--stored", "--cluster"]);
            "chaos-cluster"
        }
        Load::Pages => {
            run = run.arguments(["--pages"]);
            "chaos-pages"
        }
    };
    let run = with_programs(run, folder, repository, log)?;
    Ok(Counts::of(run.succeeds(log)?))
}

/// Names the programs that are killed and the one before them, and a folder for what they say.
pub(super) fn with_programs(
    run: Run,
    folder: &str,
    repository: &Repository,
    log: &mut Log,
) -> anyhow::Result<Run> {
    let logs = repository.made("logs").join(folder);
    if logs.exists() {
        // Of the run before.
        fs::remove_dir_all(&logs)?;
    }
    fs::create_dir_all(&logs)?;
    Ok(run
        .variable("CHAPPE_BIN_DIR", repository.release())
        .variable("NATS_SERVER_BIN", nats::find()?)
        .variable("HAPROXY_BIN", haproxy::find(log)?)
        .variable("ACCEPTANCE_LOGS", logs))
}
