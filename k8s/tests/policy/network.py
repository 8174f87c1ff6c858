"""Who reaches whom."""

from call_graph import expected, of_settings
from policies import permitted
from policy import rule


@rule
def nothing_is_permitted_by_default(bundle):
    for policy in bundle.of("NetworkPolicy"):
        spec = policy["spec"]
        words = set(spec.get("policyTypes", []))
        silent = not spec.get("ingress") and not spec.get("egress")
        if spec["podSelector"] == {} and silent and words == {"Ingress", "Egress"}:
            return
    yield "there is no policy that denies everything"


@rule
def policies_permit_the_call_graph(bundle):
    """All of it, and nothing else."""
    edges, complaints = permitted(bundle)
    yield from complaints
    wanted = expected(bundle)
    for edge in sorted(wanted - edges):
        yield f"{edge} is not permitted"
    for edge in sorted(edges - wanted):
        yield f"{edge} is permitted, and nobody calls so"


@rule
def settings_have_the_call_graph(bundle):
    """The table says what addresses in settings say."""
    wanted, said = expected(bundle), of_settings(bundle)
    for edge in sorted(wanted - said):
        yield f"{edge} is in call_graph.py, and no setting leads there"
    for edge in sorted(said - wanted):
        yield f"{edge} follows from a setting, and is not in call_graph.py"


# An answer may be silent for that long: docs/OPERATIONS.md, GATEWAY_ANSWER_TIMEOUT_MS.
LONGEST_SILENCE = 600
NGINX = "nginx.ingress.kubernetes.io/"
HAPROXY = "haproxy.org/"


@rule
def the_entrance_is_patient(bundle):
    """TLS, no buffering, and time for answers. With the Gateway API: no time-out."""
    if not bundle.of("Ingress", "HTTPRoute"):
        yield "there is no entrance"
    environment = bundle.find("ConfigMap", "environment")["data"]
    hosts = {"gateway": environment["API_HOST"], "web": environment["CHAT_HOST"]}
    for ingress in bundle.of("Ingress"):
        name = ingress["metadata"]["name"]
        said = ingress["metadata"].get("annotations", {})
        for what in ("proxy-buffering", "proxy-request-buffering"):
            if said.get(NGINX + what) != "off":
                yield f"Ingress {name}: {what}"
        for what in (
            NGINX + "proxy-read-timeout",
            NGINX + "proxy-send-timeout",
            HAPROXY + "timeout-server",
        ):
            if int(said.get(what, "60").removesuffix("s")) <= LONGEST_SILENCE:
                yield f"Ingress {name}: {what} is {said.get(what)}"
        encrypted = [host for one in ingress["spec"].get("tls", []) for host in one["hosts"]]
        asked = [rule["host"] for rule in ingress["spec"]["rules"]]
        if encrypted != asked or asked != [hosts[name]]:
            yield f"Ingress {name}: {asked}, and TLS for {encrypted}"
    for route in bundle.of("HTTPRoute"):
        name = route["metadata"]["name"]
        if route["spec"].get("hostnames") != [hosts[name]]:
            yield f"HTTPRoute {name}: {route['spec'].get('hostnames')}"
        if any(one.get("sectionName") != "https" for one in route["spec"]["parentRefs"]):
            yield f"HTTPRoute {name}: without TLS"
        for one in route["spec"]["rules"]:
            if one.get("timeouts") != {"request": "0s", "backendRequest": "0s"}:
                yield f"HTTPRoute {name}: {one.get('timeouts')}"
