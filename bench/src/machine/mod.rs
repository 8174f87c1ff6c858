//! What the kernel says about processes and about the whole machine. Linux only.

mod parse;

use std::collections::BTreeMap;
use std::fs;
use std::io;

use parse::{ProcessStat, SystemStat};

/// Ticks per second in `/proc`: the kernel's interface has 100 on every architecture.
const TICKS_PER_S: f64 = 100.0;

/// Processor time of one process since its start, in seconds.
///
/// # Errors
///
/// When it is gone.
pub fn cpu_seconds(pid: u32) -> io::Result<f64> {
    Ok(stat(pid)?.cpu_ticks as f64 / TICKS_PER_S)
}

/// Processor time of some processes at a moment.
#[derive(Debug, Clone, Default)]
pub struct Cpu(BTreeMap<u32, f64>);

impl Cpu {
    /// Of these, now. One that is gone is left out.
    pub fn of(pids: &[u32]) -> Self {
        Self(pids.iter().filter_map(|pid| Some((*pid, cpu_seconds(*pid).ok()?))).collect())
    }

    /// What has been used since `earlier`. All time of a process that began meanwhile counts, and
    /// none of one that has ended.
    pub fn since(&self, earlier: &Self) -> f64 {
        let used = |(pid, now): (&u32, &f64)| now - earlier.0.get(pid).copied().unwrap_or_default();
        self.0.iter().map(used).sum()
    }
}

/// Proportional set size of these processes together, in megabytes (10^6 bytes): memory that
/// processes share is counted once. One that is gone counts nothing.
pub fn pss_mb_of(pids: &[u32]) -> f64 {
    let read = |pid: &u32| {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        parse::pss_kib(&text)
    };
    pids.iter().filter_map(read).sum::<u64>() as f64 * 1024.0 / 1e6
}

/// A process and everything that it started, directly or not.
pub fn tree(root: u32) -> Vec<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        // Processes come and go while we look.
        if let Ok(stat) = stat(pid) {
            children.entry(stat.parent).or_default().push(pid);
        }
    }
    let (mut found, mut next) = (Vec::new(), vec![root]);
    while let Some(pid) = next.pop() {
        next.extend(children.remove(&pid).unwrap_or_default());
        found.push(pid);
    }
    found
}

/// Time of all processors since the start of the machine.
#[derive(Debug, Clone, Copy)]
pub struct Processors {
    /// Seconds in which one worked.
    pub busy_s: f64,
    /// Seconds in which one could have worked and the host gave it to another machine.
    pub stolen_s: f64,
    /// Seconds altogether, of all processors.
    pub total_s: f64,
}

/// Reads `/proc/stat`.
///
/// # Errors
///
/// When there is none: this is not Linux.
pub fn processors() -> io::Result<Processors> {
    let text = fs::read_to_string("/proc/stat")?;
    let SystemStat { busy, stolen, total } = parse::system(&text).ok_or_else(unreadable)?;
    let seconds = |ticks: u64| ticks as f64 / TICKS_PER_S;
    Ok(Processors { busy_s: seconds(busy), stolen_s: seconds(stolen), total_s: seconds(total) })
}

/// The model of the first processor.
pub fn processor_name() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, name)| name.trim().to_owned())
}

/// The kernel's release.
pub fn kernel() -> Option<String> {
    fs::read_to_string("/proc/sys/kernel/osrelease").ok().map(|text| text.trim().to_owned())
}

fn stat(pid: u32) -> io::Result<ProcessStat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    parse::process(&text).ok_or_else(unreadable)
}

fn unreadable() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the kernel's answer cannot be read")
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_a_parent_time_and_memory() {
        let own = std::process::id();
        let parent = stat(own).unwrap().parent;

        assert!(tree(parent).contains(&own));
        // Other tests of this process may have started programs of their own.
        assert_eq!(tree(own).first(), Some(&own));
        assert!(pss_mb_of(&[own]) > 0.1);
        assert_eq!(Cpu::of(&[own, u32::MAX]).0.len(), 1);
    }

    #[test]
    fn a_tree_is_a_process_and_what_it_started() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let (of_this, of_child) = (tree(std::process::id()), tree(child.id()));
        child.kill().unwrap();
        child.wait().unwrap();

        assert!(of_this.contains(&child.id()));
        assert_eq!(of_child, [child.id()]);
        assert!(!tree(std::process::id()).contains(&child.id()));
    }

    #[test]
    fn a_process_that_began_counts_and_one_that_ended_does_not() {
        let earlier = Cpu(BTreeMap::from([(1, 10.0), (2, 50.0)]));
        let now = Cpu(BTreeMap::from([(1, 12.0), (3, 0.5)]));
        assert!((now.since(&earlier) - 2.5).abs() < 1e-9);
    }

    #[test]
    fn the_processors_have_time() {
        let Processors { busy_s, stolen_s, total_s } = processors().unwrap();
        assert!(busy_s > 0.0 && stolen_s >= 0.0 && total_s > busy_s);
    }
}
