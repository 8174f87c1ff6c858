"""What a trace has to be: one tree, with the spans that its request owes."""

from collections import defaultdict

# As OTLP numbers the kinds of a span.
KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}


def by_trace(spans):
    traces = defaultdict(list)
    for span in spans:
        traces[span.trace].append(span)
    return traces


def broken(spans, owed):
    """Why these spans are not one connected tree that has what is owed; `None` if they are.

    `owed` is of pairs: a service and a kind of span.
    """
    if not spans:
        return "no span of it came"
    ids = {span.id for span in spans}
    if len(ids) != len(spans):
        return "a span came twice"
    roots = [span for span in spans if not span.parent]
    if len(roots) != 1:
        return f"{len(roots)} roots: {_names(roots)}"
    orphans = [span for span in spans if span.parent and span.parent not in ids]
    if orphans:
        return f"their parents are missing: {_names(orphans)}"
    there = {(span.service, KINDS.get(span.kind)) for span in spans}
    missing = sorted(set(owed) - there)
    if missing:
        return f"{missing} missing; there are {_names(spans)}"
    return _circle(spans)


def _circle(spans):
    parents = {span.id: span.parent for span in spans}
    for span in spans:
        seen, at = set(), span.id
        while at:
            if at in seen:
                return f"its own ancestor: {span.name}"
            seen.add(at)
            at = parents[at]
    return None


def _names(spans):
    return ", ".join(sorted(f"{span.service} {span.name}" for span in spans)) or "none"
