# handforge: `make demo` and `make test` need python3 and make, nothing else.

VENV   := .venv
PYTHON := $(VENV)/bin/python
STAMP  := $(VENV)/.installed
PYTHON3 := $(shell command -v python3 || command -v python3.11)
UV     := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
OUT    ?= runs/demo

# What `import bpy` needs from the system, by Debian's names.
BPY_LIBRARIES := libx11-6 libxrender1 libxfixes3 libxi6 libxkbcommon0 libsm6 libice6 libxext6 libgl1

.PHONY: help env demo test check bench clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

env: $(STAMP)  ## make the environment in .venv

demo: $(STAMP)  ## the whole DAG, small: hand, images, training, scores, page
	$(VENV)/bin/handforge run --recipe demo --out $(OUT)

test: $(STAMP) check  ## lint, types and all tests
	$(PYTHON) -m pytest -q --durations=15

check: $(STAMP)  ## lint and types only
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/pyright

bench: $(STAMP)  ## measure the renderer
	$(VENV)/bin/handforge bench render

clean:  ## remove the environment and the demo's output
	rm -rf $(VENV) .uv $(OUT)

$(STAMP): requirements.lock pyproject.toml | $(UV)
	$(UV) venv --quiet --allow-existing --python 3.11 $(VENV)
	UV_HTTP_TIMEOUT=600 $(UV) pip sync --python $(PYTHON) --require-hashes requirements.lock
	$(UV) pip install --quiet --python $(PYTHON) --no-deps --no-build-isolation -e .
	@$(PYTHON) -c 'import bpy' 2>/dev/null || $(MAKE) --no-print-directory libraries
	@touch $@

# uv from its wheel, by whichever of Python's own installers is there.
.uv/bin/uv:
	@$(PYTHON3) -m venv .uv 2>/dev/null && .uv/bin/python -m pip install --quiet uv \
	|| $(PYTHON3) -m pip install --quiet --target .uv uv 2>/dev/null \
	|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	     && apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null \
	     && rm -rf .uv && $(PYTHON3) -m venv .uv && .uv/bin/python -m pip install --quiet uv; } \
	|| { echo "handforge: python3 has neither venv nor pip; expected them, or uv on the PATH:" \
	     "apt-get install python3-venv"; exit 2; }

.PHONY: libraries
libraries:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && apt-get install -y -qq $(BPY_LIBRARIES) >/dev/null; fi
	@$(PYTHON) -c 'import bpy' || { echo "handforge: bpy lacks system libraries; run:" \
	  "apt-get install $(BPY_LIBRARIES)"; exit 2; }
