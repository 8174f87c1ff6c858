//! The blind search: changes seeds at random, and keeps the input that something is wrong with.
//!
//! Each input is written down before it is tried, so that it is there when the process dies of it.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::time::Instant;

use crate::mutation::mutated;
use crate::{Current, Target, inputs_of};

/// What to look for, and for how long.
#[derive(Debug)]
pub struct Search {
    /// Where.
    pub target: Target,
    /// How long.
    pub time: Duration,
    /// Longest time that one input may take.
    pub too_long: Duration,
    /// What everything follows from.
    pub seed: u64,
    /// The file with the input that is being tried.
    pub current: PathBuf,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nothing is wrong with as many inputs.
    Nothing(u64),
    /// Something is: the input is in the file `current`.
    Wrong(String),
}

impl Search {
    /// Searches. The process has to be ended behind it when it found something: what hangs, hangs.
    ///
    /// # Errors
    ///
    /// When seeds cannot be read or the input cannot be written down.
    pub fn run(&self) -> anyhow::Result<Found> {
        let mut pool = Vec::new();
        for input in inputs_of(self.target)? {
            pool.push(input.bytes);
        }
        let current = Current::create(&self.current)?;
        // Of no size: the searching thread does not run ahead of whoever looks at it.
        let (sender, receiver) = sync_channel(0);
        let (target, time) = (self.target, self.time);
        let random = StdRng::seed_from_u64(self.seed);
        let tried = Arc::new(AtomicU64::new(0));
        let trying = Arc::clone(&tried);
        std::thread::spawn(move || {
            let ended = tries(target, time, pool, random, current, &trying);
            let _nobody_waits = sender.send(ended);
        });
        watched(&receiver, &tried, self.too_long)
    }

    /// Keeps the input of a finding as a case in `folder`, under the name of its content.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn keep(&self, folder: &Path) -> anyhow::Result<PathBuf> {
        let bytes = fs::read(&self.current)?;
        let folder = folder.join(self.target.name);
        fs::create_dir_all(&folder)?;
        let kept = folder.join(format!("found-{:016x}", fingerprint(&bytes)));
        fs::write(&kept, bytes)?;
        Ok(kept)
    }
}

type Ended = anyhow::Result<Found>;

fn tries(
    target: Target,
    time: Duration,
    mut pool: Vec<Vec<u8>>,
    mut random: StdRng,
    mut current: Current,
    tried: &AtomicU64,
) -> Ended {
    let until = Instant::now() + time;
    let seeds = pool.clone();
    loop {
        let number = tried.load(Ordering::Relaxed);
        let bytes = match seeds.get(usize::try_from(number)?) {
            Some(seed) => seed.clone(),
            None if Instant::now() >= until => return Ok(Found::Nothing(number)),
            None => mutated(&pool, &mut random),
        };
        current.note(&bytes)?;
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (target.run)(&bytes))) {
            return Ok(Found::Wrong(said(panic.as_ref())));
        }
        grow(&mut pool, &seeds, bytes, number);
        tried.store(number + 1, Ordering::Relaxed);
    }
}

/// Some of what was tried is changed further: one step from a seed says little.
fn grow(pool: &mut Vec<Vec<u8>>, seeds: &[Vec<u8>], bytes: Vec<u8>, number: u64) {
    /// How many of them are remembered beside the seeds.
    const REMEMBERED: usize = 64;
    if bytes.len() > 4096 || !number.is_multiple_of(16) {
        return;
    }
    if pool.len() < seeds.len() + REMEMBERED {
        pool.push(bytes);
    } else {
        let place = usize::try_from(number / 16).unwrap_or_default() % REMEMBERED;
        pool[seeds.len() + place] = bytes;
    }
}

/// Waits for the end, or for an input that takes too long.
fn watched(receiver: &Receiver<Ended>, tried: &AtomicU64, too_long: Duration) -> Ended {
    let mut before = None;
    loop {
        match receiver.recv_timeout(too_long) {
            Ok(ended) => return ended,
            Err(RecvTimeoutError::Disconnected) => anyhow::bail!("the search broke off"),
            Err(RecvTimeoutError::Timeout) => {
                let now = tried.load(Ordering::Relaxed);
                if before == Some(now) {
                    return Ok(Found::Wrong(format!("takes longer than {too_long:?}")));
                }
                before = Some(now);
            }
        }
    }
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic").to_owned()
}

/// FNV-1a: the same input has the same name.
fn fingerprint(bytes: &[u8]) -> u64 {
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, mix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(run: fn(&[u8]), too_long: Duration, folder: &Path) -> Search {
        let target = Target { name: "streams", about: "", run };
        let time = Duration::from_secs(60);
        Search { target, time, too_long, seed: 1, current: folder.join("current") }
    }

    #[test]
    fn what_panics_is_found_and_kept_and_the_same_seed_finds_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let mut kept = Vec::new();
        for _again in 0..2 {
            // The report of a panic alone may take a while.
            let forever = Duration::from_secs(60);
            let run = |bytes: &[u8]| assert!(!bytes.contains(&0xff), "ff");
            let search = search(run, forever, folder.path());
            assert_eq!(search.run().unwrap(), Found::Wrong("ff".to_owned()));
            kept.push(search.keep(folder.path()).unwrap());
        }

        assert!(fs::read(&kept[0]).unwrap().contains(&0xff));
        assert_eq!(kept[0], kept[1]);
    }

    #[test]
    fn what_never_ends_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let too_long = Duration::from_millis(200);
        let search = search(|_bytes| while std::hint::black_box(true) {}, too_long, folder.path());

        let Found::Wrong(why) = search.run().unwrap() else { panic!("it never ends") };

        assert!(why.contains("longer than"), "{why}");
    }
}
