# The two commands of the README are `make run` and `make test`. Works with GNU make 3.81 and newer.

SHELL = /bin/sh
VENV = .venv
BIN = $(VENV)/bin
PAGE = hailwhale/static/index.html
JS_SOURCES = $(shell find js -type d \( -name node_modules -o -name coverage -o -name dist \) -prune -o -type f -print 2>/dev/null)
# How long `make fuzz` looks at each target.
SECONDS_EACH = 60
# One more than there are cores, as tests wait for servers and browsers; and no more than four: each starts a
# server of its own of every kind.
CORES := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
PROCESSES = -n $$(($(CORES) + 1)) --maxprocesses 4 --dist loadfile --no-loadscope-reorder
PIP = $(BIN)/python -m pip --disable-pip-version-check -qq

.PHONY: help run test bench soak fuzz lint page pictures dist clean

help:
	@echo 'make run    start HailWhale with a year of flights, at http://127.0.0.1:8085/'
	@echo 'make test   everything that must hold: lint, types, JavaScript, Python, the page in a browser'
	@echo 'make lint   ruff and mypy alone'
	@echo 'make bench  measure, each figure beside its baseline'
	@echo 'make soak   kill drainers, servers and engines 2,000 times, and count what is left'
	@echo 'make fuzz   look for inputs that no parser has met, a minute for each'
	@echo 'make page   build the page (js/) into the package'
	@echo 'make pictures  take the pictures of the documentation anew'
	@echo 'make dist   a wheel and a source distribution in dist/'
	@echo 'make clean  remove everything that make made'

run: $(VENV)/.run $(PAGE)
	@exec $(BIN)/hailwhale demo

# pytest comes last: its closing line ends the output. A file stays in one process, for what its tests share; files are
# taken in their order, for the slow ones are not the ones with many tests.
test: $(VENV)/.test $(PAGE)
	@tools/install-servers $(BIN)/playwright
	$(MAKE) lint
	cd js && npm test
	$(BIN)/python -m pytest $(PROCESSES) --cov --cov-report=term

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(VENV)/.test
	$(BIN)/python -m tests.benchmarks

soak: $(VENV)/.test
	$(BIN)/python -m tests.killing --rounds 2000

fuzz: $(VENV)/.test
	$(BIN)/python -m tests.fuzzing --seconds $(SECONDS_EACH)

page: $(PAGE)

pictures: $(VENV)/.test $(PAGE)
	@tools/install-servers $(BIN)/playwright
	$(BIN)/python -m tests.pictures

dist: $(VENV)/.test $(PAGE)
	rm -rf build dist
	$(BIN)/python -m build --no-isolation

clean:
	rm -rf $(VENV) build dist hailwhale.egg-info hailwhale/static js/node_modules js/coverage js/dist
	rm -rf .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache htmlcov
	find hailwhale tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.made: tools/find-python
	@python=$$(PYTHON="$(PYTHON)" tools/find-python) && echo "making $(VENV) with $$python" && \
		rm -rf $(VENV) && "$$python" -m venv $(VENV)
	@$(PIP) install --upgrade pip
	@touch $@

$(VENV)/.run: $(VENV)/.made pyproject.toml setup.py
	@echo 'installing hailwhale into $(VENV)'
	@$(PIP) install -e '.[decide]'
	@touch $@

$(VENV)/.test: $(VENV)/.run pyproject.toml
	@echo 'installing what the tests need into $(VENV)'
	@$(PIP) install -e '.[test]'
	@touch $@

js/node_modules/.made: js/package.json js/package-lock.json
	@tools/find-node
	cd js && npm ci --no-audit --no-fund
	@touch $@

$(PAGE): js/node_modules/.made $(JS_SOURCES)
	cd js && npm run build
	@touch $@
