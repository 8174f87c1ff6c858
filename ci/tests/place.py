"""A checkout with small manifests, and all that `ci/deploy` meets when it takes them to a cluster."""

import copy
import hashlib
import http.server
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field

import fake_kubernetes
from delivery.registry import KINDS

CI = pathlib.Path(__file__).resolve().parent.parent
NAMES = {
    "CHAPPE_GATEWAY_IMAGE": "gateway", "CHAPPE_LLM_WORKER_IMAGE": "llm-worker",
    "CHAPPE_WEB_IMAGE": "web", "CHAPPE_TOOLS_IMAGE": "chappe",
}
ZEROS = "sha256:" + 64 * "0"
MODELS = '[[models]]\nname = "one"\n'

# Says of each image that our key has signed it, but for those that are called so.
COSIGN = """import json, sys
image = sys.argv[-1]
if "5555" in image:
    sys.exit("Error: no signatures found")
print(json.dumps([{"critical": {"image": {"docker-manifest-digest": image.split("@")[1]}}}]))
"""
# Says from which commit an image is: a file has it.
ORAS = """import json, os, sys
known = json.load(open(os.environ["TEST_REVISIONS"]))
label = known[sys.argv[-1].split("@")[1]]
print(json.dumps({"config": {"Labels": {"org.opencontainers.image.revision": label}}}))
"""


def stand_ins(folder):
    """A folder with programs that say what a test says."""
    for name, text in (("cosign", COSIGN), ("oras", ORAS)):
        (folder / name).write_text(f"#!{sys.executable}\n{text}")
        (folder / name).chmod(0o755)
    return folder


def workload(kind, name, image, **spec):
    labels = {"app.kubernetes.io/name": name}
    api = "batch/v1" if kind == "Job" else "apps/v1"
    container = {"name": name, "image": image}
    pod = {"containers": [container], "volumes": [{"name": "m", "configMap": {"name": "models"}}]}
    selector = {} if kind == "Job" else {"selector": {"matchLabels": labels}}
    template = {"metadata": {"labels": labels}, "spec": pod}
    return {
        "apiVersion": api, "kind": kind, "metadata": {"name": name},
        "spec": {"template": template, **selector, **spec},
    }


def objects():
    """One of each that matters."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "gateway"}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "mine"}},
        workload("StatefulSet", "nats", "nats:2.15.1-alpine", serviceName="nats", replicas=1),
        workload("Job", "nats-init", "chappe/gateway"),
        workload("Deployment", "web", "chappe/web", replicas=1),
        workload("Deployment", "gateway", "chappe/gateway", replicas=2),
        workload("Deployment", "llm-worker", "chappe/llm-worker", replicas=1),
        {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
         "metadata": {"name": "gateway"}, "spec": {"scaleTargetRef": target, "maxReplicas": 9}},
    ]


def write_overlay(k8s, made, name="staging"):
    """An overlay whose digests are not set."""
    folder = k8s / "overlays" / name
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(f"---\n{json.dumps(one)}\n" for one in made)
    (folder / "objects.yaml").write_text(text)
    (folder / "models.toml").write_text(MODELS)
    ours = ("gateway", "llm-worker", "web")
    (folder / "kustomization.yaml").write_text(json.dumps({
        "resources": ["objects.yaml"], "namespace": "chappe-staging",
        "labels": [{"pairs": {"app.kubernetes.io/part-of": "chappe"}, "includeTemplates": True}],
        "configMapGenerator": [{"name": "models", "files": ["models.toml"]}],
        "images": [
            {"name": f"chappe/{one}", "newName": f"registry.example/chappe/{one}", "digest": ZEROS}
            for one in ours
        ],
    }))


class Api:
    """What users call. `answers` has a status for each question, the last one for ever."""

    def __init__(self):
        self.answers = [200]
        # While it is not set, nobody is answered.
        self.open = threading.Event()
        self.open.set()
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                api.open.wait(40)
                status = api.answers.pop(0) if len(api.answers) > 1 else api.answers[0]
                body = {"choices": [{"message": {"content": "yes"}}]}
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(body if status == 200 else {}).encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@dataclass
class Place:
    """The checkout, and what `ci/deploy` meets when it runs there."""

    folder: pathlib.Path
    path: list
    kubectl: str
    server: fake_kubernetes.Server
    api: Api
    revisions: dict = field(default_factory=dict)
    # Images of the first commit.
    first: pathlib.Path | None = None

    @classmethod
    def make(cls, folder, path, kubectl, server, api):
        source = folder / "source"
        ignored = shutil.ignore_patterns("tests", "__pycache__")
        shutil.copytree(CI, source / "ci", ignore=ignored)
        (source / "compose").mkdir()
        write_overlay(source / "k8s", objects())
        (folder / "key.pub").write_text("a key")
        made = cls(folder, path, kubectl, server, api)
        made.knows("here")
        made.git("init", "--quiet", "--initial-branch=main")
        return made

    def again(self, folder, server, api):
        """The same once more, as it is now, in another folder and cluster."""
        shutil.copytree(self.folder, folder, symlinks=True)
        server.cluster.objects = copy.deepcopy(self.cluster.objects)
        made = Place(folder, self.path, self.kubectl, server, api, dict(self.revisions), self.first)
        made.knows("here")
        return made

    def knows(self, *contexts, **changes):
        """What kubectl knows of clusters."""
        settings = self.server.settings(*contexts)
        settings["clusters"][0]["cluster"] |= changes
        # JSON is YAML too.
        (self.folder / "kubeconfig").write_text(json.dumps(settings))

    @property
    def source(self):
        return self.folder / "source"

    @property
    def cluster(self):
        return self.server.cluster

    def git(self, *arguments):
        identity = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.com"]
        done = subprocess.run(
            ["git", *identity, "-C", self.source, *arguments], check=True, capture_output=True,
            text=True,
            env={key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
        )
        return done.stdout.strip()

    def commit(self, name):
        """A new commit, and images of it: where their digests are written. `name` is in those."""
        self.git("commit", "--quiet", "--allow-empty", "--message", name)
        return self.images(name, self.git("rev-parse", "HEAD"))

    def images(self, name, revision, **changes):
        """Images of a commit, named by digests that begin as said."""
        digest = f"sha256:{(name * 64)[:64]}"
        self.revisions[digest] = revision
        (self.folder / "revisions.json").write_text(json.dumps(self.revisions))
        named = {
            variable: f"127.0.0.1:5000/chappe/{image}@{digest}" for variable, image in NAMES.items()
        } | changes
        path = self.folder / f"{hashlib.sha256(str(named).encode()).hexdigest()[:8]}.env"
        path.write_text("".join(f"{key}={value}\n" for key, value in named.items() if value))
        return path

    def deploy(self, *arguments, **variables):
        """Runs `ci/deploy` for the target `k8s`; how it ended, and all that it said."""
        with self.started(*arguments, **variables) as process:
            try:
                said, _ = process.communicate(timeout=50)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                raise
        return process.returncode, said

    def started(self, *arguments, environment="staging", **variables):
        """The same, as it runs."""
        told = {
            key: value for key, value in os.environ.items()
            if not key.startswith(("CHAPPE_", "COSIGN_", "GIT_", "KUBE", "REGISTRY_"))
        } | {
            "PATH": os.pathsep.join([*map(str, self.path), os.environ["PATH"]]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
            "TEST_REVISIONS": str(self.folder / "revisions.json"),
            "KUBECONFIG": str(self.folder / "kubeconfig"),
            "KUBECACHEDIR": str(self.folder / "cache"),
            "KUBECTL_BIN": self.kubectl,
            "COSIGN_PUBLIC_KEY": str(self.folder / "key.pub"),
            "CHAPPE_DEPLOYMENTS": str(self.folder / "deployments"),
            "CHAPPE_API_URL": f"http://127.0.0.1:{self.api.server.server_port}",
            "CHAPPE_API_KEY": "a key of an API",
            "CHAPPE_TARGET": "k8s",
            "CHAPPE_WITHOUT": ",".join(KINDS),
            "CHAPPE_WATCH_SECONDS": "0",
        } | variables
        told = {key: value for key, value in told.items() if value is not None}
        return subprocess.Popen(
            [sys.executable, self.source / "ci" / "deploy", environment, *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=told,
        )

    @property
    def runs(self):
        """Image of each workload that is in the cluster."""
        return {
            name: one["spec"]["template"]["spec"]["containers"][0]["image"]
            for (kind, _, name), one in self.cluster.objects.items()
            if kind in ("Deployment", "StatefulSet", "Job")
        }

    @property
    def record(self):
        """What was written down of each deployment."""
        path = self.folder / "deployments" / "staging" / "deployments.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()]
