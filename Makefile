# File names here are relative: make cannot handle a path with blanks, and this folder may lie in one. For the same
# reason tools are called as modules of Python.

PORT ?= 8000
PYTHON := .venv/bin/python
TESTING := DJANGO_SETTINGS_MODULE=config.settings_test $(PYTHON)
unexport DJANGO_SETTINGS_MODULE
# Much of the suite waits: for processes, pages, locks. So it goes twice as fast in two processes.
IN_TWO := -n 2 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help setup run test check contract contract-tools sdk freeze release bench chaos failover db-stop

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' Makefile | expand -t 18

setup: .venv/installed-runtime .env ## Prepares what the service needs: .venv and .env
	@test -w . && test -r .env || { echo "This folder belongs to another user: go on as that user, or in a copy." >&2; exit 1; }

# While Python still loads, Ctrl-C has nothing to stop in order: it just ends, without a traceback.
QUIETLY := import runpy, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); \
	del sys.argv[0]; runpy.run_path(sys.argv[0], run_name="__main__")

run: setup ## Serves everything at http://127.0.0.1:8000; elsewhere: PORT=8001 make run
	@exec $(PYTHON) -c '$(QUIETLY)' manage.py run_local --stop-with-parent --port "$(PORT)"

test: .venv/installed-development ## The whole test suite
	@$(PYTHON) -m common.embedded_postgres stop var/postgres-test
	@$(PYTHON) -m pytest $(IN_TWO); status=$$?; $(PYTHON) -m common.embedded_postgres stop var/postgres-test; exit $$status

check: .venv/installed-development contract-tools ## Format, lint, types, boundaries, migrations, the published document, settings
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m mypy config common courses enrollments reviews contracts
	@$(PYTHON) -c "from importlinter.cli import lint_imports_command as lint; lint()" --no-logo
	@$(TESTING) manage.py makemigrations --check --dry-run; status=$$?; \
		$(PYTHON) -m common.embedded_postgres stop var/postgres-test; exit $$status
	@mkdir -p var && $(TESTING) manage.py spectacular --validate --fail-on-warn --file var/openapi.yaml
	@cmp var/openapi.yaml contracts/openapi.yaml || { echo "The published document is out of date: make contract" >&2; exit 1; }
	@$(PYTHON) -m contracts.gate check
	@SECRET_KEY=$$($(PYTHON) -c "import secrets; print(secrets.token_urlsafe(50))") HTTPS=true ALLOWED_HOSTS=example.org \
		$(PYTHON) manage.py check --deploy --fail-level WARNING

contract: .venv/installed-development contract-tools ## Publishes what the API is now in contracts/openapi.yaml, unless it breaks clients
	@mkdir -p var && $(TESTING) manage.py spectacular --validate --fail-on-warn --file var/openapi.yaml
	@$(PYTHON) -m contracts.gate publish var/openapi.yaml $(if $(DRAFT),--draft)

sdk: .venv/installed-development contract-tools ## Writes the Python and TypeScript clients of the API to var/sdk
	@$(PYTHON) -m contracts.gate sdk

freeze: .venv/installed-development contract-tools ## Keeps the published contract as a release that clients may depend on for ever
	@$(PYTHON) -m contracts.gate freeze

release: .venv/installed-development contract-tools ## Every gate before a release, and a table of what became of each
	@$(PYTHON) -m contracts.gate.release; status=$$?; $(PYTHON) -m common.embedded_postgres stop var/postgres-test; exit $$status

contract-tools: contracts/node_modules/.package-lock.json

contracts/node_modules/.package-lock.json: contracts/package-lock.json | .venv/installed-development
	@echo "Installing contracts/package-lock.json …"
	@$(PYTHON) -m contracts.gate.node && touch $@

bench: .venv/installed-development .venv/installed-peers .env ## Measures the service beside its peers
	@$(PYTHON) -m benchmarks

chaos: .venv/installed-development ## Kills whatever it is made of, under load, and checks what is left: SEED=7 make chaos
	@$(PYTHON) -m benchmarks.chaos $(if $(SEED),--seed "$(SEED)") $(if $(SECONDS),--seconds "$(SECONDS)") \
		$(if $(CLIENTS),--clients "$(CLIENTS)")

failover: .venv/installed-development ## Kills the primary of two databases under load; the standby takes over
	@$(PYTHON) -m benchmarks.failover

db-stop: .venv/installed-runtime ## Stops the embedded databases of this folder; their data stays
	@$(PYTHON) -m common.embedded_postgres stop var/postgres var/postgres-test

.env: | .venv/installed-runtime
	@umask 077; \
	$(PYTHON) -c "import secrets; print('SECRET_KEY=' + secrets.token_urlsafe(50))" > .env.new && \
	printf 'HTTPS=false\nALLOWED_HOSTS=127.0.0.1,localhost\n' >> .env.new && \
	mv .env.new .env

# A .venv whose Python is gone, by an upgrade of the system say, is no .venv.
.venv/installed-runtime .venv/installed-development: $(if $(shell test -x $(PYTHON) && echo usable),,anew)

.PHONY: anew
anew:

.venv/installed-runtime: requirements.txt
	$(call install,requirements.txt)

.venv/installed-development: requirements.txt requirements-otel.txt requirements-dev.txt
	$(call install,requirements-dev.txt)
	@touch .venv/installed-runtime

.venv/installed-peers: benchmarks/peers/requirements.txt .venv/installed-development
	$(call install,benchmarks/peers/requirements.txt)

# While .venv/installing is there, .venv is unfinished. It names the process at work: one that still lives is waited
# for; what a killed one left is thrown away, as nobody knows what of it is whole. (A status of 128 or more: killed.)
define install
@set -e; \
test -w . || { echo "This folder belongs to another user: go on as that user, or in a copy." >&2; exit 1; }; \
other=$$(cat .venv/installing 2>/dev/null || true); tries=0; \
while [ $$tries -lt 300 ] && kill -0 "$$other" 2>/dev/null; do \
	[ $$tries -gt 0 ] || echo "Process $$other is installing here; waiting for it, up to five minutes …"; \
	sleep 1; tries=$$((tries + 1)); other=$$(cat .venv/installing 2>/dev/null || true); \
done; \
if [ -e .venv/installing ] || ! $(PYTHON) -m pip --version >/dev/null 2>&1; then \
	for python in python3 python3.14 python3.13 python3.12 python3.11 none; do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then break; fi; \
	done; \
	[ $$python != none ] || { echo "Python 3.11 or newer is needed, and not found." >&2; exit 1; }; \
	rm -rf .venv; mkdir .venv; echo $$$$ > .venv/installing; \
	echo "Making .venv with $$($$python --version) …"; \
	$$python -m venv .venv > .venv/venv.log 2>&1 || { cat .venv/venv.log >&2; rm -rf .venv; \
		echo "This Python cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }; \
fi; \
echo "Installing $(1) …"; \
sh -c 'echo $$$$ > .venv/installing; exec $(PYTHON) -m pip install --quiet --disable-pip-version-check -r $(1)' || { \
	[ $$? -ge 128 ] || rm .venv/installing; \
	echo "pip could not install $(1); the reason is above. Try again with the same command." >&2; exit 1; }; \
rm .venv/installing; touch $@
endef
