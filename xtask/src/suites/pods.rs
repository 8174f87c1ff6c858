//! The pods of k8s/ in Docker, under the conditions of their manifests: what they answer, and what
//! becomes of stored work when a leader of NATS dies, a worker is parted from it, or has no memory.

use crate::cases::Counts;
use crate::repository::Repository;
use crate::run::{Log, Run};
use crate::suites::compose::Images;
use crate::suites::{Endpoints, Suite};
use crate::tools::debian;

/// The short form: what takes no more than two minutes.
pub(super) fn suite(repository: &Repository, log: &mut Log) -> anyhow::Result<Counts> {
    Pods::make(repository, log)?.tested(&["-m", "not long"], log)
}

/// The images, and what renders the manifests.
pub(crate) struct Pods<'a> {
    images: Images<'a>,
    variables: Vec<(&'static str, std::path::PathBuf)>,
}

impl<'a> Pods<'a> {
    /// As the stack of compose.yaml has them.
    pub(crate) fn make(repository: &'a Repository, log: &mut Log) -> anyhow::Result<Self> {
        let mut variables = vec![("CHAPPE_BIN_DIR", repository.release())];
        for (program, path) in debian::find(repository, &[debian::KUBECTL])? {
            variables.push((program.variable, path));
        }
        Ok(Self { images: Images::make(repository, log)?, variables })
    }

    fn told(&self, run: Run) -> Run {
        self.variables.iter().fold(run, |run, (name, value)| run.variable(name, value))
    }

    /// Runs the tests of acceptance/pods.
    pub(crate) fn tested(&self, chosen: &[&str], log: &mut Log) -> anyhow::Result<Counts> {
        self.images.tested(Suite::Pods, chosen, |run| self.told(run), log)
    }

    /// Starts the pods, asks them, and takes them down.
    pub(crate) fn asked<T>(
        &self,
        ask: impl FnOnce(Endpoints, Endpoints) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        self.images.with_a_stack("support.pods", |run| self.told(run), ask)
    }
}
