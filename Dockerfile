# One file for every image; choose by target. `ci/build-images` builds all of them.
#
#   docker build --target gateway -t chappe/gateway .
#
# Each image holds one program (the gateway's also `nats-init`), the certificates of public
# authorities and nothing else: no shell, no package manager, no C library, user 65532.
#
# The builder runs on the platform that it builds for, amd64 or arm64: the programs are for the
# machine that compiles them (`host-tuple`), and another platform's image takes a builder of that
# platform, or emulation: `ci/build-images -- --platform linux/arm64`.

FROM rust:1.95-bookworm AS toolchain
# Writes the list of dependencies into each program, where scanners find it.
RUN cargo install --locked --version 0.7.7 cargo-auditable
WORKDIR /source
# Static programs need a named target: flags are then not for what runs during the build.
ENV CARGO_BUILD_TARGET=host-tuple \
    CARGO_TERM_PROGRESS_WHEN=never \
    RUSTFLAGS="-C target-feature=+crt-static"

# Manifests, and an empty file in place of each program and library of ours: the same until a
# manifest changes, so that the dependencies below are built once, in a layer that caches of
# layers keep. Mounted caches are gone with the machine that has them, and cargo-chef is one more
# program to trust, for what `find` does.
FROM toolchain AS manifests
COPY . .
RUN find . -type f ! -name Cargo.toml ! -name Cargo.lock ! -path '*/src/lib.rs' \
        ! -path '*/src/main.rs' ! -path '*/src/bin/*.rs' ! -name build.rs -delete \
    && printf '//! Nothing yet.\n' >/library.rs \
    && printf '//! Nothing yet.\nfn main() {}\n' >/program.rs \
    && find . -name lib.rs -exec cp /library.rs {} \; \
    && find . -name '*.rs' ! -name lib.rs -exec cp /program.rs {} \; \
    && find . -type d -empty -delete

FROM toolchain AS build
# The same packages twice: features, and with them what is compiled, are those of all together.
ENV PACKAGES="--package bus --package gateway --package launcher --package llm-worker --package model-simulator --package web"
COPY --from=manifests /source .
# hadolint ignore=SC2086
RUN cargo auditable build --profile dist --locked --bins $PACKAGES
COPY . .
# Cargo tells by their times which files have changed, and these may be older than the empty ones.
# hadolint ignore=SC2086
RUN find . -path ./target -prune -o -name '*.rs' -exec touch {} + \
    && cargo auditable build --profile dist --locked --bins $PACKAGES \
    && mkdir /programs \
    && for program in chappe gateway llm-worker model-simulator nats-init web; do \
        cp target/*/dist/"$program" /programs/; \
    done

# What all images have in common.
FROM scratch AS runtime
# A mode given here would be that of the folders as well, and nobody could enter them.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
ARG VERSION=unknown
ARG REVISION=unknown
# The commit's time, not the clock's: the same commit makes the same image.
ARG CREATED=unknown
ARG SOURCE=unknown
# What is new since the last deployment: commits, newest first.
ARG COMMITS=unknown
LABEL org.opencontainers.image.version="$VERSION" \
    org.opencontainers.image.revision="$REVISION" \
    org.opencontainers.image.created="$CREATED" \
    org.opencontainers.image.source="$SOURCE" \
    org.opencontainers.image.licenses="Apache-2.0" \
    chappe.commits="$COMMITS"
USER 65532:65532
WORKDIR /

FROM runtime AS gateway
COPY --from=build --chmod=0755 /programs/gateway /programs/nats-init /usr/local/bin/
# Volumes that are mounted there while they are empty take over whose folder it is: compose.yaml has
# `nats-init credentials` write into one, and nats-server into the other.
WORKDIR /credentials
WORKDIR /data
WORKDIR /
LABEL org.opencontainers.image.title="Chappe gateway" \
    org.opencontainers.image.description="OpenAI-compatible HTTP in, jobs out, events back; and nats-init"
EXPOSE 8790 8791
HEALTHCHECK --interval=5s --timeout=4s --start-period=30s --start-interval=1s CMD ["/usr/local/bin/gateway", "--health"]
ENTRYPOINT ["/usr/local/bin/gateway"]

FROM runtime AS llm-worker
COPY --from=build --chmod=0755 /programs/llm-worker /usr/local/bin/
LABEL org.opencontainers.image.title="Chappe worker" \
    org.opencontainers.image.description="Takes jobs from the queue and asks models"
EXPOSE 8792
HEALTHCHECK --interval=5s --timeout=4s --start-period=30s --start-interval=1s CMD ["/usr/local/bin/llm-worker", "--health"]
ENTRYPOINT ["/usr/local/bin/llm-worker"]

FROM runtime AS web
COPY --from=build --chmod=0755 /programs/web /usr/local/bin/
LABEL org.opencontainers.image.title="Chappe chat" \
    org.opencontainers.image.description="The chat page"
EXPOSE 8780 8793
HEALTHCHECK --interval=5s --timeout=4s --start-period=30s --start-interval=1s CMD ["/usr/local/bin/web", "--health"]
ENTRYPOINT ["/usr/local/bin/web"]

FROM runtime AS chappe
COPY --from=build --chmod=0755 /programs/chappe /usr/local/bin/
# For `chappe keys create --to`: as in the gateway's.
WORKDIR /keys
WORKDIR /
LABEL org.opencontainers.image.title="Chappe for operators" \
    org.opencontainers.image.description="The command chappe, for API keys"
ENTRYPOINT ["/usr/local/bin/chappe"]

FROM runtime AS model-simulator
COPY --from=build --chmod=0755 /programs/model-simulator /usr/local/bin/
LABEL org.opencontainers.image.title="Chappe model simulator" \
    org.opencontainers.image.description="Stands in for a model, in tests and to try Chappe"
EXPOSE 8799
HEALTHCHECK --interval=5s --timeout=4s --start-period=30s --start-interval=1s CMD ["/usr/local/bin/model-simulator", "--health"]
ENTRYPOINT ["/usr/local/bin/model-simulator"]
