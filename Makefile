# Set-up happens by itself: .venv is made once, and installed again only when pyproject.toml or constraints.txt changed.
PYTHON ?= python3
PRESET ?= classroom
TF ?= cpu
RUN ?= runs/$(PRESET)
ARGS ?=
JOBS ?= 2

JAX_NAMES ?= resnet_small resnet10 signet tcn transformer

READY := .venv/.installed-$(TF)
SKIP_SLOW := $(if $(or $(CI),$(filter 1,$(SLOW))),,-m "not slow")

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo app test browser jax lint hooks clean

help:
	@echo "make demo    world -> training -> evaluation -> report   (PRESET=smoke|classroom|study, RUN=folder, ARGS=--fresh)"
	@echo "make app     the web demo on this machine: draw, sign, verify, learn   (RUN=folder)"
	@echo "make test    the quick tests; SLOW=1 adds those that train a model or run a notebook"
	@echo "make browser the web demo's tests, in this machine's Chromium"
	@echo "make jax     the networks' contract under Keras's JAX backend, in .venv-jax   (JAX_NAMES=--all for every network)"
	@echo "make lint    ruff and mypy"
	@echo "make hooks   makes Git refuse images, weights, archives and notebook outputs in this clone"
	@echo "make clean   removes .venv, .venv-jax and caches, keeps runs/"
	@echo "For all:     PYTHON=python3.12 chooses the interpreter, TF=gpu the TensorFlow for NVIDIA GPUs (Linux; not tried)"

$(READY): pyproject.toml constraints.txt
	@case "$(TF)" in cpu|gpu) ;; *) echo "error: TF=$(TF) is unknown; use TF=cpu or TF=gpu" >&2; exit 2 ;; esac
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null || \
	  { echo "error: '$(PYTHON)' is not Python 3.11, 3.12 or 3.13; name one that is, e.g. make PYTHON=python3.12" >&2; exit 2; }
	@for other in .venv/.installed-cpu .venv/.installed-gpu; do \
	  if [ -e "$$other" ] && [ "$$other" != "$@" ]; then echo "another TensorFlow is wanted: starting .venv over"; rm -rf .venv; fi; done
	@test -x .venv/bin/python || { echo "making .venv ..."; $(PYTHON) -m venv .venv; }
	@echo "installing Paraph and its pinned dependencies (some minutes the first time) ..."
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check -e ".[$(TF),dev]" -c constraints.txt
	@touch $@

demo: $(READY)
	@.venv/bin/python -m pipelines demo --preset $(PRESET) --run $(RUN) $(ARGS)

.venv/.installed-app: $(READY)
	@echo "installing Gradio for the web demo ..."
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check -e ".[$(TF),dev,app]" -c constraints.txt
	@touch $@

.venv/.installed-browser: .venv/.installed-app
	@echo "installing Playwright to try the web demo in this machine's Chromium ..."
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check -e ".[$(TF),dev,browser]" -c constraints.txt
	@touch $@

browser: .venv/.installed-browser
	@.venv/bin/python -m pytest tests/test_pipelines_app.py tests/test_pipelines_browser.py $(ARGS)

app: .venv/.installed-app
	@.venv/bin/python -m pipelines app --run $(RUN) $(ARGS)

test: $(READY)
	@.venv/bin/python -m pytest -n $(JOBS) --dist loadfile --max-worker-restart 0 $(SKIP_SLOW) $(ARGS)

.venv-jax/.installed: constraints.txt
	@test -x .venv-jax/bin/python || $(PYTHON) -m venv .venv-jax
	@.venv-jax/bin/python -m pip install --quiet --disable-pip-version-check "jax[cpu]" keras numpy -c constraints.txt
	@touch $@

jax: .venv-jax/.installed
	@KERAS_BACKEND=jax .venv-jax/bin/python -m models.checks $(JAX_NAMES)

lint: $(READY)
	@.venv/bin/python -m ruff check .
	@.venv/bin/python -m ruff format --check .
	@.venv/bin/python -m mypy

hooks:
	@git config core.hooksPath .githooks && echo "installed: Git runs .githooks/pre-commit before every commit"

clean:
	rm -rf .venv .venv-jax .pytest_cache .ruff_cache .mypy_cache .hypothesis build dist
	find synth models pipelines tests notebooks -name __pycache__ -type d -prune -exec rm -rf {} +
