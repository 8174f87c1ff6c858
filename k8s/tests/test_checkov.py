"""checkov finds nothing but what is excepted, and every exception is still needed."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

# Staging is production with other counts: test_overlays.py.
OVERLAYS = ("dev", "production")

CHECKOV = os.environ.get("CHECKOV_BIN") or shutil.which("checkov")
pytestmark = [pytest.mark.checkov, pytest.mark.timeout(240)]

# The check, what it finds, and why that stays so.
EXCEPTED = {
    ("CKV_K8S_15", "nats"): "an exact version is always the same: what is there need not be pulled",
    ("CKV_K8S_15", "collector"): "as for nats",
    (
        "CKV_K8S_43",
        "nats",
    ): "its makers' digests differ by platform and mirror: who wants one sets it",
    ("CKV_K8S_43", "collector"): "as for nats",
    (
        "CKV_K8S_35",
        "llm-worker",
    ): "the catalogue names variables; which ones, only the operator knows",
    # Of dev, whose images are built on the machine itself.
    ("CKV_K8S_15", "gateway"): "dev: nothing is there to be pulled",
    ("CKV_K8S_15", "llm-worker"): "dev",
    ("CKV_K8S_15", "web"): "dev",
    ("CKV_K8S_15", "simulator"): "dev",
    ("CKV_K8S_15", "nats-init"): "dev",
    ("CKV_K8S_43", "gateway"): "dev: the images have no digest before they are pushed somewhere",
    ("CKV_K8S_43", "llm-worker"): "dev",
    ("CKV_K8S_43", "web"): "dev",
    ("CKV_K8S_43", "simulator"): "dev",
    ("CKV_K8S_43", "nats-init"): "dev",
}


def found(objects, folder):
    file = Path(folder) / "bundle.yaml"
    file.write_text(yaml.safe_dump_all(objects))
    said = subprocess.run(
        [
            CHECKOV,
            "--file",
            file,
            "--framework",
            "kubernetes",
            "--skip-download",
            "--compact",
            "--quiet",
            "--output",
            "json",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    results = json.loads(said.stdout)["results"]
    return {(one["check_id"], one["resource"].split(".")[-1]) for one in results["failed_checks"]}


@pytest.fixture(scope="module")
def findings(rendered, tmp_path_factory):
    assert CHECKOV, "no checkov: name one with CHECKOV_BIN"
    return {one: found(rendered[one], tmp_path_factory.mktemp(one)) for one in OVERLAYS}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_it_finds_what_is_excepted(findings, overlay):
    of_dev = {one for one, why in EXCEPTED.items() if why.startswith("dev")}
    excepted = set(EXCEPTED) - (set() if overlay == "dev" else of_dev)
    assert findings[overlay] - excepted == set()


def test_every_exception_is_needed(findings):
    assert set(EXCEPTED) - set().union(*findings.values()) == set()


def test_it_notices(rendered, tmp_path):
    objects = [one for one in rendered["production"] if one["kind"] == "Deployment"]
    broken = yaml.safe_load(yaml.safe_dump(objects))
    broken[0]["spec"]["template"]["spec"]["hostPID"] = True
    assert "CKV_K8S_17" in {check for check, _name in found(broken, tmp_path)}
