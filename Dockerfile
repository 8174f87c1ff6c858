# One file for every image; choose by target:
#   docker build --target gateway -t chappe/gateway .
# Each image holds one program (the gateway's also `nats-init`), CA certificates and nothing else:
# no shell, no package manager, user 65532.

FROM rust:1.95-bookworm AS build
WORKDIR /source
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --profile dist --locked \
        --package bus --package gateway --package llm-worker --package model-simulator --package web \
    && mkdir /programs \
    && cp target/dist/gateway target/dist/llm-worker target/dist/model-simulator \
        target/dist/nats-init target/dist/web /programs/

FROM gcr.io/distroless/cc-debian12:nonroot AS base
USER 65532:65532
WORKDIR /

FROM base AS gateway
COPY --from=build /programs/gateway /programs/nats-init /usr/local/bin/
EXPOSE 8790 8791
HEALTHCHECK --interval=5s --timeout=4s --start-period=30s CMD ["/usr/local/bin/gateway", "--health"]
ENTRYPOINT ["/usr/local/bin/gateway"]

FROM base AS llm-worker
COPY --from=build /programs/llm-worker /usr/local/bin/
EXPOSE 8792
HEALTHCHECK --interval=5s --timeout=4s --start-period=30s CMD ["/usr/local/bin/llm-worker", "--health"]
ENTRYPOINT ["/usr/local/bin/llm-worker"]

FROM base AS web
COPY --from=build /programs/web /usr/local/bin/
EXPOSE 8780 8793
HEALTHCHECK --interval=5s --timeout=4s --start-period=30s CMD ["/usr/local/bin/web", "--health"]
ENTRYPOINT ["/usr/local/bin/web"]

FROM base AS model-simulator
COPY --from=build /programs/model-simulator /usr/local/bin/
EXPOSE 8799
HEALTHCHECK --interval=5s --timeout=4s --start-period=30s CMD ["/usr/local/bin/model-simulator", "--health"]
ENTRYPOINT ["/usr/local/bin/model-simulator"]
