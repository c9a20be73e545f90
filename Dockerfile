# One image for all processes: `docker run IMAGE worker`, `clock`, `web`, `socket`, `migrate`, ...
# It runs as a user without rights, on a read-only file system; only /tmp is written to, by evaluations.
ARG PYTHON=python:3.13.9-slim-bookworm

FROM ${PYTHON} AS build
WORKDIR /app
COPY requirements.lock ./
RUN python -m venv .venv \
 && .venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
COPY jobs jobs
COPY config config
# Bytecode is made here, as the file system is read-only later.
RUN .venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation -e . \
 && .venv/bin/python -m compileall -q bot jobs \
 && chmod -R a+rX .

FROM ${PYTHON}
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin deskhand \
 && useradd --system --uid 10002 --no-create-home --shell /usr/sbin/nologin deskhand-signer \
 && install -d -m 755 -o deskhand-signer /var/lib/deskhand-signer
COPY --from=build /app /app
WORKDIR /app
# Variables come from whoever starts the container, never from a file in it. Each process tells its health and its
# metrics on a port of its own.
ENV PATH=/app/.venv/bin:$PATH \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DESKHAND_ENV_FILE= \
    DESKHAND_METRICS=127.0.0.1:9464 \
    HOST=0.0.0.0
USER 10001
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.build_opener(u.ProxyHandler({})).open('http://127.0.0.1:9464/healthz', timeout=4)"]
ENTRYPOINT ["deskhand"]
CMD ["--help"]
