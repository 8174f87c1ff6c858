"""Components, each in an overlay that takes it: they follow the schemas, and keep the rules."""

import copy
import re
import shutil

import pytest

from bundle import K8S, REPOSITORY, Bundle, render
from call_graph import calls_back
from policy import RULES
from test_schemas import VERSIONS, problems

# Which overlay each is tried in.
TRIED = {
    "callbacks": "production",
    "external-nats": "production",
    "http-route": "production",
    "observability": "production",
    "ollama": "dev",
}
# Of the overlays themselves.
TAKEN = {"cluster", "keda", "simulator"}


@pytest.fixture(scope="session")
def with_component(tmp_path_factory):
    made = {}

    def take(component):
        if component not in made:
            folder = tmp_path_factory.mktemp(component) / "k8s"
            shutil.copytree(K8S, folder, ignore=shutil.ignore_patterns("tests"))
            overlay = folder / "overlays" / TRIED[component]
            file = overlay / "kustomization.yaml"
            text, path = file.read_text(), f"../../components/{component}"
            # A model takes the place of another.
            old = (
                "../../components/simulator"
                if component == "ollama"
                else "../../components/cluster"
            )
            assert old in text
            file.write_text(text.replace(old, path if component == "ollama" else f"{old}, {path}"))
            made[component] = render(overlay)
        return Bundle(copy.deepcopy(made[component]), TRIED[component])

    return take


def test_all_components_are_tried():
    assert {one.name for one in (K8S / "components").iterdir()} == set(TRIED) | TAKEN


@pytest.mark.parametrize("component", TRIED)
def test_they_follow_the_schemas(component, with_component):
    assert problems(with_component(component).objects, VERSIONS[0]) == []


# What a rule says to a component, and why that is right.
SAID = {
    (
        "callbacks",
        "policies_permit_the_call_graph",
    ): "gateway → internet:443 is permitted, and nobody calls so",
}


@pytest.mark.parametrize("component", TRIED)
@pytest.mark.parametrize("name", RULES)
def test_they_keep_the_rules(component, name, with_component):
    wanted = [] if calls_back() or (component, name) not in SAID else [SAID[component, name]]
    assert list(RULES[name](with_component(component))) == wanted


@pytest.mark.parametrize(
    "how",
    [
        lambda route: route["spec"]["rules"][0].pop("timeouts"),
        lambda route: route["spec"]["parentRefs"][0].update(sectionName="http"),
        lambda route: route["spec"].update(hostnames=["elsewhere.example"]),
    ],
    ids=["a time-out", "no TLS", "another name"],
)
def test_a_broken_route_is_noticed(how, with_component):
    bundle = with_component("http-route")
    how(bundle.of("HTTPRoute")[0])
    assert list(RULES["the_entrance_is_patient"](bundle)) != []


def test_an_unknown_field_of_a_route_is_noticed(with_component):
    bundle = with_component("http-route")
    bundle.of("HTTPRoute")[0]["spec"]["rules"][0]["timeout"] = "0s"
    assert len(problems(bundle.objects, VERSIONS[0])) == 1
    bundle = with_component("http-route")
    bundle.of("HTTPRoute")[0]["spec"]["rules"][0]["timeouts"]["request"] = "soon"
    assert len(problems(bundle.objects, VERSIONS[0])) == 1


def test_an_overlay_as_operations_shows_it_renders(tmp_path):
    """With the names, the catalogue and the digest of somebody else."""
    text = (REPOSITORY / "docs/OPERATIONS.md").read_text()
    shown = re.search(r"```yaml\n# ours/kustomization.yaml\n(.*?)```", text, re.DOTALL)[1]
    digest = f"sha256:{64 * 'a'}"
    shown = shown.replace("sha256:…", digest).replace("chappe-production", "elsewhere")
    shutil.copytree(K8S, tmp_path / "chappe/k8s", ignore=shutil.ignore_patterns("tests"))
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours/kustomization.yaml").write_text(shown)
    (tmp_path / "ours/models.toml").write_text("# Of theirs.\n")
    bundle = Bundle(render(tmp_path / "ours"), "production")
    image = bundle.workload("gateway").containers[0]["image"]
    assert image == f"registry.mine.example/chappe/gateway@{digest}"
    assert bundle.workload("nats-init").containers[0]["image"] == image
    assert bundle.find("ConfigMap", "models")["data"]["models.toml"] == "# Of theirs.\n"
    assert bundle.find("Ingress", "web")["spec"]["rules"][0]["host"] == "chat.mine.example"
    said = str(bundle.objects)
    assert "chappe-production" not in said
    assert "api.example" not in said
    assert list(RULES["scalers_ask_for_what_is_told"](bundle)) == []
    assert list(RULES["the_entrance_is_patient"](bundle)) == []
