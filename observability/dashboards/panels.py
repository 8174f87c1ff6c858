"""What a dashboard is made of: panels, rows, links, variables. JSON as Grafana 12 reads it."""

import json
import pathlib
import zlib
from urllib.parse import quote

PROMETHEUS = {"type": "prometheus", "uid": "prometheus"}
RUNBOOKS = pathlib.Path(__file__).resolve().parent.parent / "runbooks"
WIDTH = 24


def runbook(name):
    """A link to the runbook of an alert."""
    number = runbook_id(name)
    return {"title": f"Runbook: {name}", "url": f"/d/chappe-runbooks?viewPanel={number}"}


def runbook_id(name):
    """The same number for a runbook whatever others there are."""
    if not (RUNBOOKS / f"{name}.md").is_file():
        raise ValueError(f"there is no runbook {name}")
    return zlib.crc32(name.encode()) % 1_000_000 + 1000


def board_link(name, title):
    """A link to another board, at the same time and with the same choices."""
    return {
        "title": title,
        "url": f"/d/chappe-{name}?${{__url_time_range}}&${{__all_variables}}",
    }


def traces(title, query):
    """A link to the traces that match, of the time that is shown."""
    return _explored(title, "tempo", {"refId": "A", "queryType": "traceql", "query": query})


def logs(title, query):
    """A link to the log lines that match, of the time that is shown."""
    return _explored(title, "loki", {"refId": "A", "expr": query})


def _explored(title, source, query):
    asked = {**query, "datasource": {"type": source, "uid": source}}
    panes = {
        "a": {
            "datasource": source,
            "queries": [asked],
            "range": {"from": "${__from}", "to": "${__to}"},
        }
    }
    # Variables of the dashboard stay readable to it.
    text = quote(json.dumps(panes, separators=(",", ":")), safe="${}_:")
    return {"title": title, "url": f"/explore?schemaVersion=1&orgId=1&panes={text}"}


def _targets(queries, **more):
    return [
        {
            "refId": chr(ord("A") + number),
            "datasource": PROMETHEUS,
            "expr": expr,
            "legendFormat": legend,
            **more,
        }
        for number, (legend, expr) in enumerate(queries)
    ]


def _panel(kind, title, unit, description, queries, links, custom=None, **more):
    defaults = {"unit": unit, "custom": custom or {}}
    thresholds = more.pop("thresholds", None)
    if thresholds:
        steps = [{"color": color, "value": value} for color, value in thresholds]
        defaults["thresholds"] = {"mode": "absolute", "steps": steps}
    target = more.pop("target", {})
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": PROMETHEUS,
        "targets": _targets(queries, **target),
        "links": links,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "size": more.pop("size"),
        **more,
    }


def lines(title, unit, description, queries, links, stacked=False, size=(8, 8)):
    """Over time."""
    custom = {"fillOpacity": 10, "showPoints": "never"}
    if stacked:
        custom = {**custom, "fillOpacity": 30, "stacking": {"mode": "normal", "group": "A"}}
    options = {
        "legend": {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return _panel(
        "timeseries", title, unit, description, queries, links, custom, options=options, size=size
    )


def tile(title, unit, description, expr, links, thresholds=(("text", None),), size=(4, 4)):
    """One number, with its colour and its past."""
    options = {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "value",
        "graphMode": "area",
    }
    return _panel(
        "stat",
        title,
        unit,
        description,
        [("", expr)],
        links,
        thresholds=thresholds,
        options=options,
        size=size,
    )


def heat_map(title, unit, description, expr, links, size=(12, 8)):
    """How a histogram moves."""
    options = {
        "calculate": False,
        "yAxis": {"unit": unit},
        "color": {"mode": "scheme", "scheme": "Blues"},
        "cellGap": 1,
    }
    return _panel(
        "heatmap",
        title,
        unit,
        description,
        [("{{le}}", expr)],
        links,
        options=options,
        size=size,
        target={"format": "heatmap"},
    )


def table(title, unit, description, expr, links, size=(8, 8)):
    """What is true now, as rows."""
    return _panel(
        "table",
        title,
        unit,
        description,
        [("", expr)],
        links,
        options={"showHeader": True},
        size=size,
        target={"format": "table", "instant": True},
        transformations=[
            {"id": "organize", "options": {"excludeByName": {"Time": True, "__name__": True}}}
        ],
    )


def text(number, title, content):
    """Words."""
    return {
        "type": "text",
        "id": number,
        "title": title,
        "options": {"mode": "markdown", "content": content},
        "size": (WIDTH, 14),
    }


def row(title):
    return {"type": "row", "title": title, "collapsed": False, "panels": [], "size": (WIDTH, 1)}


def _laid_out(panels):
    """Each behind the one before, in lines as high as their highest."""
    x = y = height = 0
    for number, panel in enumerate(panels, start=1):
        w, h = panel.pop("size")
        if x + w > WIDTH:
            x, y, height = 0, y + height, 0
        panel["gridPos"] = {"x": x, "y": y, "w": w, "h": h}
        panel.setdefault("id", number)
        x, height = x + w, max(height, h)
    return panels


def _variable(name, label, query):
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": PROMETHEUS,
        "query": {"query": query, "refId": name},
        "definition": query,
        "includeAll": True,
        # An environment that Prometheus was told nothing of has no label at all.
        "allValue": ".*",
        "multi": True,
        "current": {"text": "All", "value": "$__all"},
        "refresh": 2,
        "sort": 1,
    }


VARIABLES = [
    _variable("env", "Environment", "label_values(app_build_info, deployment_environment_name)"),
    _variable("service", "Service", "label_values(app_build_info, job)"),
    _variable(
        "model", "Model", "label_values(gen_ai_server_request_duration_seconds_count, gen_ai_request_model)"
    ),
    _variable("version", "Version", "label_values(app_build_info, service_version)"),
]

# A version that was not there a minute ago.
ARRIVALS = {
    "name": "New versions",
    "datasource": PROMETHEUS,
    "enable": True,
    "iconColor": "purple",
    "expr": "count by (job, service_version) (app_build_info)"
    " unless count by (job, service_version) (app_build_info offset 1m)",
    "titleFormat": "{{job}} {{service_version}}",
    "step": "60s",
}


def board(name, title, description, panels):
    return {
        "uid": f"chappe-{name}",
        "title": f"Chappe: {title}",
        "description": description,
        "tags": ["chappe"],
        "schemaVersion": 41,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "timezone": "browser",
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": VARIABLES},
        "annotations": {"list": [ARRIVALS]},
        "links": [
            {
                "title": "Chappe",
                "type": "dashboards",
                "tags": ["chappe"],
                "asDropdown": True,
                "includeVars": True,
                "keepTime": True,
            }
        ],
        "panels": _laid_out(panels),
    }
