"""The edges that NetworkPolicies permit."""

from call_graph import ENTRANCE, EXTERNAL_NATS, INTERNET, NAMES, PROMETHEUS, STORES, Edge

NAMESPACES = {
    "chappe-entrance": ENTRANCE,
    "chappe-metrics": PROMETHEUS,
    "chappe-stores": STORES,
}
# Everywhere, and where cluster and machines are: to call out is not to call these.
PRIVATE = {
    "0.0.0.0/0": {
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
    },
    "::/0": {"::1/128", "fc00::/7", "fe80::/10"},
}


def permitted(bundle):
    """Edges that both their ends permit, and complaints about all else that policies say."""
    incoming, outgoing, complaints = set(), set(), []
    for policy in bundle.of("NetworkPolicy"):
        name = policy["metadata"]["name"]
        chosen = bundle.selected(policy["spec"]["podSelector"].get("matchLabels", {}))
        if not chosen:
            complaints.append(f"NetworkPolicy {name} selects no pod")
        types = policy["spec"].get("policyTypes", [])
        for word, edges in (("ingress", incoming), ("egress", outgoing)):
            rules = policy["spec"].get(word) or []
            if rules and word.capitalize() not in types:
                complaints.append(f"NetworkPolicy {name} has rules for {word}, and is of {types}")
                continue
            for rule in rules:
                peers = rule.get("from" if word == "ingress" else "to") or [None]
                ports = rule.get("ports") or [None]
                for peer in peers:
                    others, problem = _ends(bundle, peer)
                    if problem:
                        complaints.append(f"NetworkPolicy {name}: {problem}")
                    for port in ports:
                        if port is None or "endPort" in port:
                            complaints.append(f"NetworkPolicy {name} has a rule for many ports")
                            continue
                        of = (port["port"], port.get("protocol", "TCP"))
                        if word == "ingress":
                            edges |= {Edge(a, b, *of) for a in others for b in chosen}
                        else:
                            edges |= {Edge(a, b, *of) for a in chosen for b in others}
    outside = {ENTRANCE, PROMETHEUS, NAMES, INTERNET, EXTERNAL_NATS, STORES}
    both = {edge for edge in incoming & outgoing}
    both |= {edge for edge in incoming if edge.source in outside}
    both |= {edge for edge in outgoing if edge.target in outside}
    for edge in sorted(incoming ^ outgoing):
        if edge not in both:
            complaints.append(f"{edge} is permitted at one of its ends only")
    return both, complaints


def _ends(bundle, peer):
    """Who is meant, and what is wrong with it."""
    if peer is None or peer == {}:
        return set(), "a rule for anybody"
    if "ipBlock" in peer:
        block = peer["ipBlock"]
        if block["cidr"] not in PRIVATE:
            return {EXTERNAL_NATS}, None
        reached = PRIVATE[block["cidr"]] - set(block.get("except", []))
        return {INTERNET}, f"private networks are reached: {sorted(reached)}" if reached else None
    if "matchExpressions" in str(peer):
        return set(), "an expression, which nobody here reads"
    pods = peer.get("podSelector", {}).get("matchLabels", {})
    if "namespaceSelector" not in peer:
        # Without labels: every pod.
        return bundle.selected(pods), None
    labels = peer["namespaceSelector"].get("matchLabels", {})
    if labels.get("kubernetes.io/metadata.name") == "kube-system" and pods == {
        "k8s-app": "kube-dns"
    }:
        return {NAMES}, None
    known = {name for label, name in NAMESPACES.items() if labels == {label: "allowed"}}
    return known, None if known else f"an unknown namespace: {labels}"
