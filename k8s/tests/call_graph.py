"""Who calls whom: the one table. What policies permit, and what settings say, is held against it."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

import yaml

from bundle import REPOSITORY

# Not pods of ours.
ENTRANCE = "entrance"
PROMETHEUS = "prometheus"
NAMES = "name service"
INTERNET = "internet"
EXTERNAL_NATS = "external NATS"
# Of traces and logs, in a namespace of their own.
STORES = "stores"


@dataclass(frozen=True, order=True)
class Edge:
    source: str
    target: str
    port: int
    protocol: str = "TCP"

    def __str__(self):
        protocol = "" if self.protocol == "TCP" else f"/{self.protocol}"
        return f"{self.source} → {self.target}:{self.port}{protocol}"


# source, target, port, why
CALLS = [
    (ENTRANCE, "gateway", 8790, "callers of the API"),
    (ENTRANCE, "web", 8780, "browsers"),
    ("web", "gateway", 8790, "WEB_GATEWAY_URL"),
    ("gateway", "nats", 4222, "NATS_URL"),
    ("llm-worker", "nats", 4222, "NATS_URL"),
    ("nats-init", "nats", 4222, "NATS_URL"),
    ("gateway", EXTERNAL_NATS, 4222, "NATS_URL"),
    ("llm-worker", EXTERNAL_NATS, 4222, "NATS_URL"),
    ("nats-init", EXTERNAL_NATS, 4222, "NATS_URL"),
    ("nats", "nats", 6222, "routes of a cluster"),
    ("llm-worker", INTERNET, 443, "upstreams of the catalogue"),
    ("llm-worker", "simulator", 8799, "upstreams of the catalogue"),
    ("llm-worker", "ollama", 11434, "upstreams of the catalogue"),
    ("ollama", INTERNET, 443, "it pulls its model"),
    ("gateway", INTERNET, 443, "callbacks, once it makes them: it then depends on `outbound`"),
    ("gateway", "collector", 4318, "OTEL_EXPORTER_OTLP_ENDPOINT"),
    ("llm-worker", "collector", 4318, "OTEL_EXPORTER_OTLP_ENDPOINT"),
    ("web", "collector", 4318, "OTEL_EXPORTER_OTLP_ENDPOINT"),
    ("nats-init", "collector", 4318, "OTEL_EXPORTER_OTLP_ENDPOINT"),
    ("simulator", "collector", 4318, "OTEL_EXPORTER_OTLP_ENDPOINT"),
    (PROMETHEUS, "gateway", 8791, "/metrics"),
    (PROMETHEUS, "llm-worker", 8792, "/metrics"),
    (PROMETHEUS, "web", 8793, "/metrics"),
    (PROMETHEUS, "collector", 8888, "its own figures"),
    ("collector", STORES, 4318, "TEMPO_OTLP"),
    ("collector", STORES, 3100, "LOKI_OTLP"),
]


def calls_back():
    """Whether gateways can call callbacks: only `outbound` calls what callers name."""
    manifest = (REPOSITORY / "gateway/Cargo.toml").read_text()
    return re.search(r"^outbound\b", manifest, re.MULTILINE) is not None


def expected(bundle):
    """The edges of the table whose ends are there."""
    there = {one.name for one in bundle.workloads}
    outside = set(filter(None, (_elsewhere(bundle, url) for url in _upstreams(bundle))))

    def is_there(source, target):
        if {source, target} - {ENTRANCE, PROMETHEUS, INTERNET, EXTERNAL_NATS, STORES} - there:
            return False
        if target == STORES:
            return _sends_to_stores(bundle)
        if target == EXTERNAL_NATS:
            return "nats" not in there
        if source == target == "nats":
            return bundle.workload("nats").spec.get("replicas", 1) > 1
        if target == INTERNET:
            return {"llm-worker": bool(outside), "gateway": calls_back()}.get(source, True)
        return True

    edges = {Edge(*call[:3]) for call in CALLS if is_there(*call[:2])}
    return edges | _asking_for_names(bundle)


def of_settings(bundle):
    """The edges that follow from addresses in the settings of containers, and of others."""
    edges = _asking_for_names(bundle)
    for workload, container in bundle.containers:
        variables = bundle.environment(container)
        for name in OF_STORES:
            if variables.get(name):
                edges.add(Edge(workload.name, STORES, urlsplit(variables[name]).port))
        for name in ("NATS_URL", "WEB_GATEWAY_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"):
            for address in filter(None, (variables.get(name) or "").split(",")):
                url = urlsplit(address)
                outside = EXTERNAL_NATS if name == "NATS_URL" else url.hostname
                edges.add(
                    Edge(workload.name, service_of(bundle, url.hostname) or outside, url.port)
                )
    for url in _upstreams(bundle):
        service = service_of(bundle, urlsplit(url).hostname)
        edges.add(
            Edge("llm-worker", service, urlsplit(url).port)
            if service
            else Edge("llm-worker", INTERNET, urlsplit(url).port or 443)
        )
    routes = bundle.nats_config if bundle.workload("nats") else ""
    for host, port in re.findall(r'"nats://([^":]+):(\d+)"', routes):
        edges.add(Edge("nats", service_of(bundle, host) or host, int(port)))
    for ingress in bundle.of("Ingress"):
        for path in (path for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]):
            service = path["backend"]["service"]
            edges.add(Edge(ENTRANCE, service["name"], service["port"]["number"]))
    for route in bundle.of("HTTPRoute"):
        for backend in (one for rule in route["spec"]["rules"] for one in rule["backendRefs"]):
            edges.add(Edge(ENTRANCE, backend["name"], backend["port"]))
    for workload in bundle.workloads:
        if workload.annotations.get("prometheus.io/scrape") == "true":
            port = int(workload.annotations["prometheus.io/port"])
            edges.add(Edge(PROMETHEUS, workload.name, port))
    if bundle.workload("ollama"):
        edges.add(Edge("ollama", INTERNET, 443))
    if calls_back():
        edges.add(Edge("gateway", INTERNET, 443))
    return edges


def of_compose(variable):
    """The services of compose.yaml that have a variable, without those that only make keys."""
    compose = yaml.safe_load((REPOSITORY / "compose.yaml").read_text())
    makers = {"web-key", "first-key", "tools"}
    having = {
        name
        for name, service in compose["services"].items()
        if variable in (service.get("environment") or {})
    }
    return having - makers


def service_of(bundle, host):
    """The workload behind a name such as `gateway` or `nats-0.nats`, or None."""
    name = host.rsplit(".", maxsplit=1)[-1]
    service = bundle.find("Service", name)
    if service is None or (name != host and service["spec"].get("clusterIP") != "None"):
        return None
    return next(iter(bundle.selected(service["spec"]["selector"])), None)


OF_STORES = ("TEMPO_OTLP", "LOKI_OTLP")


def _sends_to_stores(bundle):
    """Whether the collector has somewhere to send things."""
    return any(
        bundle.environment(container).get(name)
        for workload, container in bundle.containers
        if workload.name == "collector"
        for name in OF_STORES
    )


def _asking_for_names(bundle):
    """Everybody does; by TCP where an answer is too long for UDP."""
    return {
        Edge(one.name, NAMES, 53, protocol)
        for one in bundle.workloads
        for protocol in ("UDP", "TCP")
    }


def _upstreams(bundle):
    return [one["base_url"] for model in bundle.catalogue for one in model["upstreams"]]


def _elsewhere(bundle, url):
    return None if service_of(bundle, urlsplit(url).hostname) else url
