# One image, several commands: each process of Exeat runs as `python -m ROOM` in a container of its own.
# OPA, ClickHouse and Keycloak come from their projects' own images (docker-compose.yml), Envoy's binary from its own.
FROM envoyproxy/envoy:v1.40.0 AS envoy

FROM python:3.13-slim-bookworm AS build
WORKDIR /app
COPY requirements /app/requirements
RUN python -m venv /app/.venv \
 && /app/.venv/bin/pip install --no-cache-dir --require-hashes -r requirements/run.lock \
 && /app/.venv/bin/pip install --no-cache-dir --no-deps --ignore-requires-python --require-hashes -r requirements/engine.lock
# `--build-arg EXTRAS=postgres`: the driver for gateways that share approvals, LGPL
ARG EXTRAS=""
RUN for extra in $EXTRAS; do /app/.venv/bin/pip install --no-cache-dir --require-hashes -r "requirements/$extra.lock" || exit 1; done
COPY . /app
RUN /app/.venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation -e /app

FROM python:3.13-slim-bookworm
RUN groupadd --gid 10001 exeat && useradd --uid 10001 --gid exeat --no-create-home --shell /usr/sbin/nologin exeat \
 && install -d -o exeat -g exeat -m 0700 /run/exeat /var/lib/exeat
COPY --from=build --chown=root:root /app /app
COPY --from=envoy --chown=root:root /usr/local/bin/envoy /usr/local/bin/envoy
ENV EXEAT_ENVOY=/usr/local/bin/envoy
ENV PATH=/app/.venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER exeat
WORKDIR /app
CMD ["exeat", "--help"]
