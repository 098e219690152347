"""The Stan programs of the benchmark are the same models: equal log densities, but for a constant.

Needs PyStan in an environment of its own, which `make bench` makes; its place may be named by the
environment variable ``STAN_ENVIRONMENT``. Each program takes about a minute to compile, once.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from bayes_alliance.data import load
from bayes_alliance.theories import build

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
THEORIES = ("occupation", "prospect")


@pytest.fixture(scope="module")
def stan() -> Iterator[ModuleType]:
    """The module that writes Stan programs; it lies outside the package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield import_module("stan_model")


@pytest.mark.parametrize("theory", THEORIES)
def test_program_declares_every_parameter_of_the_model(stan: ModuleType, theory: str):
    text = stan.program(theory)
    block = text.split("parameters {", 1)[1].split("\n}", 1)[0]
    declared = {line.rsplit(" ", 1)[-1].rstrip(";") for line in block.splitlines() if line.strip()}
    assert declared == {rv.name for rv in build(theory, load("asymmetric")).free_RVs}


@pytest.mark.parametrize("theory", THEORIES)
def test_data_has_all_that_the_program_declares(stan: ModuleType, theory: str):
    block = stan.program(theory).split("\ndata {", 1)[1].split("\n}", 1)[0]
    declared = {
        line.split(";")[0].rsplit(" ", 1)[-1] for line in block.splitlines() if line.strip()
    }
    assert declared <= set(stan.stan_data(theory, load("asymmetric")))


@pytest.mark.parametrize("theory", THEORIES)
def test_log_density_is_equal_but_for_a_constant(stan: ModuleType, theory: str):
    if not stan.PYTHON.exists():
        pytest.skip("PyStan is not there; make bench installs it")
    found = import_module("equal").differences(theory, load("asymmetric"), 100)
    # 100 points drawn from the prior, where log densities are between -1e6 and -500
    assert np.ptp(found["difference"]) < 1e-8 * np.abs(found["log_density"]).max()
