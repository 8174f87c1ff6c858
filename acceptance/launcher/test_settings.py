"""Settings that cannot be used, and ports that are taken."""

import pytest

# A program, variables that cannot be used, and what else its list must name.
BAD = [
    ("nats-init", {"NATS_REPLICAS": "2", "NATS_CHAT_STORAGE": "disk"}, ["MODELS_FILE"]),
    (
        "gateway",
        {
            "GATEWAY_LISTEN": "here",
            "GATEWAY_HEALTH_LISTEN": "1",
            "GATEWAY_TRUSTED_PROXIES": "proxy.example",
            "GATEWAY_CORS_ORIGINS": "app.example",
            "NATS_URL": "ftp://x",
            "NATS_NKEY_FILE": "/nowhere/gateway.nk",
            "NATS_CA_FILE": "/nowhere/ca.pem",
        },
        ["MODELS_FILE"],
    ),
    (
        "llm-worker",
        {"LLM_WORKER_HEALTH_LISTEN": "x", "LLM_WORKER_MAX_CONCURRENCY": "many"},
        ["MODELS_FILE"],
    ),
    (
        "web",
        {
            "WEB_LISTEN": "8780",
            "WEB_HEALTH_LISTEN": "x",
            "WEB_TRUSTED_PROXIES": "proxy.example",
            "WEB_GATEWAY_URL": "no url",
            "WEB_GATEWAY_CA_FILE": "/nowhere/ca.pem",
        },
        [],
    ),
    (
        "model-simulator",
        {"SIMULATOR_LISTEN": "x", "SIMULATOR_TTFT_MS": "soon", "SIMULATOR_TOKEN_MS": "-1", "LOG_FILTER": "loud"},
        [],
    ),
]


@pytest.mark.parametrize(("program", "variables", "more"), BAD, ids=[row[0] for row in BAD])
def test_all_problems_of_the_settings_are_listed_at_once(run, program, variables, more):
    ended = run(program, **variables)

    assert ended.returncode == 78, ended.stderr
    for name in [*variables, *more]:
        assert f"  {name}: " in ended.stderr, ended.stderr
    assert "--help" in ended.stderr


def test_the_launcher_lists_the_problems_of_all_services(run, tmp_path):
    variables = {
        "GATEWAY_LISTEN": "here",
        "WEB_LISTEN": "there",
        "LLM_WORKER_MAX_CONCURRENCY": "many",
        "SIMULATOR_LISTEN": "everywhere",
        "LOG_FORMAT": "xml",
        "LOG_FILTER": "loud",
    }

    # With a nats-server that cannot be used: settings are looked at before one is looked for.
    ended = run("chappe", "--simulator", NATS_SERVER_BIN=str(tmp_path / "none"), **variables)

    assert ended.returncode == 78, ended.stderr
    for name in variables:
        assert ended.stderr.count(f"  {name}: ") == 1, ended.stderr
    assert "chappe cannot start: 6 of its settings" in ended.stderr
    assert not (tmp_path / "data").exists(), "something was started"


def test_a_catalogue_that_cannot_be_used_is_told_once(run, tmp_path):
    catalogue = tmp_path / "models.toml"
    catalogue.write_text('[[models]]\nname = "m"\n[[models.upstreams]]\nbase_url = "nowhere"\n')

    ended = run("chappe", NATS_SERVER_BIN=str(tmp_path / "none"), MODELS_FILE=str(catalogue))

    assert ended.returncode == 78, ended.stderr
    assert "chappe cannot start: 1 of its settings" in ended.stderr
    assert ended.stderr.count("  MODELS_FILE: ") == 1, ended.stderr


def test_a_catalogue_that_cannot_be_read_is_named(run, tmp_path):
    catalogue = tmp_path / "models.toml"
    catalogue.write_text('[[models]]\nname = "m"\nupstreams = "x"\n')

    for file in (catalogue, tmp_path / "nowhere.toml"):
        ended = run("gateway", MODELS_FILE=str(file))

        assert ended.returncode == 78
        assert "MODELS_FILE" in ended.stderr and str(file) in ended.stderr


def test_without_keys_the_gateway_listens_on_loopback_only(run, tmp_path):
    catalogue = tmp_path / "models.toml"
    catalogue.write_text('[[models]]\nname = "m"\n[[models.upstreams]]\nbase_url = "http://127.0.0.1:9/v1"\n')

    ended = run("gateway", GATEWAY_LISTEN="0.0.0.0:0", MODELS_FILE=str(catalogue))

    assert ended.returncode == 78, ended.stderr
    assert "GATEWAY_AUTH=keys" in ended.stderr


@pytest.mark.parametrize(
    ("program", "variable"), [("web", "WEB_LISTEN"), ("model-simulator", "SIMULATOR_LISTEN")]
)
def test_a_busy_port_is_named_with_the_variable_that_moves_it(run, busy_port, program, variable):
    ended = run(program, **{variable: f"127.0.0.1:{busy_port}"})

    assert ended.returncode == 1
    assert str(busy_port) in ended.stderr and variable in ended.stderr


@pytest.mark.parametrize("variable", ["WEB_LISTEN", "GATEWAY_LISTEN", "SIMULATOR_LISTEN"])
def test_a_busy_port_stops_the_launcher_and_is_named(start, busy_port, variable):
    chappe = start(ready=False, **{variable: f"127.0.0.1:{busy_port}"})

    assert chappe.ends() == 1
    assert str(busy_port) in chappe.said and variable in chappe.said
