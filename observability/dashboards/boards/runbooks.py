"""The runbooks as a board, so that a link to one works wherever Grafana does."""

from panels import RUNBOOKS, board, runbook_id, text


def panel(path):
    title, _, content = path.read_text().partition("\n")
    return text(runbook_id(path.stem), title.removeprefix("# "), content.strip())


PANELS = [panel(path) for path in sorted(RUNBOOKS.glob("*.md"))]

BOARD = board("runbooks", "runbooks", "What to do when an alert fires.", PANELS)
