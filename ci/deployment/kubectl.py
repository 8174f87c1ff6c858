"""kubectl: what renders manifests, and one namespace of the cluster that a context names."""

import contextlib
import json
import os

from delivery import programs
from delivery.ends import Refused, Unusable

# Who has written a field of an object, as the cluster remembers it.
MANAGER = "chappe-deploy"
# Longest wait for one answer of the cluster.
ANSWER_S = 20
# Begins what the cluster says, and not kubectl.
FROM_SERVER = "Error from server"


def offline(*arguments):
    """kubectl where it needs no cluster, and hears of none."""
    return programs.output(_program(), *arguments, variables={"KUBECONFIG": os.devnull})


def _program():
    named = os.environ.get("KUBECTL_BIN")
    if named and not os.path.isfile(named):
        raise Unusable(f"KUBECTL_BIN names `{named}`, which is no file")
    return named or "kubectl"


class Cluster:
    """A cluster, and in it the namespace of an environment."""

    def __init__(self, context, server, namespace=None):
        self.context = context
        self.server = server
        self.namespace = namespace

    @classmethod
    def named(cls):
        """The one of `CHAPPE_KUBE_CONTEXT`, or of the only context there is; none is guessed."""
        known = json.loads(programs.output(_program(), "config", "view", "--output=json"))
        contexts = [one["name"] for one in known.get("contexts") or []]
        wanted = os.environ.get("CHAPPE_KUBE_CONTEXT")
        if wanted and wanted not in contexts:
            raise Unusable(
                f"CHAPPE_KUBE_CONTEXT is `{wanted}`; kubectl knows {', '.join(contexts) or 'none'}"
            )
        if not wanted and len(contexts) != 1:
            raise Unusable(
                "CHAPPE_KUBE_CONTEXT is not set: it says which cluster is meant, one of "
                f"{', '.join(contexts) or 'none: KUBECONFIG names no context either'}"
            )
        context = wanted or contexts[0]
        view = programs.output(
            _program(), "config", "view", "--minify", f"--context={context}", "--output=json"
        )
        return cls(context, json.loads(view)["clusters"][0]["cluster"]["server"])

    def within(self, namespace):
        """The same cluster, and there this namespace."""
        return Cluster(self.context, self.server, namespace)

    def __str__(self):
        return f"namespace {self.namespace} of {self.server} (context {self.context})"

    def run(self, *arguments, objects=None, waits=False):
        """What kubectl says. What the cluster does not permit is refused.

        A call that waits has a time limit of its own.
        """
        given = [f"--context={self.context}"]
        if self.namespace:
            given.append(f"--namespace={self.namespace}")
        if not waits:
            given.append(f"--request-timeout={ANSWER_S}s")
        # One document after the other: kubectl has the cluster check the fields, but not of a list.
        documents = "".join(f"---\n{json.dumps(one)}\n" for one in objects or []).encode()
        try:
            return programs.output(_program(), *given, *arguments, stdin=documents)
        except programs.Failed as error:
            if error.reason.startswith(FROM_SERVER):
                raise Refused(f"the cluster says: {error.reason}") from error
            raise

    def get(self, *arguments):
        """Objects."""
        said = self.run("get", *arguments, "--output=json")
        return json.loads(said)["items"]

    def apply(self, objects, try_out=False):
        """Brings objects to what is said here of them; what others say of them stays."""
        # Names alone: a namespace has none, so what is of the namespace says so itself.
        self.run(
            "apply", "--server-side", f"--field-manager={MANAGER}", "--force-conflicts",
            *(["--dry-run=server"] if try_out else []), "--filename=-", objects=objects,
        )

    def delete(self, kind, name):
        """Deletes, and waits until it is gone."""
        self.run(
            "delete", kind, name, "--ignore-not-found", "--wait", "--timeout=120s", waits=True
        )

    def log(self, pod, lines=15):
        """The newest lines of a pod, as far as there are any."""
        with contextlib.suppress(programs.Failed, Refused):
            return self.run("logs", pod, "--all-containers", f"--tail={lines}").strip()
        return ""
