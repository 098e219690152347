# Needs make and a Python >= 3.12, which scripts/find-python looks for; `make PYTHON=... setup`
# names one. Every target that runs something sets up .venv first.

# Nothing of an environment that happens to be active may reach the one made here.
unexport PYTHONHOME PYTHONPATH VIRTUAL_ENV PIP_CONSTRAINT PIP_PREFIX PIP_TARGET PIP_USER

.PHONY: help report reference fits calibration recovery exact findings formation study backtest bench prior dataset fuzz kill test side lint setup clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

report: setup ## fit, compare and check the theories on the bundled data; write reports/latest
	.venv/bin/bayes-alliance reproduce --out reports/latest --study benchmarks/study/europe+asia.json

reference: report ## store the report's numbers in reports/reference and show them in the README
	.venv/bin/python scripts/update_readme.py

fits: setup ## fit every theory to every dataset; write docs/fits.md and docs/hypotheses.md
	.venv/bin/python benchmarks/fits.py

calibration: setup ## check by simulation that the posteriors are calibrated; write docs/calibration.md
	.venv/bin/python benchmarks/calibration.py

recovery: setup ## check by simulation that theories are told apart; write docs/recovery.md
	.venv/bin/python benchmarks/recovery.py

study: setup ## fit and compare under every choice of coding, frames and priors; write docs/study.md
	.venv/bin/python benchmarks/study.py

exact: setup ## leave every case out in turn; write docs/exact.md
	.venv/bin/python benchmarks/exact.py

formation: setup ## fit how often decisions arise, and leave out every decade; write docs/formation.md
	.venv/bin/python benchmarks/formation.py

backtest: setup ## forecast from origins in the past and score it; write docs/backtest.md
	.venv/bin/python benchmarks/backtest.py

findings: setup ## fit, score and check on every dataset; write docs/findings.md
	.venv/bin/python benchmarks/findings.py

bench: setup ## measure how fast this package and others are (half an hour); write docs/speed.md
	.venv/bin/python -m pip install -qq --disable-pip-version-check --no-input \
	    -c constraints.txt -e '.[bench]'
	.venv/bin/python benchmarks/speed.py

prior: setup ## draw from every theory's priors; write docs/prior.md
	.venv/bin/python scripts/update_prior.py

dataset: setup ## write docs/dataset.md from the coded tables
	.venv/bin/python scripts/update_dataset.py

test: setup ## run the tests
	.venv/bin/python -m pytest -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

fuzz: setup ## try 50,000 seeded mutations (COUNT, SEED, SUBJECT); write docs/reliability.md
	.venv/bin/python tests/fuzz/fuzzing.py --count $${COUNT:-50000} --seed $${SEED:-1} \
	    $${SUBJECT:+--subject "$$SUBJECT"} $$([ -n "$$SUBJECT" ] || echo --out benchmarks/reliability/fuzz.json)
	.venv/bin/python scripts/update_reliability.py

kill: setup ## end 100 commands (COUNT, SEED) at random moments; write docs/reliability.md
	.venv/bin/python tests/kill/kill.py --count $${COUNT:-100} --seed $${SEED:-1} \
	    --out benchmarks/reliability/kill.json
	.venv/bin/python scripts/update_reliability.py

side: setup ## run four theories with three priors in eight threads, and compare with each alone
	BAYES_ALLIANCE_FULL=1 .venv/bin/python -m pytest tests/test_side_by_side.py

lint: setup ## check the format, the style and the types
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy

# The stamp is written last and says where and for what the environment was made: one that is half
# made, broken, copied from another folder or meant for another Python is made anew; one that is
# only out of date is brought up to date.
setup: ## make or update .venv (the others do this themselves)
	@place=$$(pwd -P); \
	wanted=$$(cksum <.python-version); \
	files=$$(cat pyproject.toml constraints.txt | cksum); \
	line() { sed -n "$$1p" .venv/.installed; }; \
	if [ -f .venv/.installed ] && [ -x .venv/bin/bayes-alliance ] && \
	    [ "$$(line 1)" = "$$place" ] && [ "$$(line 2)" = "$$wanted" ] && \
	    { [ -z "$$PYTHON" ] || [ "$$(line 3)" = "$$PYTHON" ]; } && \
	    .venv/bin/python -c 'import importlib.metadata, pip; importlib.metadata.version("bayes-alliance")' 2>/dev/null; \
	then \
	    [ "$$(line 4)" != "$$files" ] || exit 0; \
	    made=$$(line 3); \
	else \
	    python=$$(sh scripts/find-python) || exit 2; \
	    made=$$PYTHON; \
	    echo "Making .venv with $$python"; \
	    rm -rf .venv && "$$python" -m venv .venv || exit 2; \
	fi; \
	rm -f .venv/.installed; \
	echo "Installing what pyproject.toml asks for, in the versions of constraints.txt (some minutes at first)"; \
	.venv/bin/python -m pip install -qq --disable-pip-version-check --no-input \
	    -c constraints.txt -e '.[test]' || exit 2; \
	printf '%s\n' "$$place" "$$wanted" "$$made" "$$files" > .venv/.installed

clean: ## remove .venv, build outputs and the tools' caches; reports stay
	rm -rf .venv build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
