//! The input that is being tried, in a file: there when the process dies of it.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use anyhow::Context as _;

/// The file.
#[derive(Debug)]
pub struct Current(File);

impl Current {
    /// An empty one.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub fn create(path: &Path) -> anyhow::Result<Self> {
        File::create(path).map(Self).with_context(|| path.display().to_string())
    }

    /// Writes an input down.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn note(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.seek(SeekFrom::Start(0))?;
        self.0.write_all(bytes)?;
        self.0.set_len(bytes.len() as u64)
    }
}
