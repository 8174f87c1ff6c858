//! The text of files in `/proc`.

/// A line of `/proc/<pid>/stat`, as far as we need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ProcessStat {
    pub(super) parent: u32,
    /// In user and in kernel mode, without children.
    pub(super) cpu_ticks: u64,
}

/// The program's name stands in parentheses and may hold any character: what counts comes after
/// the last one.
pub(super) fn process(text: &str) -> Option<ProcessStat> {
    let (_, rest) = text.rsplit_once(')')?;
    // From the third field of proc(5): state, ppid, …, utime (14th), stime (15th).
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |place: usize| fields.get(place)?.parse::<u64>().ok();
    let parent = u32::try_from(number(1)?).ok()?;
    Some(ProcessStat { parent, cpu_ticks: number(11)? + number(12)? })
}

/// The line of all processors in `/proc/stat`, in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SystemStat {
    pub(super) busy: u64,
    pub(super) stolen: u64,
    pub(super) total: u64,
}

pub(super) fn system(text: &str) -> Option<SystemStat> {
    let line = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let fields = line.split_ascii_whitespace().map(str::parse);
    let fields: Vec<u64> = fields.collect::<Result<_, _>>().ok()?;
    // Guests' time, which may follow, is part of the user's.
    let &[user, nice, kernel, idle, wait, interrupts, soft_interrupts, stolen, ..] =
        fields.as_slice()
    else {
        return None;
    };
    let busy = user + nice + kernel + interrupts + soft_interrupts;
    Some(SystemStat { busy, stolen, total: busy + idle + wait + stolen })
}

/// `Pss:` of `/proc/<pid>/smaps_rollup`, in KiB.
pub(super) fn pss_kib(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_programs_name_may_hold_spaces_and_parentheses() {
        for name in ["gateway", "a b", "x) S 1 (y", ")"] {
            let text = format!(
                "4242 ({name}) S 17 4242 4242 0 -1 4194560 900 0 0 0 120 35 7 9 20 0 3 0 55 1 2"
            );
            let expected = ProcessStat { parent: 17, cpu_ticks: 155 };
            assert_eq!(process(&text), Some(expected), "{name}");
        }
        assert_eq!(process("4242 (gateway) S 17"), None);
        assert_eq!(process(""), None);
    }

    #[test]
    fn the_line_of_all_processors_is_read_and_waiting_is_not_work() {
        let text = "cpu  100 20 30 400 50 6 7 8 9 0\ncpu0 1 1 1 1 1 1 1 1 1 1\nintr 5\n";
        let expected = SystemStat { busy: 163, stolen: 8, total: 621 };
        assert_eq!(system(text), Some(expected));
        assert_eq!(system("cpu0 1 2 3"), None);
        assert_eq!(system("cpu  1 2 3"), None);
    }

    #[test]
    fn the_proportional_set_is_not_mistaken_for_its_parts() {
        let text = "5583d0000000-7ffc ---p 00000000 00:00 0 [rollup]\nRss:  4000 kB\n\
                    Pss:                1234 kB\nPss_Dirty:  99 kB\nPss_Anon:  98 kB\n";
        assert_eq!(pss_kib(text), Some(1234));
        assert_eq!(pss_kib("Pss_Dirty: 99 kB\n"), None);
    }
}
