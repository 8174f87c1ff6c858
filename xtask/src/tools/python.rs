//! Python with pinned packages, in an environment of our own below cargo's target folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::environment;
use crate::repository::Repository;
use crate::run::{Log, Run};
use crate::screen;
use crate::tools::{Missing, apt, made_from};

/// The oldest Python that the pinned packages and the programs in `ci/` run on.
const OLDEST: (u32, u32) = (3, 11);

/// A Python with packages.
#[derive(Debug)]
pub(crate) struct Python {
    folder: PathBuf,
}

impl Python {
    /// With the packages of `requirements`, a file of the repository; made once for its text.
    pub(crate) fn with(
        repository: &Repository,
        requirements: &str,
        log: &mut Log,
    ) -> anyhow::Result<Self> {
        let file = repository.root().join(requirements);
        let wanted = fs::read_to_string(&file).with_context(|| requirements.to_owned())?;
        let name = requirements.replace(['/', '.'], "-");
        let python = Self { folder: repository.made("python").join(name) };
        let stamp = python.folder.join("made-from");
        if made_from(&stamp, &wanted) {
            return Ok(python);
        }
        screen::step(&format!("installing the Python packages of {requirements}"));
        if python.folder.exists() {
            // Half a try, or of other versions.
            fs::remove_dir_all(&python.folder)?;
        }
        python.make(repository, log)?;
        Run::new(python.program("python"), repository.root())
            .arguments(["-m", "pip", "install", "--quiet", "--no-input"])
            .arguments(["--disable-pip-version-check", "--only-binary=:all:", "--requirement"])
            .arguments([requirements])
            .quietly()?;
        fs::write(stamp, wanted)?;
        Ok(python)
    }

    /// A program of the environment.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.programs().join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }

    /// The folder of its programs.
    pub(crate) fn programs(&self) -> PathBuf {
        self.folder.join(if cfg!(windows) { "Scripts" } else { "bin" })
    }

    fn make(&self, repository: &Repository, log: &mut Log) -> anyhow::Result<()> {
        let base = base(repository.root()).or_else(|| {
            // Debian has Python without the module that makes environments.
            let installed = apt::install(&["python3", "python3-venv"], log).unwrap_or(false);
            installed.then(|| base(repository.root())).flatten()
        });
        let Some(base) = base else {
            let (major, minor) = OLDEST;
            return Err(Missing(format!(
                "no Python {major}.{minor} or newer with `venv` and `pip` on PATH (Debian: apt-get install python3-venv)"
            ))
            .into());
        };
        let folder = self.folder.display().to_string();
        Run::new(base, repository.root()).arguments(["-m", "venv", &folder]).quietly()?;
        Ok(())
    }
}

/// A Python on PATH that can make environments with pip in them.
fn base(folder: &Path) -> Option<PathBuf> {
    let (major, minor) = OLDEST;
    let able =
        format!("import sys, venv, ensurepip; sys.exit(sys.version_info < ({major}, {minor}))");
    let candidates = ["python3", "python"].into_iter().filter_map(environment::on_path);
    let mut able_ones = candidates
        .filter(|python| Run::new(python, folder).arguments(["-c", &able]).quietly().is_ok());
    able_ones.next()
}
