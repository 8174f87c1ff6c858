"""observability/signals.yaml, and what of that which services say it does not have."""

import re
from collections import defaultdict

import yaml

from support.queries import folder
from support.traces import KINDS

OF_HISTOGRAMS = ("_bucket", "_sum", "_count")
# What Prometheus and the exporter add on their own.
ADDED_LABELS = {"le", "job", "instance", "__name__", "otel_scope_name", "otel_scope_version"}
ADDED_METRICS = re.compile(r"target_info|otel_scope_info|up|ALERTS.*|scrape_.*|.*:.*")
# Of an overflow of the SDK's own limit: an alert looks for it, and no day may have it.
OVERFLOW = "otel_metric_overflow"
# Of a line of a log beside its fields.
OF_LINES = {"timestamp", "level", "service", "target", "message", "trace_id", "span_id"}
TYPES = {"string": str, "int": int, "double": float, "boolean": bool}


class Registry:
    """What may be said, by whom, with which attributes."""

    def __init__(self, said):
        self.metrics = {one["name"]: one for one in said["metrics"]}
        self.labels = said["labels"]
        self._attributes = {name: one["type"] for name, one in said["attributes"].items()}
        self._fields = {name: one["type"] for name, one in said["log_fields"].items()}
        self._spans = [Shape(one, self._attributes) for one in said["spans"]]
        self._scraped = {}
        for name, metric in self.metrics.items():
            self._scraped |= dict.fromkeys(scraped(metric), name)

    @classmethod
    def read(cls):
        return cls(yaml.safe_load((folder() / "signals.yaml").read_text()))

    def wrong_spans(self, spans):
        """What is not registered of these spans: each kind of mistake once, with how often."""
        found = defaultdict(int)
        for span in spans:
            shapes = [shape for shape in self._spans if shape.is_of(span)]
            if not shapes:
                found[f"{span.service} {KINDS.get(span.kind)} `{span.name}`: no such span"] += 1
                continue
            mistakes = min((shape.mistakes(span) for shape in shapes), key=len)
            for mistake in mistakes:
                found[f"{span.service} `{shapes[0].name}`: {mistake}"] += 1
        return _with_times(found)

    def spans_never_seen(self, spans):
        """Registered spans of the services that are there, of which none is one."""
        services = {span.service for span in spans}
        unseen = [shape for shape in self._spans if shape.service in services]
        for span in spans:
            unseen = [shape for shape in unseen if not shape.is_of(span)]
        return [f"{shape.service} `{shape.name}`" for shape in unseen]

    def wrong_series(self, series):
        """What is not registered of what was scraped: sets of labels, `__name__` among them."""
        found = set()
        for labels in series:
            name = labels["__name__"]
            if ADDED_METRICS.fullmatch(name):
                continue
            metric = self.metrics.get(self._scraped.get(name))
            if metric is None:
                found.add(f"{name}: no such metric")
                continue
            if labels["job"] not in metric["services"]:
                found.add(f"{name}: {labels['job']} is not said to report it")
            known = ADDED_LABELS | {spelt(label) for label in metric["labels"]}
            found |= {f"{name}: no such label as {label}" for label in set(labels) - known}
        return sorted(found)

    def wrong_exports(self, metrics):
        """The same of what `Collector.metrics` has."""
        found = set()
        for name, seen in metrics.items():
            metric = self.metrics.get(name)
            if metric is None:
                found.add(f"{name}: no such metric")
                continue
            if seen["unit"] != metric["unit"]:
                found.add(f"{name}: its unit is {seen['unit']!r}")
            strange = seen["services"] - set(metric["services"])
            found |= {f"{name}: {service} is not said to report it" for service in strange}
            strange = set(seen["labels"]) - set(metric["labels"])
            found |= {f"{name}: no such label as {label}" for label in strange}
        return sorted(found)

    def wrong_lines(self, lines):
        """What is not registered of lines of logs: for each what stands in it."""
        found = defaultdict(int)
        for line in lines:
            for name, value in line.items():
                if name in OF_LINES:
                    continue
                if name not in self._fields:
                    found[f"{line.get('target')}: no such field as {name}"] += 1
                elif not has_type(value, self._fields[name]):
                    wanted = self._fields[name]
                    found[f"{line.get('target')}: {name} is {named(value)}, and no {wanted}"] += 1
        return _with_times(found)

    def never_seen(self, names):
        """Registered metrics of which none of these scraped names is one."""
        seen = {self._scraped.get(name) for name in names}
        return sorted(set(self.metrics) - seen)

    def too_many(self, series):
        """Labels with more values than they may have, over all metrics of a service."""
        bounds = {spelt(label): bound for label, bound in self.labels.items()}
        values = defaultdict(set)
        for labels in series:
            for label in labels.keys() & bounds.keys():
                values[labels.get("job"), label].add(labels[label])
        return [
            f"{label} has {len(some)} values in {job}, and may have {bounds[label]}"
            for (job, label), some in values.items()
            if len(some) > bounds[label]
        ]


class Shape:
    """A span as it is registered."""

    def __init__(self, said, types):
        self.name, self.service = said["name"], said["service"]
        self._kind = said["kind"]
        self._always, self._may = set(said["always"]), {*said["always"], *said["sometimes"]}
        self._types = types

    def is_of(self, span):
        kind = KINDS.get(span.kind)
        return (span.service, kind) == (self.service, self._kind) and span.name == self._named(span)

    def _named(self, span):
        """What it is called with these attributes: in braces stand their names."""

        def value(match):
            said = str(span.attributes.get(match[1], ""))
            # A method outside the standard.
            return "HTTP" if said == "_OTHER" else said

        return re.sub(r"\{([^}]*)\}", value, self.name).strip()

    def mistakes(self, span):
        found = [f"no such attribute as {name}" for name in span.attributes.keys() - self._may]
        found += [f"without {name}" for name in self._always - span.attributes.keys()]
        for name, value in span.attributes.items():
            if name in self._may and not has_type(value, self._types[name]):
                found.append(f"{name} is {named(value)}, and no {self._types[name]}")
        return sorted(found)


def has_type(value, wanted):
    """Whether a value is what its name promises: a whole number is no fraction, and no text."""
    return type(value) is TYPES[wanted]


def named(value):
    """What type it has instead."""
    kinds = [name for name, kind in TYPES.items() if type(value) is kind]
    return kinds[0] if kinds else repr(value)


def scraped(metric):
    """The names of a metric as a scrape spells them."""
    if metric["kind"] == "histogram":
        return [metric["scraped"] + of for of in OF_HISTOGRAMS]
    return [metric["scraped"]]


def spelt(name):
    return re.sub(r"\W", "_", name)


def _with_times(found):
    return [f"{what} ({times} times)" for what, times in sorted(found.items())]
