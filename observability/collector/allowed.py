#!/usr/bin/env python3
"""Writes which attributes the collector lets through: `allowed.py`, and `allowed.py --check` compares.

They are those of the registry (signals.yaml), and what the SDK, the pipeline and Kubernetes add. Needs
PyYAML.
"""

import pathlib
import re
import sys

import yaml

OBSERVABILITY = pathlib.Path(__file__).resolve().parent.parent
FILES = (
    OBSERVABILITY / "collector/collector.yaml",
    # kustomize reads nothing outside of its own folder.
    OBSERVABILITY.parent / "k8s/components/observability/collector.yaml",
)
# Who adds them: the SDK and the appender of logs; `ci/delivery-metrics`; the manifests.
OF_OTHERS = """
telemetry.sdk.language telemetry.sdk.name telemetry.sdk.version service.namespace
code.filepath code.lineno code.namespace
cicd.pipeline.name cicd.pipeline.action.name cicd.pipeline.run.id cicd.pipeline.result
deployment.id deployment.name deployment.status vcs.ref.head.revision
app.delivery.outcome app.delivery.cause app.delivery.commits app.delivery.rollback_of
k8s.namespace.name k8s.pod.name k8s.pod.uid k8s.node.name k8s.container.name
""".split()
LIST = re.compile(r"( *)# allowed: begin\n.*?# allowed: end\n", re.DOTALL)


def allowed():
    registry = yaml.safe_load((OBSERVABILITY / "signals.yaml").read_text())
    found = {*registry["resource"], *registry["attributes"], *registry["log_fields"], *OF_OTHERS}
    return sorted(found)


def written():
    text = FILES[0].read_text()
    margin = LIST.search(text)[1]
    lines = ["# allowed: begin", "allowed_keys:", *(f"  - {name}" for name in allowed())]
    body = "".join(f"{margin}{line}\n" for line in [*lines, "# allowed: end"])
    return LIST.sub(lambda _found: body, text)


def main():
    text = written()
    if sys.argv[1:] == ["--check"]:
        other = [str(file) for file in FILES if file.read_text() != text]
        if other:
            sys.exit(f"not as built: {', '.join(other)}; run observability/collector/allowed.py")
        return
    if sys.argv[1:]:
        sys.exit(__doc__)
    for file in FILES:
        file.write_text(text)


if __name__ == "__main__":
    main()
