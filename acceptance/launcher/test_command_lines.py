"""What every program says about itself."""

import re

import pytest

SERVICES = {
    "gateway": "GATEWAY_LISTEN",
    "llm-worker": "LLM_WORKER_MAX_CONCURRENCY",
    "web": "WEB_GATEWAY_URL",
    "model-simulator": "SIMULATOR_TTFT_MS",
    "nats-init": "NATS_URL",
}
PROGRAMS = ["chappe", *SERVICES]


@pytest.mark.parametrize("program", PROGRAMS)
def test_version(run, program):
    ended = run(program, "--version")

    assert ended.returncode == 0
    assert re.fullmatch(rf"{program} \d+\.\d+\.\d+\S*\n", ended.stdout)


@pytest.mark.parametrize(("program", "variable"), SERVICES.items())
def test_the_help_of_a_service_lists_its_variables(run, program, variable):
    ended = run(program, "--help")

    assert ended.returncode == 0
    assert ended.stderr == ""
    assert f"Usage: {program}" in ended.stdout
    assert variable in ended.stdout


def test_the_help_of_the_launcher_names_flags_variables_and_exit_codes(run):
    ended = run("chappe", "--help")

    assert ended.returncode == 0
    for text in ["--model-url", "--simulator", "MODELS_FILE", "WEB_LISTEN", "Ctrl-C"]:
        assert text in ended.stdout
    for code in (0, 1, 2, 78, 130):
        assert re.search(rf"^ +{code}  ", ended.stdout, re.MULTILINE), code


def test_the_help_of_the_launcher_lists_what_its_services_read(run):
    listed = variables(run("chappe", "--help").stdout)

    for program in ["gateway", "llm-worker", "web", "model-simulator"]:
        # Threads belong to a process.
        assert variables(run(program, "--help").stdout) - {"RUNTIME_THREADS"} <= listed


def variables(help_text):
    return set(re.findall(r"^  ([A-Z]+(?:_[A-Z]+)+)\b", help_text, re.MULTILINE))


@pytest.mark.parametrize("program", PROGRAMS)
def test_an_unknown_flag_is_refused_by_name(run, program):
    ended = run(program, "--prot")

    # 78: starting a service again with the same flag will not help.
    assert ended.returncode == (2 if program == "chappe" else 78)
    assert "--prot" in ended.stderr


@pytest.mark.parametrize("program", ["gateway", "llm-worker", "web"])
def test_the_health_of_a_service_that_does_not_run(run, free_port, program):
    variable = f"{program.upper().replace('-', '_')}_HEALTH_LISTEN"

    ended = run(program, "--health", **{variable: f"127.0.0.1:{free_port}"})

    assert ended.returncode == 1
    assert f"127.0.0.1:{free_port}" in ended.stderr and variable in ended.stderr


def test_without_a_health_port_there_is_nothing_to_ask(run):
    assert "--health" not in run("nats-init", "--help").stdout
    assert run("nats-init", "--health").returncode == 78
