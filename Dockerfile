# syntax=docker/dockerfile:1
# Two stages: everything that compiles stays behind. The result holds one binary, the C runtime and
# the certificates, and runs as nobody in particular.

FROM rust:1.95-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends build-essential perl \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src

# The dependencies first, with nothing of ours: this layer lives until Cargo.lock changes.
COPY .cargo ./.cargo
COPY Cargo.toml Cargo.lock rust-toolchain.toml build.rs ./
RUN mkdir -p src tests/it benches \
    && echo 'fn main() {}' | tee src/main.rs tests/it/main.rs benches/hot_path.rs >/dev/null \
    && touch src/lib.rs \
    && cargo build --release --locked \
    && rm -rf src

# The build's own files are newer than those of the empty crate, so cargo compiles them.
COPY config.toml ./
COPY migrations ./migrations
COPY src ./src
ARG FOGHORN_REVISION=unknown
ENV FOGHORN_REVISION=$FOGHORN_REVISION
RUN find src -name '*.rs' -exec touch {} + \
    && cargo build --release --locked --bin foghorn \
    && mkdir -p /data

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/target/release/foghorn /usr/local/bin/foghorn
# A volume takes owner and mode from here.
COPY --from=build --chown=nonroot:nonroot /data /var/lib/foghorn

# By itself it listens on loopback, which inside a container is nobody's. Nobody signs in, so opening
# the port is for whoever knows who can connect; dist/compose.yaml shows how:
# docker run -p 127.0.0.1:3644:3644 -e FOGHORN_HTTP__LISTEN=0.0.0.0:3644 -e FOGHORN_AUTH__MODE=trusted_network
ENV FOGHORN_SERVER__DATA_DIR=/var/lib/foghorn \
    FOGHORN_TELEMETRY__LOGS__FORMAT=json
VOLUME /var/lib/foghorn
WORKDIR /var/lib/foghorn
USER nonroot
EXPOSE 3644
# SIGTERM drains; give it [server] shutdown_grace and a little: docker run --stop-timeout 30
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["/usr/local/bin/foghorn", "health", "--ready"]
ENTRYPOINT ["/usr/local/bin/foghorn"]
CMD ["serve"]
