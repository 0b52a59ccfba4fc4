# The service, and the PgBouncer in front of its database. Nothing in it is secret; compose.yaml shows how it is run.

FROM python:3.11-slim-bookworm AS build
WORKDIR /app
RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH
COPY requirements.txt requirements-otel.txt ./
RUN pip install --no-cache-dir --disable-pip-version-check -r requirements.txt -r requirements-otel.txt
COPY . .
# The settings want a key; that of the service comes from its environment, and nothing of this one is kept.
RUN SECRET_KEY=$(python -c "import secrets; print(secrets.token_urlsafe(50))") python manage.py collectstatic --noinput \
    && python -m compileall -q .

FROM debian:bookworm-slim AS pgbouncer
RUN apt-get update && apt-get install --no-install-recommends -y pgbouncer && rm -rf /var/lib/apt/lists/*
USER postgres
EXPOSE 6432
CMD ["pgbouncer", "/etc/lectern/pgbouncer.ini"]

FROM python:3.11-slim-bookworm AS service
RUN useradd --uid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin lectern
WORKDIR /app
COPY --from=build /venv /venv
COPY --from=build /app /app
ENV PATH=/venv/bin:$PATH HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["python", "-m", "config.healthcheck"]
CMD ["sh", "-c", "exec gunicorn --config config/gunicorn.py --bind 0.0.0.0:${PORT:-8000} config.wsgi"]
