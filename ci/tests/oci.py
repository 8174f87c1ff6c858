"""A registry of one's own on loopback, and images to put into it."""

import gzip
import hashlib
import io
import json
import random
import socket
import subprocess
import tarfile
import time
import urllib.error
import urllib.request

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def free_port():
    """One from below the range from which systems take ports for outgoing connections: of those,
    one that is free now may be a neighbour's a moment later."""
    while True:
        port = random.randint(18_000, 30_000)
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


class Registry:
    """docker-registry in a folder, until it is stopped."""

    def __init__(self, program, folder):
        self.folder = folder
        self.address = f"127.0.0.1:{free_port()}"
        settings = folder / "registry.json"
        # JSON is YAML too.
        settings.write_text(
            json.dumps(
                {
                    "version": "0.1",
                    "log": {"level": "error"},
                    "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
                    "http": {"addr": self.address},
                }
            )
        )
        self.said = open(folder / "registry.log", "wb")
        self.process = subprocess.Popen(
            [program, "serve", settings], stdout=self.said, stderr=self.said
        )

    def wait_until_it_answers(self):
        end = time.monotonic() + 20
        while True:
            try:
                urllib.request.urlopen(f"http://{self.address}/v2/", timeout=2).close()
                return
            except (urllib.error.URLError, OSError):
                said = (self.folder / "registry.log").read_text()
                assert self.process.poll() is None and time.monotonic() < end, said
                time.sleep(0.05)

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        self.said.close()


def layout(folder, content, labels=None):
    """An OCI layout with an image of one file; its digest."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def blob(data, media_type):
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}

    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("hello")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    raw = packed.getvalue()
    layer = blob(gzip.compress(raw, mtime=0), "application/vnd.oci.image.layer.v1.tar+gzip")
    rootfs = {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(raw).hexdigest()}"]}
    config = {"architecture": "amd64", "os": "linux", "rootfs": rootfs}
    config["config"] = {"Labels": labels} if labels else {}
    described = blob(json.dumps(config).encode(), "application/vnd.oci.image.config.v1+json")
    manifest = {
        "schemaVersion": 2, "mediaType": MANIFEST, "config": described, "layers": [layer],
    }
    image = blob(json.dumps(manifest).encode(), MANIFEST)
    named = image | {"annotations": {"org.opencontainers.image.ref.name": "v1"}}
    (folder / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [named]}))
    return image["digest"]
