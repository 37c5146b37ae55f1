# Two stages: the first builds a virtual environment, the second carries it and nothing else.
FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /opt/forge
COPY requirements.lock pyproject.toml LICENSE README.md ./
COPY app app
COPY db db
COPY procedures procedures
COPY dashboard dashboard
RUN /opt/forge/bin/pip install --no-cache-dir --disable-pip-version-check -c requirements.lock .

FROM python:3.13-slim
LABEL org.opencontainers.image.title="Forge" org.opencontainers.image.licenses="MIT"
# A fixed number, so that "runAsNonRoot" can tell it from root; the name is for libpq.
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/forge forge
COPY --from=build /opt/forge /opt/forge
ENV PATH=/opt/forge/bin:$PATH PYTHONUNBUFFERED=1 FORGE_HOME=/var/lib/forge
USER 10001
WORKDIR /var/lib/forge
EXPOSE 8080
# "exec" form: SIGTERM reaches Forge itself, which then lets running jobs finish.
ENTRYPOINT ["forge"]
CMD ["--help"]
