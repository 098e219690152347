"""Compiled log densities that are kept: the same numbers, and no second compilation."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import nutpie
import pymc as pm
import pytensor.tensor as pt
import pytest
from nutpie import compile_pymc as of_nutpie

from bayes_alliance.density import compile_model

ROWS, OTHER = 4, 7


def contents(rows: int) -> dict[str, np.ndarray]:
    """Contents of containers of every kind that the package has."""
    rng = np.random.default_rng(rows)
    return {
        "x": rng.normal(size=(rows, 2)),
        "y": rng.normal(size=rows),
        "group": rng.integers(0, 3, size=rows),
        "shift": np.array(0.5),
    }


def model() -> pm.Model:
    """A regression with effects of groups."""
    with pm.Model(coords={"of": ["a", "b"], "group_level": range(3)}) as made:
        x = {name: pm.Data(name, value) for name, value in contents(ROWS).items()}
        slope = pm.Normal("slope", dims="of")
        effect = pm.ZeroSumNormal("effect", dims="group_level")
        sigma = pm.HalfNormal("sigma")
        mean = pt.sum(x["x"] * slope, axis=1) + effect[x["group"]] + x["shift"]
        pm.Normal("y_observed", mean, sigma, observed=x["y"])
    return made


def at(compiled, point: np.ndarray) -> list[float]:
    """Value and gradient, as the sampler gets them."""
    gradient, value = np.zeros_like(point), np.zeros(1)
    pointers = [v.ctypes.data_as(ctypes.POINTER(ctypes.c_double)) for v in (point, gradient, value)]
    code = compiled.compiled_logp_func.ctypes(point.size, *pointers, compiled.user_data.ctypes.data)
    assert code == 0
    return [*value.tolist(), *gradient.tolist()]


def numbers() -> dict:
    """What a process gets, of the data that it compiled with and of others."""
    compiled = compile_model(model())
    point = np.linspace(-1, 1, compiled.n_dim)
    drawn = nutpie.sample(compiled, draws=20, tune=50, chains=1, seed=1, progress_bar=False)
    return {
        "found": [
            of._cache_hits for of in (compiled.compiled_logp_func, compiled.compiled_expand_func)
        ],
        "own": at(compiled, point),
        "other": at(compiled.with_data(**contents(OTHER)), point),
        "draws": drawn["posterior"]["slope"].to_numpy().ravel().tolist(),
    }


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    """The same in two processes, one after the other, that share an empty folder."""
    folder = tmp_path_factory.mktemp("compiled")
    code = "import json, test_density; print(json.dumps(test_density.numbers()))"
    out = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parent,
            env={**os.environ, "PYTENSOR_FLAGS": f"base_compiledir={folder}"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        out.append(json.loads(done.stdout.splitlines()[-1]))
    return out


def test_the_second_process_compiles_nothing(processes: list[dict]) -> None:
    first, second = processes
    assert first["found"] == [0, 0]
    assert second["found"] == [1, 1]


def test_what_was_kept_gives_the_same_numbers_to_the_bit(processes: list[dict]) -> None:
    first, second = processes
    for name in ("own", "other", "draws"):
        assert first[name] == second[name], name


def test_values_and_gradients_are_those_of_nutpie_and_of_pymc(processes: list[dict]) -> None:
    plain = nutpie.compile_pymc_model(model())
    point = np.linspace(-1, 1, plain.n_dim)
    np.testing.assert_allclose(processes[0]["own"], at(plain, point), rtol=1e-12)
    other = plain.with_data(**contents(OTHER))
    np.testing.assert_allclose(processes[0]["other"], at(other, point), rtol=1e-12)

    made = model()
    density = made.logp_dlogp_function(ravel_inputs=True)
    density.set_extra_values({})
    value, gradient = density(point)
    np.testing.assert_allclose(processes[0]["own"], [float(value), *gradient], rtol=1e-10)


def test_nutpie_is_left_as_it_was() -> None:
    before = of_nutpie._make_c_logp_func, of_nutpie._make_c_expand_func
    with pytest.raises(AttributeError):
        compile_model(None)
    assert (of_nutpie._make_c_logp_func, of_nutpie._make_c_expand_func) == before
