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
import pytensor
import pytensor.tensor as pt
import pytest
from nutpie import compile_pymc as of_nutpie

from bayes_alliance import density
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
    made = {"noted": compile_model(model(), "a regression"), "plain": compile_model(model())}
    return {
        "found": {
            name: [entry._cache_hits for entry in (of.compiled_logp_func, of.compiled_expand_func)]
            for name, of in made.items()
        },
        "graphs": {name: of.logp_func is not None for name, of in made.items()},
        **{name: of_both(of) for name, of in made.items()},
    }


def of_both(compiled) -> dict[str, list[float]]:
    """Values, gradients and draws of a compiled model."""
    point = np.linspace(-1, 1, compiled.n_dim)
    drawn = nutpie.sample(compiled, draws=20, tune=50, chains=1, seed=1, progress_bar=False)
    return {
        "own": at(compiled, point),
        "other": at(compiled.with_data(**contents(OTHER)), point),
        "draws": drawn["posterior"]["slope"].to_numpy().ravel().tolist(),
        "effects": drawn["posterior"]["effect"].sel(group_level=2).to_numpy().ravel().tolist(),
    }


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    """The same in processes that share a folder: empty, full, with notes but without their code."""
    folder = tmp_path_factory.mktemp("compiled")
    code = "import json, test_density; print(json.dumps(test_density.numbers()))"
    out = []
    for when in ("empty", "full", "notes"):
        if when == "notes":
            for file in (folder / "numba").glob("*.nb?"):
                file.unlink()
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
    first, second, _ = processes
    assert first["found"]["noted"] == [0, 0]
    assert second["found"] == {"noted": [1, 1], "plain": [1, 1]}


def test_what_is_noted_needs_no_graph_as_long_as_its_code_is_there(processes: list[dict]) -> None:
    assert [made["graphs"]["noted"] for made in processes] == [True, False, True]
    assert all(made["graphs"]["plain"] for made in processes)


def test_a_broken_note_is_as_none(tmp_path: Path) -> None:
    note = tmp_path / "note.json"
    note.write_text('{"written": ', encoding="utf-8")
    assert density._found(note, model(), {}) is None


def test_notes_are_of_this_code_and_of_what_a_model_is_made_of(monkeypatch, tmp_path) -> None:
    noted = []
    monkeypatch.setattr(density, "_found", lambda note, *_: noted.append(note.name) or "found")
    compile_model(model(), "one")
    compile_model(model(), "other")
    monkeypatch.setattr(density, "CODE", density.CODE[::-1])
    compile_model(model(), "one")
    assert len(set(noted)) == 3


def test_what_a_note_cannot_name_is_not_noted(tmp_path: Path) -> None:
    with pm.Model() as made:
        scale = pytensor.shared(2.0, name="scale")
        pm.Normal("x", 0, scale)
    with density._kept() as written:
        compiled = nutpie.compile_pymc_model(made, cache=True)
    density._note(tmp_path / "note.json", made, compiled, written)
    assert not list(tmp_path.iterdir())


def test_what_was_kept_gives_the_same_numbers_to_the_bit(processes: list[dict]) -> None:
    for made in processes:
        for kind in ("plain", "noted"):
            assert made[kind] == processes[0]["plain"], kind


def test_values_and_gradients_are_those_of_nutpie_and_of_pymc(processes: list[dict]) -> None:
    plain, kept = nutpie.compile_pymc_model(model()), processes[0]["plain"]
    point = np.linspace(-1, 1, plain.n_dim)
    np.testing.assert_allclose(kept["own"], at(plain, point), rtol=1e-12)
    other = plain.with_data(**contents(OTHER))
    np.testing.assert_allclose(kept["other"], at(other, point), rtol=1e-12)

    made = model()
    of_pymc = made.logp_dlogp_function(ravel_inputs=True)
    of_pymc.set_extra_values({})
    value, gradient = of_pymc(point)
    np.testing.assert_allclose(kept["own"], [float(value), *gradient], rtol=1e-10)


NAMELESS = """
import numba
from bayes_alliance.density import compile_numba_function_src, numba_njit

inner = '''
def inner(x):
    if x < 0:
        raise ValueError(f"{x} is below 0")
    return x + 1
'''
inner = numba_njit(compile_numba_function_src(inner, "inner", {}))
outer = "def outer(x): return inner(x)"
outer = compile_numba_function_src(outer, "outer", {"inner": inner}, cache_key="nameless")
outer = numba.njit(cache=True)(outer)
print(outer(2), sum(outer.stats.cache_hits.values()))
"""


def test_code_of_no_module_is_found_again(tmp_path: Path) -> None:
    for hits in (0, 1):
        done = subprocess.run(
            [sys.executable, "-c", NAMELESS],
            env={**os.environ, "PYTENSOR_FLAGS": f"base_compiledir={tmp_path}"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout == f"3 {hits}\n", done.stderr[-3000:]


def test_nutpie_is_left_as_it_was() -> None:
    before = of_nutpie._make_c_logp_func, of_nutpie._make_c_expand_func
    with pytest.raises(AttributeError):
        compile_model(None)
    assert (of_nutpie._make_c_logp_func, of_nutpie._make_c_expand_func) == before
