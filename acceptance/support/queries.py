"""The queries of dashboards and rules, as Prometheus can be asked them."""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).parents[2]
# The window that Grafana would choose. Ours looks each second; a run takes less than a minute.
VARIABLES = {
    "__rate_interval": "15s",
    "__interval": "5s",
    "__interval_ms": "5000",
    "__range": "60s",
    "__range_s": "60",
    "__range_ms": "60000",
}
VARIABLE = r"\$\{(\w+)(?::\w+)?\}|\$(\w+)|\[\[(\w+)\]\]"
# Words that stand where a metric or a function could.
WORDS = {
    "and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right",
    "bool", "offset", "inf", "nan", "start", "end", "atan2",
}
# Behind these stand names of labels.
OF_LABELS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
TOKEN = re.compile(
    r"""\s+|\#[^\n]*|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`
    |(?P<name>[a-zA-Z_:][a-zA-Z0-9_:.]*)|(?P<number>[0-9][0-9a-zA-Z.]*)|(?P<sign>.)""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Query:
    """One of them. `of` says whose it is: a board and its panel, or a rule."""

    of: str
    expression: str
    unit: str = ""
    legend: str = ""
    # What draws it: a panel's type.
    drawn_as: str = ""


def folder():
    """What is tested: the repository's own, unless a copy is named."""
    return Path(os.environ.get("OBSERVABILITY_DIR") or REPOSITORY / "observability")


def panels():
    """Every query of every panel, ready to be asked."""
    found = []
    for file in sorted((folder() / "dashboards").glob("*.json")):
        board = json.loads(file.read_text())
        for panel in _panels(board["panels"]):
            for target in panel.get("targets", []):
                if not target.get("expr"):
                    continue
                of = f"{file.stem}: {panel['title']}"
                if len(panel["targets"]) > 1:
                    of += f" {target['refId']}"
                unit = panel.get("fieldConfig", {}).get("defaults", {}).get("unit", "")
                expression = expanded(target["expr"])
                legend = target.get("legendFormat", "")
                found.append(Query(of, expression, unit, legend, panel["type"]))
    return found


def _panels(panels):
    for panel in panels:
        yield panel
        # Those of a row that is folded up.
        yield from _panels(panel.get("panels", []))


def expanded(expression):
    """The expression with every variable as it is when nothing is chosen."""
    # A choice of everything: with whatever operator it is compared.
    whole = rf'(=~|=)\s*"(?:{VARIABLE})"'
    expression = re.sub(whole, '=~".*"', expression)

    def value(match):
        name = next(filter(None, match.groups()))
        return VARIABLES.get(name, ".*")

    return re.sub(VARIABLE, value, expression)


def rule_files():
    return sorted((folder() / "alerts").glob("*.yaml"))


def rules():
    """Every rule, as it stands in its file."""
    for file in rule_files():
        for group in yaml.safe_load(file.read_text())["groups"]:
            yield from group["rules"]


def rule_queries():
    """Of what is recorded the name; of an alert each metric that it looks at."""
    found = []
    for rule in rules():
        if "record" in rule:
            found.append(Query(f"rule: {rule['record']}", rule["record"]))
        else:
            for selector in selectors(rule["expr"]):
                found.append(Query(f"alert: {rule['alert']}", selector))
    return found


def selectors(expression):
    """The metrics that an expression looks at, each with its labels, in order and once."""
    tokens = [match for match in TOKEN.finditer(expression) if not _is_blank(match)]
    found, at = [], 0
    while at < len(tokens):
        token = tokens[at]
        behind = tokens[at + 1].group() if at + 1 < len(tokens) else ""
        name = token.group("name")
        if token.group() == "{":
            name, end = "", _closing(tokens, at, "}")
        elif token.group() == "[":
            # A window.
            at = _closing(tokens, at, "]") + 1
            continue
        elif name and name.lower() in OF_LABELS and behind == "(":
            at = _closing(tokens, at + 1, ")") + 1
            continue
        elif not name or name.lower() in WORDS or behind == "(" or _is_keyword(name, tokens, at):
            at += 1
            continue
        else:
            end = _closing(tokens, at + 1, "}") if behind == "{" else at
        selector = expression[token.start() : tokens[end].end()]
        if selector not in found:
            found.append(selector)
        at = end + 1
    return found


def _is_blank(match):
    return match.group().isspace() or match.group().startswith("#")


def _is_keyword(name, tokens, at):
    # `sum by (x) (…)`: an aggregation has its labels before its brackets.
    behind = tokens[at + 1].group().lower() if at + 1 < len(tokens) else ""
    return behind in ("by", "without")


def _closing(tokens, at, mark):
    while tokens[at].group() != mark:
        at += 1
    return at


def no_data():
    """What need not have any here: what it is of, with the reason."""
    file = folder() / "no-data.yaml"
    return yaml.safe_load(file.read_text()) or {} if file.exists() else {}
