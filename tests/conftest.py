"""One small fit a theory, shared by all tests of the models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
import xarray as xr
from hypothesis import settings
from pytensor.graph.replace import graph_replace

from bayes_alliance.data import Data, load
from bayes_alliance.fit import fit
from bayes_alliance.theories import MAIN, NAMES, build

settings.register_profile("fixed", derandomize=True)  # what passes once passes again
settings.load_profile("fixed")

SMALL = {"draws": 300, "tune": 500, "chains": 2, "seed": 1}


@pytest.fixture(scope="session")
def data() -> Data:
    """All bundled cases."""
    return load("europe", "asia")


@pytest.fixture(scope="session")
def fits(data: Data) -> dict[str, xr.DataTree]:
    """A small fit of every theory."""
    return {theory: fit(theory, data, **SMALL) for theory in MAIN}


@pytest.fixture(scope="session")
def models(data: Data) -> dict[str, pm.Model]:
    """A model of every theory, for tests that change containers (and put them back)."""
    return {theory: build(theory, data) for theory in NAMES}


@pytest.fixture(scope="session")
def contents() -> Callable:
    """Other contents of a model's containers, for the length of a with statement."""

    @contextmanager
    def change(model: pm.Model, **values: np.ndarray) -> Iterator[None]:
        before = {name: model[name].get_value() for name in values}
        for name, value in values.items():
            model[name].set_value(np.asarray(value, dtype=before[name].dtype))
        try:
            yield
        finally:
            for name, value in before.items():
                model[name].set_value(value)

    return change


@pytest.fixture(scope="session")
def plain() -> Callable:
    """Compile graphs of numpy inputs in the simplest way there is."""

    def compile_(inputs: list, outputs) -> Callable:
        return pytensor.function(inputs, outputs, mode="FAST_COMPILE", on_unused_input="ignore")

    return compile_


@pytest.fixture(scope="session")
def pointwise(models: dict[str, pm.Model]) -> Callable:
    """Log-likelihood of every observed variable, and any deterministic, at one point.

    Unlike `bayes_alliance.process.integrated` this neither vectorises nor integrates.
    """
    made: dict[tuple[str, tuple[str, ...]], Callable] = {}

    def at(theory: str, point: dict[str, np.ndarray], *extras: str) -> dict[str, np.ndarray]:
        model = models[theory]
        if (theory, extras) not in made:
            inputs = {rv: pt.tensor(rv.name, shape=rv.type.shape) for rv in model.free_RVs}
            graphs = {rv.name: pm.logp(rv, model.rvs_to_values[rv]) for rv in model.observed_RVs}
            graphs |= {name: model[name] for name in extras}
            outputs = graph_replace(list(graphs.values()), inputs, strict=False)
            function = pytensor.function(
                [pytensor.In(v, name=v.name) for v in inputs.values()],
                outputs,
                mode="FAST_COMPILE",
                on_unused_input="ignore",
            )
            made[theory, extras] = lambda **values: dict(
                zip(graphs, function(**values), strict=True)
            )
        names = [rv.name for rv in model.free_RVs]
        return made[theory, extras](**{name: point[name] for name in names})

    return at


@pytest.fixture(scope="session")
def points(fits: dict[str, xr.DataTree], models: dict[str, pm.Model]) -> Callable:
    """Some posterior draws of a theory (prior ones of a rival) as dictionaries of arrays."""

    def some(theory: str, count: int) -> list[dict[str, np.ndarray]]:
        if theory not in fits:
            free = models[theory].free_RVs
            return [
                dict(zip([rv.name for rv in free], pm.draw(free, random_seed=i + 1), strict=True))
                for i in range(count)
            ]
        posterior = fits[theory]["posterior"].to_dataset()
        flat = posterior.stack(sample=("chain", "draw")).transpose("sample", ...)
        chosen = np.linspace(0, flat.sizes["sample"] - 1, count).astype(int)
        return [{str(n): v.to_numpy()[i] for n, v in flat.data_vars.items()} for i in chosen]

    return some
