"""`python -m observability.plot FOLDER`: the query of each panel over some days of a system that a real
Prometheus watches, each drawn into an image that somebody can look at.

Needs what is in requirements-plots.txt as well."""

import argparse
import asyncio
import math
import re
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from support.queries import panels
from support.watched import a_day

MOST_SERIES = 12
PER_SHEET = 12
# What Grafana calls its units, and what they are read in.
UNITS = {
    "s": "s", "ms": "ms", "bytes": "B", "decbytes": "B", "percentunit": "share", "reqps": "requests/s",
    "ops": "1/s", "short": "", "none": "", "currencyUSD": "USD",
}


async def seen(folder, days):
    """Each panel's queries, with what they were."""
    async with a_day(folder, days) as day:
        began = day.day.began
        found = {}
        for query in panels():
            series = await day.during(query.expression)
            name = re.sub(r" [A-Z]$", "", query.of)
            lines = [(legend(query, labels), shifted(points, began)) for labels, points in series]
            found.setdefault((name, query.unit, query.drawn_as), []).extend(lines)
        return found


def legend(query, labels):
    """As Grafana would write it."""
    if query.legend and query.legend != "__auto":
        return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda match: labels.get(match[1], ""), query.legend)
    return ", ".join(f"{name}={value}" for name, value in sorted(labels.items()) if name != "__name__")


def shifted(points, began):
    return [(at - began, value) for at, value in points if math.isfinite(value)]


def drawn(found, folder):
    """Sheets of panels; gives those that are empty."""
    empty, images = [], [*found.items()]
    for first in range(0, len(images), PER_SHEET):
        figure, places = plt.subplots(4, 3, figsize=(18, 18), layout="constrained")
        sheet = images[first : first + PER_SHEET]
        for place in places.flat[len(sheet) :]:
            place.remove()
        for place, ((name, unit, kind), series) in zip(places.flat, sheet):
            draws(place, name, unit, series, kind)
            if not any(points for _legend, points in series):
                empty.append(name)
        figure.savefig(folder / f"panels-{first // PER_SHEET + 1:02}.png", dpi=60)
        plt.close(figure)
    return empty


def draws(place, name, unit, series, kind):
    place.set_title(name, fontsize=10)
    place.set_ylabel(UNITS.get(unit, unit))
    if kind == "heatmap" and any(points for _bound, points in series):
        draws_heat(place, series)
        return
    shown = [one for one in series if one[1]][:MOST_SERIES]
    for label, points in shown:
        # A point that is alone is seen as well.
        marker = "." if len(points) < 4 else None
        place.plot(*zip(*points, strict=True), label=label[:48], linewidth=1, marker=marker)
    if shown:
        place.set_ylim(bottom=min(0, place.get_ylim()[0]))
        if any(label for label, _points in shown):
            place.legend(fontsize=6, loc="upper left")
    else:
        place.text(0.5, 0.5, "nothing", ha="center", transform=place.transAxes)


def draws_heat(place, series):
    """Buckets, each of which holds those below it: what is between two bounds is the difference."""
    rows = sorted((float(bound), dict(points)) for bound, points in series)
    times = sorted({at for _bound, points in rows for at in points})
    below, cells = dict.fromkeys(times, 0.0), []
    for _bound, points in rows:
        now = {at: points.get(at, 0.0) for at in times}
        cells.append([max(0.0, now[at] - below[at]) for at in times])
        below = now
    extent = (times[0], times[-1] + 1, -0.5, len(rows) - 0.5)
    place.imshow(cells, origin="lower", aspect="auto", extent=extent, interpolation="nearest")
    place.set_yticks(range(len(rows)), [f"{bound:g}" for bound, _points in rows], fontsize=6)


def main():
    parser = argparse.ArgumentParser(prog="python -m observability.plot")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--days", type=int, default=3, help="of half a minute each")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    run = folder / "run"
    run.mkdir(parents=True, exist_ok=True)
    found = asyncio.run(seen(run, arguments.days))
    empty = drawn(found, folder)
    print(f"{len(found)} panels in {folder}; without anything: {', '.join(empty) or 'none'}")


if __name__ == "__main__":
    main()
