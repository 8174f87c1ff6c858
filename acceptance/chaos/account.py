"""The account: which ends are good ones, and the tables."""

from collections import Counter, defaultdict

# How long something that is over may still be felt: a beat's silence, a job given to another
# worker three times, a connection made again.
AFTERMATH_S = 20
# What a caller may be told of trouble between it and the model, in a stream that had begun.
BREAKS = {"worker_lost", "answer_incomplete"}
# What a request may be refused with that no model was to blame for: by us, or by the proxy or a
# page on behalf of a server that is away.
REFUSALS = {
    "502",
    "502 answer_incomplete",
    "502 attempts_exhausted",
    "502 worker_lost",
    "503",
    "503 gateway_stopped",
    "503 queue_unavailable",
    "503 server_is_overloaded",
}
# Of those that nobody broke off and whose model works, this share is answered whole: much less
# trouble than this takes would be no excuse.
MOST_ARE_WHOLE = 0.8
ENDS = ["whole", "refused", "failed", "proxy", "cut", "left", "hung", "wrong"]


def unaccounted(outcome, kind, troubles):
    """Why this end is not a good one; `None` if it is."""
    began, ended = outcome.began, outcome.ended
    around = [one for one in troubles if one.touches(began - AFTERMATH_S, ended)]
    match outcome.end:
        case "hung" | "wrong":
            return outcome.end
        case "whole":
            return "its order was an error" if kind == "fault" else None
        case "left":
            return None if kind == "leaves" else "nobody told its caller to leave"
        case "cut" | "proxy":
            # A page has a gateway behind it, and the proxy names one of the two only.
            mine = [one for one in around if one.action == "kill" and one.touches(began, ended)]
            if outcome.request.form != "page" and outcome.served_by.startswith("gateway"):
                mine = [one for one in mine if one.name == outcome.served_by]
            no_server = outcome.why == "503" and around
            return None if mine or no_server or _overslept(outcome, around) else "nobody killed the process that served it"
        # A page says it in words.
        case "failed" if kind != "fault" and outcome.request.form != "page":
            if outcome.why not in BREAKS:
                return "this is no break that trouble explains"
        case "refused" if kind != "fault" and outcome.why not in REFUSALS:
            return "this is no refusal that trouble explains"
    if kind == "fault":
        return None
    return None if around else "nothing happened that explains it"


def _overslept(outcome, troubles):
    """Whether it was cut, without a word, by a process that awoke: what a connection may be idle
    was over by then, and the request on it still unread."""
    holds = [one for one in troubles if one.action == "hold" and one.began < outcome.ended]
    return not outcome.text and any(
        abs(one.ended - outcome.ended) < 1 and one.name.startswith(("gateway", "web"))
        for one in holds
    )


def too_few_whole(outcomes, kind_of):
    """Why the whole answers are not enough; `None` if they are."""
    owed = [one for one in outcomes if kind_of(one.request) not in ("fault", "leaves")]
    whole = sum(outcome.end == "whole" for outcome in owed)
    if owed and whole < MOST_ARE_WHOLE * len(owed):
        return f"only {whole} of {len(owed)} were answered whole"
    return None


def table(outcomes, kind_of):
    """How each kind of request ended."""
    by_kind = defaultdict(list)
    for outcome in outcomes:
        by_kind[kind_of(outcome.request)].append(outcome)
    lines = [f"{'':12}{'asked':>7}" + "".join(f"{end:>9}" for end in ENDS) + "   p50 s   p99 s"]
    for kind, some in [*sorted(by_kind.items()), ("all", outcomes)]:
        counted = Counter(outcome.end for outcome in some)
        ends = "".join(f"{counted[end]:>9}" for end in ENDS)
        took = sorted(outcome.took_s for outcome in some)
        times = f"{took[len(took) // 2]:>8.2f}{took[len(took) * 99 // 100]:>8.2f}"
        lines.append(f"{kind:12}{len(some):>7}{ends}{times}")
    return "\n".join(lines)


def reasons(outcomes):
    """Why those that were not whole were not."""
    # Of an exception its name: its words hold addresses.
    why = lambda outcome: outcome.why.partition("(")[0] or "-"
    counted = Counter((outcome.end, why(outcome)) for outcome in outcomes if outcome.end != "whole")
    lines = [f"  {end:8} {why:44}{number:>7}" for (end, why), number in sorted(counted.items())]
    return "\n".join(lines)


def slowest(outcomes, number=3):
    """Those that took longest."""
    longest = sorted(outcomes, key=lambda outcome: -outcome.took_s)[:number]
    return "\n".join(f"  {outcome}" for outcome in longest)


def happened(troubles):
    """How often what happened to whom."""
    counted = Counter((one.whom, one.action) for one in troubles)
    by_name = defaultdict(list)
    for (name, action), number in sorted(counted.items()):
        by_name[name].append(f"{number} {action}")
    return "\n".join(f"  {name:26} {', '.join(some)}" for name, some in by_name.items())
