"""The account of stored work: whether everything that was promised was kept, and the tables."""

from collections import Counter, defaultdict

from chaos.account import happened

__all__ = [
    "happened",
    "reasons",
    "recoveries",
    "silences",
    "table",
    "too_few_completed",
    "unaccounted",
]

# How long something that is over may still be felt: until the queue gives a job in the background
# to another worker, and that one has begun.
AFTERMATH_S = 40
# Why an answer may fail while its model works: it was begun five times.
FAILURES = {"attempts_exhausted"}
# What a caller may be told instead of a promise.
REFUSALS = {
    "nobody was there",
    "502 attempts_exhausted",
    "503 gateway_stopped",
    "503 queue_unavailable",
    "503 server_is_overloaded",
}
# Between two words this is long enough to be asked about.
SILENT_S = 5
# A silence begins at most so long before or after what causes it: the last words are on their way.
AROUND_S = (0.3, 1.5)
# Of those that were accepted and not cancelled, this share is answered.
MOST_ARE_COMPLETED = 0.98
ENDS = ["completed", "failed", "cancelled", "lost"]


def unaccounted(job, troubles):
    """Why this is not as it must be; `None` if it is."""
    around = [one for one in troubles if one.touches(job.began - AFTERMATH_S, job.told_at)]
    match job.promise:
        case "refused" if job.why not in REFUSALS:
            return "this is no refusal that trouble explains"
        case "refused":
            return None if around else "nothing happened that explains it"
        case "doubt":
            kills = [one for one in around if one.action == "kill" and one.name == job.asked_of]
            mine = any(one.touches(job.began, job.told_at) for one in kills)
            return None if mine else "nobody killed the process that it was asked of"
    match job.end:
        case "completed":
            pass
        case "failed" if job.why not in FAILURES:
            return "this is no failure that trouble explains"
        case "failed":
            if not troubles:
                return "nothing happened that explains it"
        case "cancelled" if job.kind != "cancelled":
            return "nobody cancelled it"
        case "cancelled":
            pass
        case other:
            return other or "nobody looked after it"
    for silence in job.silences:
        if silence.took_s > SILENT_S and not _touched(silence, troubles):
            return f"{silence.took_s:.1f} s of silence that nothing explains"
    return None


def too_few_completed(jobs):
    """Why those that were answered are not enough; `None` if they are."""
    owed = [job for job in jobs if job.promise == "accepted" and job.kind != "cancelled"]
    completed = sum(job.end == "completed" for job in owed)
    if completed < MOST_ARE_COMPLETED * len(owed):
        return f"only {completed} of {len(owed)} were completed"
    return None


def _touched(silence, troubles):
    return any(one.touches(silence.began - AFTERMATH_S, silence.ended) for one in troubles)


def table(jobs):
    """What was asked for, what was promised, and what came of it."""
    columns = ["asked", "refused", "doubt", "accepted", *ENDS, "doubled", "tokens", "wrong", "anew"]
    lines = [f"{'':12}" + "".join(f"{name:>10}" for name in columns)]
    by_kind = defaultdict(list)
    for job in jobs:
        by_kind[job.kind].append(job)
    for kind, some in [*sorted(by_kind.items()), ("all", jobs)]:
        promises = Counter(job.promise for job in some)
        owed = [job for job in some if job.promise == "accepted"]
        ends = Counter(job.end for job in owed)
        lies = Counter(job.about for job in owed if job.end == "wrong")
        numbers = [len(some), promises["refused"], promises["doubt"], len(owed)]
        numbers += [ends[end] for end in ENDS]
        numbers += [lies["result"], lies["tokens"], lies["events"]]
        numbers.append(sum(job.story.restarts > 0 for job in owed))
        lines.append(f"{kind:12}" + "".join(f"{number:>10}" for number in numbers))
    lines.append("doubled: results; tokens: lost, doubled or changed; anew: begun anew after words")
    return "\n".join(lines)


def reasons(jobs):
    """Why those that were refused were, and those that failed."""
    counted = Counter(
        (job.end or job.promise, job.why) for job in jobs if job.why and job.end != "wrong"
    )
    lines = [f"  {end:10} {why:44}{number:>6}" for (end, why), number in sorted(counted.items())]
    return "\n".join(lines) or "  none"


def silences(jobs):
    """The longest silences that somebody who listened has heard."""
    heard = [(silence, job) for job in jobs for silence in job.silences]
    lines = []
    for what, spoken in [("between words", True), ("before the first", False)]:
        some = [one for one in heard if one[0].spoken == spoken]
        longest = max(some, key=lambda one: one[0].took_s, default=None)
        if longest:
            lines.append(f"  {what:18} {longest[0].took_s:6.1f} s  {longest[1]}")
    return "\n".join(lines) or "  none"


def recoveries(jobs, troubles):
    """From a trouble to the next word for those who listened, by its kind: each silence belongs
    to what happened when it began; to several at once, if there were several."""
    by_kind, of_nobody = defaultdict(list), 0
    for job in jobs:
        for silence in job.silences:
            causes = _causes(silence, job, troubles)
            if not causes:
                of_nobody += 1
                continue
            kinds = {f"{one.action} {one.whom.rstrip('-0123456789')}" for one in causes}
            took = silence.ended - min(one.began for one in causes)
            by_kind[kinds.pop() if len(kinds) == 1 else "several at once"].append(took)
    lines = [f"  {'':32}{'silences':>10}{'p50 s':>9}{'p90 s':>9}{'worst s':>9}"]
    for kind, took in sorted(by_kind.items()):
        took.sort()
        p50, p90, worst = took[len(took) // 2], took[len(took) * 9 // 10], took[-1]
        lines.append(f"  {kind:32}{len(took):>10}{p50:>9.1f}{p90:>9.1f}{worst:>9.1f}")
    lines.append(f"  {'none of these':32}{of_nobody:>10}")
    return "\n".join(lines)


def _causes(silence, job, troubles):
    """What explains a silence: what happened when it began, and what more happened meanwhile."""
    if not silence.after_event:
        return []
    before, after = AROUND_S
    anew = job.story.begins_anew_around(silence.number) or not silence.spoken

    def matters(one):
        if one.name.startswith("gateway"):
            return one.name in silence.cut_by
        return one.name.startswith("nats-server") or one.action == "hold" or anew

    began = lambda one: silence.began - before <= one.began <= silence.ended
    causes = [one for one in troubles if began(one) and matters(one)]
    first = any(one.began <= silence.began + after for one in causes)
    return causes if first else []
