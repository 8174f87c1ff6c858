#!/usr/bin/env python3
"""Writes the dashboards: `build.py` makes the JSON files beside it, `build.py --check` compares.

The boards are in `boards/`, one module each; what a panel is made of is in `panels.py`, queries in
`promql.py`. Grafana gets what is written and changes nothing.
"""

import importlib
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

BOARDS = ("overview", "queue_and_workers", "models_and_tokens", "nats", "delivery", "runbooks")


def built():
    """File name → text."""
    files = {}
    for name in BOARDS:
        board = importlib.import_module(f"boards.{name}").BOARD
        files[f"{name.replace('_', '-')}.json"] = (
            json.dumps(board, indent=2, ensure_ascii=False) + "\n"
        )
    return files


def differing():
    """Files that are not what is built, and those that nobody builds."""
    wanted = built()
    there = {path.name: path.read_text() for path in HERE.glob("*.json")}
    return sorted(
        name for name in wanted | there if wanted.get(name) != there.get(name)
    )


def main():
    if sys.argv[1:] == ["--check"]:
        names = differing()
        if names:
            sys.exit(f"not as built: {', '.join(names)}; run {HERE.name}/build.py")
        return
    if sys.argv[1:]:
        sys.exit(__doc__)
    for name, text in built().items():
        (HERE / name).write_text(text)


if __name__ == "__main__":
    main()
