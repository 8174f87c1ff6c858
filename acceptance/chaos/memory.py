"""The memory of the processes that live from the first measurement to the last."""

from pathlib import Path

# Growth that is no leak: a tenth, and what allocators keep for the next burst.
SHARE = 0.1
ALLOWANCE_KB = 4 * 1024


def can_be_measured():
    return Path("/proc/self/smaps_rollup").exists()


def measure(processes):
    """Kilobytes of each, with its number of starts: its proportional share of memory, so that
    pages that several share are counted once."""
    return {process.name: (process.starts, _pss_kb(process.pid)) for process in processes}


def _pss_kb(pid):
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise AssertionError(f"process {pid} has no Pss")


def peak_kb(pid):
    """The most memory that a process has ever had at once."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise AssertionError(f"process {pid} has no VmHWM")


def service_of(name):
    return name.rstrip("0123456789").rstrip("-")


def compare(before, after):
    """Lines of a table, and the services that have grown: summed over those of their processes
    that were not started anew in between."""
    lines, grown = [], []
    services = {service_of(name) for name in before}
    for service in sorted(services):
        lived = [
            name
            for name in before
            if service_of(name) == service and before[name][0] == after[name][0]
        ]
        if not lived:
            lines.append(f"  {service:16} started anew since")
            continue
        first, last = (sum(at[name][1] for name in lived) for at in (before, after))
        allowed = first * (1 + SHARE) + ALLOWANCE_KB
        verdict = "ok" if last <= allowed else f"GROWN over {allowed / 1024:.1f}"
        line = f"  {service:16} {first / 1024:7.1f} → {last / 1024:7.1f} MiB of {len(lived)}  "
        lines.append(line + verdict)
        if last > allowed:
            grown.append(service)
    return "\n".join(lines), grown
