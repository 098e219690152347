"""Every theory and the hazard of formation: written without help, and the numbers of PyMC's graph.

The reference is the log density and gradient that PyMC makes, evaluated as they are, by Python.
"""

from __future__ import annotations

import ctypes
import functools
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from pymc.initial_point import make_initial_point_fn
from pytensor.compile.mode import Mode

from bayes_alliance import density
from bayes_alliance.data import load
from bayes_alliance.data.panel import panel
from bayes_alliance.forecast import formation
from bayes_alliance.forecast.formation import check_years
from bayes_alliance.forecast.parameters import Carried
from bayes_alliance.machine.program import Entry
from bayes_alliance.process.priors import load_priors
from bayes_alliance.theories import NAMES, build

PLAIN = Mode("py", optimizer=None)
DOUBLES = ctypes.POINTER(ctypes.c_double)
BOTH = ("europe", "asia")
CASES = [
    *((theory, BOTH) for theory in NAMES),
    ("occupation", ("asymmetric",)),
    ("null", ("asymmetric",)),
]


def hazard(theory: str) -> pm.Model:
    """Hazard of formation in the years of major powers, with what drives it by a theory."""
    years = check_years(panel(), ("major", "decisions"))
    rows = formation._arrays(years, (years["major"] == 1).to_numpy())
    priors = load_priors(theory)
    names = formation._asked(theory, priors.options, years)
    kinds = {name: priors.parameters[name]["distribution"] for name in names}
    carried = Carried(kinds, np.full(len(names), 0.2), 0.3 * np.tri(len(names)))
    return formation._model(theory, priors.options, carried, load_priors(formation.MODEL), rows)


def points(model: pm.Model) -> Iterator[np.ndarray]:
    """The initial point and five about it."""
    rng = np.random.default_rng(5)
    start = make_initial_point_fn(model=model, return_transformed=True)(0)
    flat = np.concatenate([np.ravel(v) for v in start.values()]).astype(float)
    yield flat
    for scale in (0.1, 0.3, 0.3, 1.0, 1.0):
        yield flat + scale * rng.normal(size=flat.size)


def of_pymc(model: pm.Model) -> Callable[..., list[np.ndarray]]:
    """Log density, then gradient, by PyMC."""
    seen: list[Any] = [model.rvs_to_values[rv] for rv in model.free_RVs]
    # term by term: Python's evaluation adds at most 32 numbers at once
    density = functools.reduce(operator.add, map(pt.sum, model.logp(sum=False)))
    outputs = [density, *pytensor.grad(density, seen)]
    return pytensor.function(seen, outputs, mode=PLAIN, on_unused_input="ignore")


def draws_of_pymc(model: pm.Model, names: list[str]) -> Callable[..., list[np.ndarray]]:
    """Draws of the named variables, by PyMC."""
    seen: list[Any] = [model.rvs_to_values[rv] for rv in model.free_RVs]
    by_name = {v.name: v for v in model.unobserved_value_vars}
    outputs = [by_name[name] for name in names]
    return pytensor.function(seen, outputs, mode=PLAIN, on_unused_input="ignore")


def compare(model: pm.Model) -> None:
    """Assert that values, gradients and draws are the same; nothing is left to Numba."""
    at_start = make_initial_point_fn(model=model, return_transformed=True)
    kept = density.write(model, at_start(0), [str(rv.name) for rv in model.free_RVs])
    made = density._ready(model, set(), kept)
    assert isinstance(made.compiled_logp_func, Entry)
    shapes = [v.shape for v in at_start(0).values()]
    ends = np.cumsum([int(np.prod(shape, dtype=int)) for shape in shapes])[:-1]
    density_of_pymc, names = of_pymc(model), made.shape_info[0]
    draws = draws_of_pymc(model, names)
    for point in points(model):
        parts = [v.reshape(s) for v, s in zip(np.split(point, ends), shapes, strict=True)]
        value, gradient, drawn = np.zeros(1), np.zeros(made.n_dim), np.zeros(made.n_expanded)
        x, g, v, d = (a.ctypes.data_as(DOUBLES) for a in (point, gradient, value, drawn))
        held = made.user_data.ctypes.data
        assert made.compiled_logp_func.ctypes(point.size, x, g, v, held) == 0
        assert made.compiled_expand_func.ctypes(point.size, drawn.size, x, d, held) == 0
        wanted = density_of_pymc(*parts)
        np.testing.assert_allclose(value[0], wanted[0], rtol=1e-10)
        slopes = np.concatenate([np.ravel(v) for v in wanted[1:]])
        # an element of the gradient may be a small sum of large terms
        np.testing.assert_allclose(gradient, slopes, rtol=1e-10, atol=1e-12 * abs(slopes).max())
        wanted = np.concatenate([np.ravel(v) for v in draws(*parts)])
        np.testing.assert_allclose(drawn, wanted, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("theory", "data"), CASES, ids=lambda v: v if isinstance(v, str) else v[0])
def test_values_and_gradients_of_theories_are_those_of_pymc(theory, data):
    compare(build(theory, load(*data)))


@pytest.mark.parametrize("theory", ["null", "threat", "occupation"])
def test_values_and_gradients_of_the_hazard_are_those_of_pymc(theory):
    compare(hazard(theory))
