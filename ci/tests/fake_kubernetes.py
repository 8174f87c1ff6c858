"""A cluster's API on loopback, as far as kubectl asks for it, and pods that do as a test says.

It keeps objects, answers discovery, list, watch, get, delete and server-side apply, and plays what
controllers do: how the pods of a workload fare hangs on its image, so a test that takes back a bad
one sees it get well. It knows no schema.
"""

import copy
import http.server
import itertools
import json
import threading
import time
import urllib.parse
from dataclasses import dataclass, field

# Group and version → kinds: kind, plural, whether it is in a namespace.
KINDS = {
    "v1": [
        ("Namespace", "namespaces", False), ("ConfigMap", "configmaps", True),
        ("Service", "services", True), ("ServiceAccount", "serviceaccounts", True),
        ("Pod", "pods", True),
    ],
    "apps/v1": [("Deployment", "deployments", True), ("StatefulSet", "statefulsets", True)],
    "batch/v1": [("Job", "jobs", True)],
    "autoscaling/v2": [("HorizontalPodAutoscaler", "horizontalpodautoscalers", True)],
    "policy/v1": [("PodDisruptionBudget", "poddisruptionbudgets", True)],
    "networking.k8s.io/v1": [
        ("NetworkPolicy", "networkpolicies", True), ("Ingress", "ingresses", True),
    ],
    "keda.sh/v1alpha1": [("ScaledObject", "scaledobjects", True)],
}
BY_PLURAL = {plural: kind for kinds in KINDS.values() for kind, plural, _ in kinds}
PODS_OF = ("Deployment", "StatefulSet")
VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]


@dataclass
class Cluster:
    """What is in it, and how pods fare."""

    objects: dict = field(default_factory=dict)
    # Requests that changed something: verb, kind, name.
    changes: list = field(default_factory=list)
    # A verb and a kind that nobody may; `dry` is the verb of an apply that is only tried.
    forbidden: set = field(default_factory=set)
    # Part of an image → how its pods fare: "stuck", "deadline", "failed" or "restarts".
    fates: dict = field(default_factory=dict)
    # Pods whose container ends, and is started again, when somebody has seen them run.
    about_to_end: set = field(default_factory=set)
    log: str = "the last line of a log\n"

    def __post_init__(self):
        self.changed = threading.Condition()
        self.numbers = itertools.count(1)

    def named(self, kind, name):
        """An object, whatever its namespace."""
        found = (one for (is_kind, _, is_name), one in self.objects.items()
                 if (is_kind, is_name) == (kind, name))
        return next(found, None)

    def names(self, kind):
        return {name for is_kind, _, name in self.objects if is_kind == kind}

    def applied(self, kind):
        """Names of what was applied, in this order."""
        return [name for verb, is_kind, name in self.changes if (verb, is_kind) == ("apply", kind)]

    def add(self, kind, name, namespace, **content):
        """Something that somebody else made."""
        self.put({"kind": kind, "metadata": {"name": name, "namespace": namespace}, **content})

    def put(self, one):
        with self.changed:
            metadata = one["metadata"]
            metadata["resourceVersion"] = str(next(self.numbers))
            metadata.setdefault("uid", metadata["resourceVersion"])
            key = one["kind"], metadata.get("namespace"), metadata["name"]
            self.objects[key] = one
            self.changed.notify_all()

    def remove(self, key):
        with self.changed:
            self.objects.pop(key, None)
            self.changed.notify_all()

    def fate(self, one):
        images = [container["image"] for container in one["spec"]["template"]["spec"]["containers"]]
        fates = [fate for part, fate in self.fates.items() if part in " ".join(images)]
        return fates[0] if fates else "good"

    def apply(self, one, manager):
        """Server-side apply of one manager. Of fields of others it keeps a scaled count."""
        key = one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]
        before = self.objects.get(key)
        one = copy.deepcopy(one)
        if before is not None:
            one["metadata"]["uid"] = before["metadata"]["uid"]
            if "replicas" in before.get("spec", {}):
                one["spec"].setdefault("replicas", before["spec"]["replicas"])
        one["metadata"]["managedFields"] = [{"manager": manager, "operation": "Apply"}]
        generation = before["metadata"].get("generation", 1) + 1 if before else 1
        one["metadata"]["generation"] = generation
        if one["kind"] in PODS_OF:
            one["spec"].setdefault("replicas", 1)
            if one["kind"] == "StatefulSet":
                one["spec"].setdefault("updateStrategy", {"type": "RollingUpdate"})
            self._play(one, generation)
        elif one["kind"] == "Job":
            self._play_job(one)
        self.put(one)
        return one

    def _play(self, one, generation):
        fate, count = self.fate(one), one["spec"]["replicas"]
        ready = 0 if fate in ("stuck", "deadline") else count
        one["status"] = {
            "observedGeneration": generation, "replicas": count, "updatedReplicas": count,
            "readyReplicas": ready, "availableReplicas": ready, "currentReplicas": count,
            "currentRevision": "1", "updateRevision": "1", "conditions": [],
        }
        if fate == "deadline":
            one["status"]["conditions"] = [{
                "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded",
            }]
        metadata = one["metadata"]
        for number in range(count):
            self.put(self._pod(one, f"{metadata['name']}-{number}", bool(ready)))
        if fate == "restarts":
            self.about_to_end.add(f"{metadata['name']}-0")

    def seen(self, names):
        """Somebody has seen these pods."""
        for name in self.about_to_end & names:
            self.about_to_end.remove(name)
            pod = copy.deepcopy(self.named("Pod", name))
            pod["status"]["containerStatuses"][0]["restartCount"] += 1
            self.put(pod)

    def _play_job(self, one):
        name, good = one["metadata"]["name"], self.fate(one) != "failed"
        outcome = {"type": "Complete" if good else "Failed", "status": "True"}
        if not good:
            outcome["message"] = "Job has reached the specified backoff limit"
        one["status"] = {"conditions": [outcome]}
        pod = self._pod(one, f"{name}-x", good)
        pod["metadata"]["ownerReferences"] = [{"kind": "Job", "name": name}]
        self.put(pod)

    def _pod(self, one, name, ready):
        template = one["spec"]["template"]
        container = template["spec"]["containers"][0]["name"]
        status = {"name": container, "restartCount": 0, "ready": ready, "state": {}}
        if not ready:
            waiting = {"reason": "CrashLoopBackOff", "message": "again and again"}
            status["state"] = {"waiting": waiting}
            status["lastState"] = {"terminated": {"exitCode": 78}}
        return {
            "apiVersion": "v1", "kind": "Pod", "spec": template["spec"],
            "metadata": {
                "name": name, "namespace": one["metadata"]["namespace"],
                "labels": template["metadata"]["labels"],
                "uid": f"{name} of {one['metadata'].get('uid')} {next(self.numbers)}",
            },
            "status": {
                "phase": "Running", "containerStatuses": [status],
                "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            },
        }


class Handler(http.server.BaseHTTPRequestHandler):
    """What kubectl asks for."""

    protocol_version = "HTTP/1.1"
    # Head and body are two writes: the second is not to wait for anybody.
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    @property
    def cluster(self):
        return self.server.cluster

    def answer(self, body, code=200):
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def refuse(self, code, reason, message):
        self.answer({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "code": code,
        }, code)

    def asked(self):
        """What of which objects: API, namespace, kind, name, what of it, and the query."""
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        parts = url.path.strip("/").split("/")
        api, parts = ("v1", parts[2:]) if parts[0] == "api" else ("/".join(parts[1:3]), parts[3:])
        namespace = None
        if len(parts) > 2 and parts[0] == "namespaces":
            namespace, parts = parts[1], parts[2:]
        plural, name, what = (parts + [None] * 3)[:3]
        return api, namespace, BY_PLURAL.get(plural), name, what, query

    def permitted(self, verb, kind, name):
        if (verb, kind) not in self.cluster.forbidden:
            return True
        self.refuse(403, "Forbidden", f'{kind} "{name}" is forbidden: not for you')
        return False

    def do_GET(self):
        path = urllib.parse.urlsplit(self.path).path
        if path in ("/api", "/apis") or path.count("/") < 4 and self.discover(path):
            return self.discovered(path)
        if path.startswith("/openapi/"):
            return self.openapi(path)
        api, namespace, kind, name, what, query = self.asked()
        if kind is None:
            return self.refuse(404, "NotFound", "the server could not find the requested resource")
        if what == "log":
            return self.answer(self.cluster.log)
        if name is None:
            if query.get("watch") in ("1", "true"):
                return self.watch(api, kind, namespace, query)
            return self.list(api, kind, namespace, query)
        one = self.cluster.objects.get((kind, namespace, name))
        if one is None:
            return self.refuse(404, "NotFound", f'{kind} "{name}" not found')
        return self.answer(one)

    def discover(self, path):
        return path.removeprefix("/apis/").removeprefix("/api/") in KINDS

    def discovered(self, path):
        if path == "/api":
            return self.answer({"kind": "APIVersions", "versions": ["v1"]})
        if path == "/apis":
            groups = []
            for api in KINDS:
                if "/" in api:
                    group, version = api.split("/")
                    known = {"groupVersion": api, "version": version}
                    groups.append({"name": group, "versions": [known], "preferredVersion": known})
            return self.answer({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
        api = path.removeprefix("/apis/").removeprefix("/api/")
        resources = [
            {"name": plural, "singularName": kind.lower(), "namespaced": namespaced, "kind": kind,
             "verbs": VERBS}
            for kind, plural, namespaced in KINDS[api]
        ]
        return self.answer({
            "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api,
            "resources": resources,
        })

    def openapi(self, path):
        """That fields are validated by the server, which kubectl wants to know of each kind."""
        if path == "/openapi/v3":
            paths = {("api/v1" if api == "v1" else f"apis/{api}"): {
                "serverRelativeURL": "/openapi/v3/" + ("api/v1" if api == "v1" else f"apis/{api}")
            } for api in KINDS}
            return self.answer({"paths": paths})
        api = path.removeprefix("/openapi/v3/").removeprefix("apis/").removeprefix("api/")
        if api not in KINDS:
            return self.refuse(404, "NotFound", "no such document")
        group, version = api.split("/") if "/" in api else ("", api)
        paths = {}
        for kind, plural, _ in KINDS[api]:
            known = {"group": group, "version": version, "kind": kind}
            said = [{"name": name, "in": "query"} for name in ("fieldValidation", "dryRun")]
            paths[f"/{plural}"] = {"patch": {
                "x-kubernetes-group-version-kind": known, "parameters": said,
            }}
        return self.answer({"openapi": "3.0.0", "info": {"title": "fake", "version": "1"},
                            "paths": paths})

    def selected(self, kind, namespace, query):
        labels = dict(one.split("=") for one in query.get("labelSelector", "").split(",") if one)
        name = query.get("fieldSelector", "").removeprefix("metadata.name=")
        return [
            one for (is_kind, within, is_name), one in sorted(
                self.cluster.objects.items(), key=lambda entry: tuple(map(str, entry[0])))
            if is_kind == kind and within == namespace and name in ("", is_name)
            and labels.items() <= one["metadata"].get("labels", {}).items()
        ]

    def list(self, api, kind, namespace, query):
        if self.permitted("list", kind, ""):
            items = [{"apiVersion": api, **one} for one in self.selected(kind, namespace, query)]
            self.answer({
                "kind": f"{kind}List", "apiVersion": api, "items": items,
                "metadata": {"resourceVersion": str(next(self.cluster.numbers))},
            })
            if kind == "Pod":
                self.cluster.seen({one["metadata"]["name"] for one in items})

    def watch(self, api, kind, namespace, query):
        if "sendInitialEvents" in query:
            return self.refuse(422, "Invalid", "sendInitialEvents is not known here")
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        seen, end = int(query.get("resourceVersion") or 0), time.monotonic() + 30
        try:
            while time.monotonic() < end and not self.server.stopping:
                with self.cluster.changed:
                    found = self.selected(kind, namespace, query)
                    new = [one for one in found if int(one["metadata"]["resourceVersion"]) > seen]
                    if not new:
                        self.cluster.changed.wait(0.5)
                for one in new:
                    event = {"type": "MODIFIED", "object": {"apiVersion": api, **one}}
                    self.wfile.write(json.dumps(event).encode() + b"\n")
                    self.wfile.flush()
                    seen = max(seen, int(one["metadata"]["resourceVersion"]))
        except OSError:
            # Whoever watched has seen enough.
            pass

    def do_PATCH(self):
        _, namespace, kind, name, _, query = self.asked()
        one = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers["Content-Type"] != "application/apply-patch+yaml":
            return self.refuse(415, "UnsupportedMediaType", "only server-side apply is known here")
        dry = query.get("dryRun") == "All"
        if not self.permitted("dry" if dry else "apply", kind, name):
            return None
        if namespace and ("Namespace", None, namespace) not in self.cluster.objects:
            return self.refuse(404, "NotFound", f'namespaces "{namespace}" not found')
        if dry:
            return self.answer(one)
        before = self.cluster.objects.get((kind, namespace, name))
        if kind == "Job" and before is not None:
            return self.refuse(422, "Invalid", f'Job "{name}" is invalid: field is immutable')
        self.cluster.changes.append(("apply", kind, name))
        return self.answer(self.cluster.apply(one, query["fieldManager"]), 200 if before else 201)

    def do_DELETE(self):
        _, namespace, kind, name, _, _ = self.asked()
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not self.permitted("delete", kind, name):
            return None
        if (kind, namespace, name) not in self.cluster.objects:
            return self.refuse(404, "NotFound", f'{kind} "{name}" not found')
        self.cluster.changes.append(("delete", kind, name))
        self.cluster.remove((kind, namespace, name))
        return self.answer({"kind": "Status", "apiVersion": "v1", "status": "Success"})


class Server(http.server.ThreadingHTTPServer):
    """The API of a cluster, until it is stopped."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.cluster = Cluster()
        self.stopping = False
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def settings(self, *contexts):
        """What KUBECONFIG names: this cluster under some contexts."""
        named = [{"name": one, "context": {"cluster": "fake", "user": "nobody"}}
                 for one in contexts]
        return {
            "apiVersion": "v1", "kind": "Config", "contexts": named,
            "clusters": [{"name": "fake", "cluster": {"server": self.url}}],
            "users": [{"name": "nobody", "user": {}}], "current-context": contexts[0],
        }

    def stop(self):
        self.stopping = True
        self.shutdown()
        self.server_close()
