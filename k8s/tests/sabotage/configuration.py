"""Settings, secrets and telemetry: ways to break the rules of policy/configuration.py."""

from sabotage.breaking import (
    FIRST,
    POD,
    at,
    container,
    edit,
    environment,
    variable,
    without,
    without_variable,
)

WAYS = [
    (
        "nats_init_is_made_anew",
        "no hook",
        at("Job", "nats-init", "metadata", "annotations", "argocd.argoproj.io/hook"),
    ),
    (
        "nats_init_is_made_anew",
        "the old one stays",
        at("Job", "nats-init", "metadata", "annotations", "argocd.argoproj.io/hook-delete-policy"),
    ),
    (
        "nats_init_is_made_anew",
        "Flux changes it",
        at("Job", "nats-init", "metadata", "annotations", "kustomize.toolkit.fluxcd.io/force"),
    ),
    (
        "no_secret_is_in_git",
        "a Secret",
        lambda bundle: bundle.objects.append({"kind": "Secret", "metadata": {"name": "web-key"}}),
    ),
    (
        "no_secret_is_in_git",
        "a key in a variable",
        lambda bundle: container(bundle, "web")["env"].append(
            {"name": "WEB_API_KEY", "value": "x"}
        ),
    ),
    (
        "no_secret_is_in_git",
        "a key in a file",
        lambda bundle: edit(
            bundle,
            "nats-config",
            "nats.conf",
            "pid_file",
            "# -----BEGIN " + "PRIVATE KEY-----\npid_file",
        ),
    ),
    (
        "files_of_settings_have_a_hash",
        "a file without one",
        at("Deployment", "gateway", *POD, "volumes", 2, "configMap", "name", value="models"),
    ),
    (
        "files_of_settings_have_a_hash",
        "a file that is not there",
        lambda bundle: without(bundle, "ConfigMap", "models"),
    ),
    (
        "files_of_settings_have_a_hash",
        "a variable that is not there",
        at(
            "Job",
            "nats-init",
            *FIRST,
            "env",
            0,
            "valueFrom",
            "configMapKeyRef",
            "key",
            value="COPIES",
        ),
    ),
    (
        "whoever_knows_models_knows_the_same",
        "another catalogue",
        at(
            "Deployment",
            "llm-worker",
            *POD,
            "volumes",
            2,
            "configMap",
            "name",
            value="models-2456789bcd",
        ),
    ),
    (
        "whoever_knows_models_knows_the_same",
        "another version",
        at("Job", "nats-init", *FIRST, "image", value="chappe/gateway:0.0.9"),
    ),
    (
        "whoever_knows_models_knows_the_same",
        "only once",
        at("Job", "nats-init", *POD, "restartPolicy", value="Never"),
    ),
    (
        "whoever_knows_models_knows_the_same",
        "too late",
        at(
            "Job", "nats-init", "metadata", "annotations", "argocd.argoproj.io/sync-wave", value="3"
        ),
    ),
    (
        "variables_are_read",
        "a misspelt one",
        lambda bundle: variable(bundle, "gateway", "GATEWAY_DRAIN_MS").update(
            name="GATEWAY_DRAIN_MILLIS"
        ),
    ),
    (
        "telemetry_says_where_it_is_from",
        "no endpoint",
        lambda bundle: without_variable(bundle, "web", "OTEL_EXPORTER_OTLP_ENDPOINT"),
    ),
    (
        "telemetry_says_where_it_is_from",
        "no attributes",
        lambda bundle: without_variable(bundle, "nats-init", "OTEL_RESOURCE_ATTRIBUTES"),
    ),
    (
        "telemetry_says_where_it_is_from",
        "used before it is known",
        lambda bundle: container(bundle, "gateway")["env"].reverse(),
    ),
    (
        "telemetry_says_where_it_is_from",
        "another pod's name",
        lambda bundle: variable(bundle, "web", "POD_NAME").update(
            valueFrom={"fieldRef": {"fieldPath": "metadata.uid"}}
        ),
    ),
    (
        "telemetry_says_where_it_is_from",
        "dev: a simulator that says nothing",
        lambda bundle: without_variable(bundle, "simulator", "OTEL_RESOURCE_ATTRIBUTES"),
    ),
    (
        "services_reach_somebody",
        "nobody's labels",
        at("Service", "gateway", "spec", "selector", value={"app.kubernetes.io/name": "api"}),
    ),
    (
        "services_reach_somebody",
        "a port that nobody has",
        at("Service", "web", "spec", "ports", 0, "targetPort", value=80),
    ),
    (
        "services_reach_somebody",
        "loopback",
        environment("gateway", "GATEWAY_LISTEN", "127.0.0.1:8790"),
    ),
    (
        "the_collector_runs_what_it_configures",
        "an unknown exporter",
        lambda bundle: edit(
            bundle, "collector-config", "collector.yaml", "exporters: [debug]", "exporters: [otlp]"
        ),
    ),
    (
        "the_collector_runs_what_it_configures",
        "no limit",
        lambda bundle: edit(
            bundle,
            "collector-config",
            "collector.yaml",
            "processors: [memory_limiter]",
            "processors: []",
        ),
    ),
    (
        "what_is_not_in_git_is_made_by_hand",
        "a secret that nobody makes",
        at("Deployment", "web", *POD, "volumes", 0, "secret", "secretName", value="chat-key"),
    ),
    (
        "what_is_not_in_git_is_made_by_hand",
        "a seed for everybody",
        at("Deployment", "gateway", *POD, "volumes", 0, "secret", "defaultMode", value=0o444),
    ),
]
