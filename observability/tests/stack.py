"""The files of this folder as the tests read them."""

import json
import os
import re
import subprocess
from pathlib import Path

import yaml

OBSERVABILITY = Path(__file__).resolve().parents[1]
REPOSITORY = OBSERVABILITY.parent
PROMTOOL = os.environ.get("PROMTOOL_BIN") or "promtool"

# Units as the Prometheus exporter of the services appends them.
SUFFIXES = {"s": "_seconds", "ms": "_milliseconds", "By": "_bytes"}


def read_yaml(path):
    return yaml.safe_load((OBSERVABILITY / path).read_text())


def boards():
    """Name of the file → dashboard."""
    files = sorted((OBSERVABILITY / "dashboards").glob("*.json"))
    return {file.stem: json.loads(file.read_text()) for file in files}


def queried():
    """The panels that ask for something: name of the board, panel."""
    return [
        (name, panel)
        for name, board in boards().items()
        for panel in board["panels"]
        if panel["type"] not in ("row", "text")
    ]


def rule_files():
    return sorted((OBSERVABILITY / "alerts").glob("*.yaml"))


def rules():
    return [
        rule
        for file in rule_files()
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
    ]


def alerts():
    return [rule for rule in rules() if "alert" in rule]


def expanded(expr):
    """A query as Grafana asks it where nothing is chosen."""
    for name, value in {"$__rate_interval": "5m", "$__range": "1h"}.items():
        expr = expr.replace(name, value)
    return re.sub(r'"\$\w+"', '".*"', expr)


def queries():
    """Every query there is: whose it is, and the query."""
    of_panels = [
        (f"{name}: {panel['title']}", expanded(target["expr"]))
        for name, panel in queried()
        for target in panel["targets"]
    ]
    of_rules = [(rule.get("alert") or rule["record"], rule["expr"]) for rule in rules()]
    return of_panels + of_rules


def promtool(*arguments, stdin=None):
    """Its exit code, and what it said."""
    done = subprocess.run(
        [PROMTOOL, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        cwd=OBSERVABILITY,
    )
    return done.returncode, done.stdout + done.stderr


def scraped(name, unit, kind):
    """The names of series under which Prometheus has a metric of a service."""
    base = name.replace(".", "_") + SUFFIXES.get(unit, "")
    if kind == "histogram":
        return {f"{base}_bucket", f"{base}_sum", f"{base}_count"}
    return {f"{base}_total" if kind == "counter" else base}


def fenced(text, language):
    """Blocks of a page."""
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
