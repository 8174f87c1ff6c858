"""Who reaches whom: ways to break the rules of policy/network.py."""

from sabotage.breaking import at, edit, environment, without

PATIENT = "the_entrance_is_patient"
GRAPH = "policies_permit_the_call_graph"


def rules_between(bundle, source, target):
    """Those of both ends, of which each permits what the other does."""
    return [
        rule
        for name, word, peers, other in (
            (source, "egress", "to", target),
            (target, "ingress", "from", source),
        )
        for rule in bundle.find("NetworkPolicy", name)["spec"][word]
        if f"'app.kubernetes.io/name': '{other}'" in str(rule[peers])
    ]


def over_udp(source, target):
    def how(bundle):
        for rule in rules_between(bundle, source, target):
            for port in rule["ports"]:
                port["protocol"] = "UDP"

    return how


WAYS = [
    (
        "nothing_is_permitted_by_default",
        "no denial",
        lambda bundle: without(bundle, "NetworkPolicy", "default-deny"),
    ),
    (
        "nothing_is_permitted_by_default",
        "of one way only",
        at("NetworkPolicy", "default-deny", "spec", "policyTypes", value=["Ingress"]),
    ),
    (GRAPH, "nobody reaches NATS", lambda bundle: without(bundle, "NetworkPolicy", "nats")),
    (
        GRAPH,
        "web reaches NATS",
        lambda bundle: (
            bundle.find("NetworkPolicy", "web")["spec"]["egress"].append(
                bundle.find("NetworkPolicy", "gateway")["spec"]["egress"][0]
            ),
            bundle.find("NetworkPolicy", "nats")["spec"]["ingress"][0]["from"].append(
                {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "web"}}}
            ),
        ),
    ),
    (
        GRAPH,
        "at one end only",
        lambda bundle: bundle.find("NetworkPolicy", "gateway")["spec"]["egress"].pop(0),
    ),
    (GRAPH, "anybody may come", at("NetworkPolicy", "gateway", "spec", "ingress", 0, "from")),
    (
        GRAPH,
        "any pod may come",
        at("NetworkPolicy", "gateway", "spec", "ingress", 1, "from", 0, "podSelector", value={}),
    ),
    (
        GRAPH,
        "any pod besides",
        lambda bundle: bundle.find("NetworkPolicy", "gateway")["spec"]["ingress"][1]["from"].append(
            {"podSelector": {}}
        ),
    ),
    (
        GRAPH,
        "an expression",
        lambda bundle: bundle.find("NetworkPolicy", "gateway")["spec"]["ingress"][1]["from"].append(
            {"podSelector": {"matchExpressions": [{"key": "any", "operator": "DoesNotExist"}]}}
        ),
    ),
    (
        GRAPH,
        "everything besides",
        lambda bundle: bundle.find("NetworkPolicy", "web")["spec"]["egress"].append({}),
    ),
    (
        GRAPH,
        "a machine besides",
        lambda bundle: bundle.find("NetworkPolicy", "web")["spec"]["egress"].append(
            {"to": [{"ipBlock": {"cidr": "10.0.0.7/32"}}], "ports": [{"port": 443}]}
        ),
    ),
    (
        GRAPH,
        "any namespace may come",
        at(
            "NetworkPolicy",
            "gateway",
            "spec",
            "ingress",
            0,
            "from",
            0,
            "namespaceSelector",
            value={},
        ),
    ),
    (GRAPH, "any port", at("NetworkPolicy", "web", "spec", "ingress", 0, "ports")),
    (
        GRAPH,
        "upstreams within the cluster",
        at(
            "NetworkPolicy",
            "llm-worker-to-upstreams",
            "spec",
            "egress",
            0,
            "to",
            0,
            "ipBlock",
            "except",
        ),
    ),
    (
        GRAPH,
        "upstreams within the cluster, by IPv6",
        at(
            "NetworkPolicy",
            "llm-worker-to-upstreams",
            "spec",
            "egress",
            0,
            "to",
            1,
            "ipBlock",
            "except",
        ),
    ),
    (
        GRAPH,
        "rules of a type that the policy is not of",
        at("NetworkPolicy", "llm-worker", "spec", "policyTypes", value=["Ingress"]),
    ),
    (
        GRAPH,
        "of no type",
        at("NetworkPolicy", "llm-worker-to-upstreams", "spec", "policyTypes"),
    ),
    (GRAPH, "NATS over UDP", over_udp("gateway", "nats")),
    (
        GRAPH,
        "NATS over UDP besides",
        lambda bundle: [
            rule["ports"].append({"port": 4222, "protocol": "UDP"})
            for rule in rules_between(bundle, "gateway", "nats")
        ],
    ),
    (
        GRAPH,
        "names over UDP only",
        lambda bundle: bundle.find("NetworkPolicy", "allow-dns")["spec"]["egress"][0].update(
            ports=[{"port": 53, "protocol": "UDP"}]
        ),
    ),
    (
        GRAPH,
        "no upstreams",
        lambda bundle: without(bundle, "NetworkPolicy", "llm-worker-to-upstreams"),
    ),
    (GRAPH, "no names", lambda bundle: without(bundle, "NetworkPolicy", "allow-dns")),
    (
        GRAPH,
        "a policy for nobody",
        at(
            "NetworkPolicy",
            "web",
            "spec",
            "podSelector",
            "matchLabels",
            value={"app.kubernetes.io/name": "chat"},
        ),
    ),
    (
        GRAPH,
        "dev: no simulator",
        lambda bundle: without(bundle, "NetworkPolicy", "llm-worker-to-simulator"),
    ),
    (
        "settings_have_the_call_graph",
        "web asks elsewhere",
        environment("web", "WEB_GATEWAY_URL", "http://gateway:8791"),
    ),
    (
        "settings_have_the_call_graph",
        "an upstream in the cluster",
        lambda bundle: edit(
            bundle, "models", "models.toml", "https://models.example/v1", "http://gateway:8790/v1"
        ),
    ),
    (
        "settings_have_the_call_graph",
        "an upstream of another port",
        lambda bundle: edit(
            bundle,
            "models",
            "models.toml",
            "https://models.example/v1",
            "https://models.example:8443/v1",
        ),
    ),
    (
        PATIENT,
        "buffering",
        at(
            "Ingress",
            "gateway",
            "metadata",
            "annotations",
            "nginx.ingress.kubernetes.io/proxy-buffering",
        ),
    ),
    (
        PATIENT,
        "a minute",
        at(
            "Ingress",
            "web",
            "metadata",
            "annotations",
            "nginx.ingress.kubernetes.io/proxy-read-timeout",
            value="60",
        ),
    ),
    (
        PATIENT,
        "HAProxy's minute",
        at("Ingress", "web", "metadata", "annotations", "haproxy.org/timeout-server"),
    ),
    (PATIENT, "no TLS", at("Ingress", "gateway", "spec", "tls")),
    (
        PATIENT,
        "TLS for another",
        at("Ingress", "gateway", "spec", "tls", 0, "hosts", value=["api.elsewhere.example"]),
    ),
    (
        PATIENT,
        "none",
        lambda bundle: (without(bundle, "Ingress", "gateway"), without(bundle, "Ingress", "web")),
    ),
]
