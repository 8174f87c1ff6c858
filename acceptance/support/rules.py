"""Rules of Prometheus as they are here, where time is short."""

import re

import yaml

UNITS_S = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "y": 31_536_000}
DURATION = r"(?:[0-9]+(?:ms|[smhdwy]))+"
# A window with or without a step, and an offset.
IN_EXPRESSION = re.compile(rf"\[\s*({DURATION})\s*(?::\s*({DURATION})?\s*)?\]|\boffset\s+({DURATION})")
# A window of a second has a single look in it, and no rate.
SHORTEST_S = 4


def copied(files, folder, factor=1):
    """Copies of these files in which every time is `factor` times shorter, and rules are evaluated
    each time that Prometheus looks."""
    copies = []
    for file in files:
        rules = yaml.safe_load(file.read_text())
        for group in rules["groups"]:
            group.pop("interval", None)
            for rule in group["rules"]:
                rule["expr"] = shorter(str(rule["expr"]), factor)
                for waits in ("for", "keep_firing_for"):
                    if waits in rule:
                        rule[waits] = _divided(str(rule[waits]), factor, least_s=0)
        copy = folder / f"rules-{file.name}"
        copy.write_text(yaml.safe_dump(rules, width=1_000))
        copies.append(copy)
    return copies


def shorter(expression, factor):
    """The expression with its windows and offsets `factor` times shorter."""
    if factor == 1:
        return expression

    def divided(match):
        window, step, offset = match.groups()
        if offset:
            return f"offset {_divided(offset, factor, least_s=0)}"
        least = SHORTEST_S
        if step or ":" in match.group():
            step = ":" + (_divided(step, factor, least_s=1) if step else "")
        return f"[{_divided(window, factor, least)}{step or ''}]"

    return IN_EXPRESSION.sub(divided, expression)


def _divided(duration, factor, least_s):
    if factor == 1:
        return duration
    parts = re.findall(r"([0-9]+)(ms|[smhdwy])", duration)
    seconds = sum(int(number) * UNITS_S[unit] for number, unit in parts)
    # In whole milliseconds, as Prometheus has them.
    return f"{max(round(seconds / factor * 1_000), round(least_s * 1_000))}ms"
