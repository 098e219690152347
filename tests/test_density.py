"""Compiled log densities: the numbers of PyMC, kept on disk whole, and found by another process."""

from __future__ import annotations

import ctypes
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import nutpie
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymc.distributions.transforms import Ordered
from pymc.initial_point import make_initial_point_fn
from pytensor.compile.mode import Mode
from pytensor.graph.fg import FunctionGraph

from bayes_alliance import density
from bayes_alliance.density import Kept, compile_model
from bayes_alliance.machine import program
from bayes_alliance.machine.program import Entry
from bayes_alliance.machine.scalars import Unsupported

ROWS, OTHER = 4, 7
CODES = ("logp", "expand")
PLAIN = Mode("py", optimizer=None)


def contents(rows: int) -> dict[str, np.ndarray]:
    """Contents of containers of every kind that the package has."""
    rng = np.random.default_rng(rows)
    return {
        "x": rng.normal(size=(rows, 2)),
        "y": rng.normal(size=rows),
        "group": rng.integers(0, 3, size=rows),
        "shift": np.array(0.5),
    }


def regression(rows: int = ROWS) -> pm.Model:
    """A regression with effects of groups."""
    with pm.Model(coords={"of": ["a", "b"], "group_level": range(3)}) as made:
        x = {name: pm.Data(name, value) for name, value in contents(rows).items()}
        slope = pm.Normal("slope", dims="of")
        effect = pm.ZeroSumNormal("effect", dims="group_level")
        sigma = pm.HalfNormal("sigma")
        mean = pt.sum(x["x"] * slope, axis=1) + effect[x["group"]] + x["shift"]
        pm.Normal("y_observed", mean, sigma, observed=x["y"])
    return made


def at(compiled: Any, point: np.ndarray) -> list[float]:
    """Value and gradient, as the sampler gets them."""
    gradient, value = np.zeros_like(point), np.zeros(1)
    pointers = [v.ctypes.data_as(ctypes.POINTER(ctypes.c_double)) for v in (point, gradient, value)]
    code = compiled.compiled_logp_func.ctypes(point.size, *pointers, compiled.user_data.ctypes.data)
    assert code == 0
    return [*value.tolist(), *gradient.tolist()]


def drawn(compiled: Any, point: np.ndarray) -> dict[str, np.ndarray]:
    """What the draws are of a point."""
    out = np.zeros(compiled.n_expanded)
    pointers = [v.ctypes.data_as(ctypes.POINTER(ctypes.c_double)) for v in (point, out)]
    code = compiled.compiled_expand_func.ctypes(
        point.size, out.size, *pointers, compiled.user_data.ctypes.data
    )
    assert code == 0
    names, slices, shapes = compiled.shape_info
    return {n: out[s].reshape(shape) for n, s, shape in zip(names, slices, shapes, strict=True)}


def of_pymc(model: pm.Model) -> Callable[[np.ndarray], list[float]]:
    """Value and gradient by PyMC's graph as it is."""
    seen: list[Any] = [model.rvs_to_values[rv] for rv in model.free_RVs]
    value = model.logp()
    gradients = pytensor.grad(value, seen, disconnected_inputs="ignore")
    graph = pytensor.function(seen, [value, *gradients], mode=PLAIN, on_unused_input="ignore")
    shapes = [v.shape for v in start(model).values()]
    ends = np.cumsum([int(np.prod(shape, dtype=int)) for shape in shapes])[:-1]

    def evaluate(point: np.ndarray) -> list[float]:
        parts = [v.reshape(s) for v, s in zip(np.split(point, ends), shapes, strict=True)]
        return np.concatenate([np.ravel(v) for v in graph(*parts)]).tolist()

    return evaluate


def start(model: pm.Model) -> dict[str, np.ndarray]:
    """Where chains begin."""
    return make_initial_point_fn(model=model, return_transformed=True)(0)


def written(model: pm.Model) -> Kept:
    return density.write(model, start(model), [str(rv.name) for rv in model.free_RVs])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for what is compiled."""
    made = tmp_path / "compiled"
    monkeypatch.setattr(density, "FOLDER", made)
    return made


# --- in two processes -----------------------------------------------------------------------------


def numbers(found: bool) -> dict:
    """What a process gets, of the data that it compiled with and of others."""
    if found:
        del density.write, density.graph_of
    else:
        assert not list(density.FOLDER.parent.glob("bayes_alliance/*"))
    compiled = compile_model(regression(), "a regression")
    point = np.linspace(-1, 1, compiled.n_dim)
    sampled = nutpie.sample(compiled, draws=20, tune=50, chains=2, seed=1, progress_bar=False)
    return {
        "own": at(compiled, point),
        "other": at(compiled.with_data(**contents(OTHER)), point),
        "draws": sampled["posterior"]["slope"].to_numpy().ravel().tolist(),
        "effects": sampled["posterior"]["effect"].sel(group_level=2).to_numpy().ravel().tolist(),
        "dims": list(map(str, sampled["posterior"]["slope"].dims)),
    }


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    """The same in two processes that share a folder, which is empty for the first alone."""
    folder = tmp_path_factory.mktemp("compiled")
    out = []
    for found in (False, True):
        code = f"import json, test_density; print(json.dumps(test_density.numbers({found})))"
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


def test_the_second_process_writes_no_graph_and_gets_the_same_to_the_bit(processes):
    first, second = processes
    assert first == second
    assert first["dims"] == ["chain", "draw", "of"]


def test_what_was_compiled_by_another_process_is_what_this_one_compiles(processes):
    compiled = compile_model(regression())
    point = np.linspace(-1, 1, compiled.n_dim)
    assert at(compiled, point) == processes[0]["own"]
    assert at(compiled.with_data(**contents(OTHER)), point) == processes[0]["other"]


def test_other_numbers_of_rows_give_the_numbers_of_their_own_model(processes):
    other = compile_model(regression(OTHER))
    point = np.linspace(-1, 1, other.n_dim)
    assert processes[0]["other"] == at(other, point)


# --- numbers --------------------------------------------------------------------------------------


def test_values_and_gradients_are_those_of_pymc_and_of_nutpie():
    model = regression()
    compiled, other = compile_model(model), nutpie.compile_pymc_model(model)
    assert isinstance(compiled.compiled_logp_func, Entry)
    by_pymc = of_pymc(model)
    for point in (np.zeros(5), np.linspace(-1, 1, 5), np.linspace(3, -2, 5)):
        np.testing.assert_allclose(at(compiled, point), by_pymc(point), rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(at(compiled, point), at(other, point), rtol=1e-12, atol=1e-14)


def test_data_of_lengths_that_disagree_end_sampling():
    compiled = compile_model(regression())
    wrong = compiled.with_data(y=np.zeros(OTHER))
    with pytest.raises(Exception, match=r"(?i)logp|initial|error"):
        nutpie.sample(wrong, draws=5, tune=5, chains=1, seed=1, progress_bar=False)


def test_indices_beyond_their_levels_end_sampling():
    compiled = compile_model(regression())
    wrong = compiled.with_data(group=np.full(ROWS, 3))
    with pytest.raises(Exception, match=r"(?i)logp|initial|error"):
        nutpie.sample(wrong, draws=5, tune=5, chains=1, seed=1, progress_bar=False)


def transformed() -> pm.Model:
    """Free variables that are seen on another scale than they are drawn on."""
    with pm.Model() as made:
        pm.HalfNormal("half", 2.0, shape=3)
        pm.ZeroSumNormal("zero", shape=(2, 4))
        pm.ZeroSumNormal("long", shape=12)
        pm.Beta("share", 2, 3, shape=(2, 2))
        pm.Uniform("between", -1, 4)
        pm.Normal("plain", shape=(2, 3))
        pm.Flat("flat")
    return made


def ordered() -> pm.Model:
    with pm.Model() as made:
        pm.Normal("rising", shape=4, transform=Ordered(), initval=np.arange(4.0))
        pm.HalfNormal("half")
    return made


def simplex() -> pm.Model:
    with pm.Model() as made:
        pm.Dirichlet("shares", np.full(3, 2.0))
        pm.HalfNormal("half")
    return made


@pytest.mark.parametrize("make", [transformed, ordered, simplex])
def test_draws_are_what_pymc_makes_of_the_point(make):
    model = make()
    compiled = compile_model(model)
    values: list[Any] = [model.rvs_to_values[rv] for rv in model.free_RVs]
    rng = np.random.default_rng(1)
    at_start = start(model)
    point = {k: np.asarray(v + 0.3 * rng.normal(size=np.shape(v))) for k, v in at_start.items()}
    flat = np.concatenate([np.ravel(v) for v in point.values()])
    found = drawn(compiled, flat)
    for value, rv in zip(values, model.free_RVs, strict=True):
        np.testing.assert_array_equal(found[value.name], point[value.name])
        back = model.rvs_to_transforms[rv]
        if back is not None:
            graph = back.backward(pt.as_tensor(point[value.name]), *rv.owner.inputs)
            wanted = graph.eval(mode=PLAIN)
            np.testing.assert_allclose(found[rv.name], wanted, rtol=1e-13, atol=1e-15)
            assert found[rv.name].shape == wanted.shape
    np.testing.assert_allclose(at(compiled, flat), of_pymc(model)(flat), rtol=1e-11, atol=1e-13)


def test_the_variables_that_are_asked_for_are_drawn():
    compiled = compile_model(regression(), var_names=["sigma"])
    assert compiled.shape_info[0] == ["slope", "effect_zerosum__", "sigma_log__", "sigma"]


# --- what cannot be written -----------------------------------------------------------------------


def correlated() -> pm.Model:
    """A covariance, whose root is taken."""
    with pm.Model() as made:
        scale = pm.HalfNormal("scale")
        covariance = scale * np.eye(2) + 0.5
        pm.MvNormal("x", np.zeros(2), covariance)
    return made


def sorted_() -> pm.Model:
    with pm.Model() as made:
        x = pm.Normal("x", shape=3)
        pm.Normal("y", pt.sort(x), observed=[1.0, 2.0, 3.0])
    return made


def test_a_root_of_a_matrix_is_not_supported():
    with pytest.raises(Unsupported):
        written(correlated())


def test_what_is_not_supported_is_compiled_and_sampled_by_nutpie(folder):
    model = sorted_()
    with pytest.raises(Unsupported):
        written(model)
    compiled = compile_model(model, "what is not supported")
    assert not isinstance(compiled.compiled_logp_func, Entry)
    assert not folder.exists()
    sampled = nutpie.sample(compiled, draws=50, tune=100, chains=1, seed=1, progress_bar=False)
    assert np.isfinite(sampled["posterior"]["x"]).all()


def test_containers_that_the_model_does_not_know_are_not_taken_for_its_own():
    with pm.Model() as model:
        pm.Data("scale", np.array(5.0))
        scale = pytensor.shared(np.array(2.0), name="scale")
        pm.Normal("x", 0.0, scale)
    with pytest.raises(Unsupported, match="does not name"):
        written(model)
    value = at(compile_model(model), np.zeros(1))[0]
    assert value == pytest.approx(-0.5 * np.log(2 * np.pi) - np.log(2))


def test_whole_free_variables_are_refused():
    with pm.Model() as model:
        pm.Poisson("count", 3.0)
    with pytest.raises(Unsupported, match="doubles"):
        written(model)


# --- what is kept ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kept() -> Kept:
    return written(regression())


def test_what_is_kept_is_found_as_it_was(kept, tmp_path):
    file = tmp_path / "some" / "folder" / "kept.code"
    density._keep(file, kept, *CODES)
    assert density._find(file, Kept, *CODES) == kept
    assert [found.name for found in file.parent.iterdir()] == ["kept.code"]


def test_a_broken_truncated_or_foreign_file_is_as_none(kept, tmp_path):
    file = tmp_path / "kept.code"
    density._keep(file, kept, *CODES)
    whole = file.read_bytes()
    for place in np.linspace(0, len(whole) - 1, 200).astype(int):
        broken = bytearray(whole)
        broken[place] ^= 1
        file.write_bytes(broken)
        assert density._find(file, Kept, *CODES) is None
        file.write_bytes(whole[:place])
        assert density._find(file, Kept, *CODES) is None
    np.savez(tmp_path / "other.npz", logp=np.zeros(3))
    for foreign in (tmp_path / "other.npz", tmp_path, tmp_path / "missing", Path(__file__)):
        assert density._find(foreign, Kept, *CODES) is None


def test_a_broken_file_is_written_again(folder):
    compile_model(regression(), "a regression")
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:100])
    compiled = compile_model(regression(), "a regression")
    assert file.read_bytes() == whole
    assert np.isfinite(at(compiled, np.zeros(5))).all()


def test_a_file_under_the_name_of_another_is_as_none(folder):
    """Machine code of another model, or for another processor, is never run."""
    compile_model(regression(), "one")
    (one,) = folder.iterdir()
    plain = compile_model(transformed())
    point = np.zeros(plain.n_dim)
    wanted = at(plain, point)
    compile_model(transformed(), "other")
    (other,) = set(folder.iterdir()) - {one}
    whole = other.read_bytes()
    other.write_bytes(one.read_bytes())
    assert at(compile_model(transformed(), "other"), point) == wanted
    assert other.read_bytes() == whole


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_becomes_of_a_file_the_numbers_are_the_same(kept, tmp_path_factory, chosen):
    """Bytes changed, cut out, put in, repeated: what is found is what was kept, or nothing."""
    file = tmp_path_factory.mktemp("mutated") / "kept.code"
    density._keep(file, kept, *CODES)
    whole = file.read_bytes()
    begin = chosen.draw(st.integers(0, len(whole)))
    end = chosen.draw(st.integers(begin, len(whole)))
    new = chosen.draw(st.binary(max_size=40) | st.just(whole[begin:end] * 2) | st.just(whole))
    file.write_bytes(whole[:begin] + new + whole[end:])
    found = density._find(file, Kept, *CODES)
    assert found is None or (found == kept and file.read_bytes() == whole)


def test_what_is_kept_is_bounded_and_what_is_used_stays(kept, tmp_path, monkeypatch):
    files = [tmp_path / f"{k}.code" for k in range(6)]
    for age, file in zip((100 * 86400, 50, 40, 30, 20, 0), files, strict=True):
        density._keep(file, kept, *CODES)
        os.utime(file, (time.time() - age,) * 2)
    size = files[5].stat().st_size
    assert density._find(files[1], Kept, *CODES) == kept, "used now"
    monkeypatch.setattr(density, "MOST_KEPT", 4 * size)
    density._keep(files[5], kept, *CODES)
    assert set(tmp_path.iterdir()) == {files[k] for k in (1, 3, 4, 5)}


def test_names_are_of_all_that_the_code_depends_on(monkeypatch, folder):
    names = {
        density._file("one", ["x"]),
        density._file("other", ["x"]),
        density._file("one", ["y"]),
    }
    assert len(names) == 3
    assert density._file("one", ["x"]) in names
    for owner, name, other in (
        (program.llvm, "get_host_cpu_name", lambda: "another"),
        (density.platform, "python_version", lambda: "3.99"),
        (density, "version", lambda name: "0.0"),
    ):
        with monkeypatch.context() as changed:
            changed.setattr(owner, name, other)
            assert density._code() != density.CODE
    assert density._code() == density.CODE
    monkeypatch.setattr(density, "CODE", density.CODE[::-1])
    assert density._file("one", ["x"]) not in names


def test_what_was_made_of_something_else_is_not_found(folder, monkeypatch):
    compile_model(regression(), "one")
    compile_model(regression(), "other")
    compile_model(regression(), "one", var_names=["sigma"])
    compile_model(regression())
    assert len(list(folder.iterdir())) == 3
    monkeypatch.delattr(density, "write")
    compile_model(regression(), "one")
    with pytest.raises(NameError):
        compile_model(regression(), "a third")


def test_functions_of_arrays_are_found_again_and_may_be_none(folder, monkeypatch):
    density._arrays.clear()
    x = pt.dvector("x")

    def doubled() -> FunctionGraph:
        return FunctionGraph([x], [2 * x], clone=False)

    def never() -> FunctionGraph:
        raise AssertionError("the graph is made again")

    made = density.compile_arrays("doubled", doubled)
    assert density.compile_arrays("doubled", never) is made
    density._arrays.clear()
    found = density.compile_arrays("doubled", never)
    assert found is not made and found == made
    assert found({"x": np.arange(3.0)})[0].tolist() == [0, 2, 4]
    for _ in range(2):
        graph = FunctionGraph([x], [pt.sort(x)], clone=False)
        assert density.compile_arrays("sorted", lambda graph=graph: graph) is None
    assert len(list(folder.iterdir())) == 1


def test_a_folder_that_cannot_be_written_keeps_nothing(folder):
    folder.write_text("a file in its place")
    compiled = compile_model(regression(), "a regression")
    assert np.isfinite(at(compiled, np.zeros(5))).all()
    assert folder.read_text() == "a file in its place"


def test_nothing_is_left_of_a_file_that_was_not_written_whole(kept, tmp_path, monkeypatch):
    def full(part: Path, target: Path) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "replace", full)
    density._keep(tmp_path / "kept.code", kept, *CODES)
    assert not list(tmp_path.iterdir())


# --- one code for all processors -----------------------------------------------------------------


class Features:
    """Features of another processor of this kind."""

    def __init__(self, without: tuple[str, ...]) -> None:
        known = program.llvm.get_host_cpu_features().flatten().split(",")
        self.known = [f"-{f[1:]}" if f[1:].startswith(without) else f for f in known]

    def flatten(self) -> str:
        return ",".join(self.known)


OLDER = (("avx512",), ("avx512", "avx10", "fma", "avx2"))


@pytest.mark.skipif(platform.machine() != "x86_64", reason="features are those of x86-64")
def test_portable_code_is_the_same_for_every_processor(monkeypatch):
    """Own code is not: it uses what there is. Draws are those of the code, to the bit."""
    made = {}
    for portable in (False, True):
        monkeypatch.setattr(program, "PORTABLE", portable)
        own = [written(regression())]
        draws = [sampled_by(own[0])]
        for without in OLDER:
            features = Features(without)
            with monkeypatch.context() as other:
                other.setattr(program.llvm, "get_host_cpu_features", lambda f=features: f)
                other.setattr(program.llvm, "get_host_cpu_name", lambda: "x86-64-v2")
                own.append(written(regression()))
                draws.append(sampled_by(own[-1]))
                assert (density._code() == density.CODE) is False
        made[portable] = {(kept.logp, kept.expand) for kept in own}, set(draws)
    assert len(made[False][0]) > 1, "another processor, another code"
    codes, draws = made[True]
    assert len(codes) == len(draws) == 1, "one code, and the same draws"


def sampled_by(kept: Kept) -> bytes:
    """Draws of compiled code."""
    ready = density._ready(regression(), set(), kept)
    drawn = nutpie.sample(ready, draws=30, tune=60, chains=1, seed=1, progress_bar=False)
    return drawn["posterior"]["slope"].to_numpy().tobytes()


def test_portable_code_has_the_numbers_of_pymc(monkeypatch):
    monkeypatch.setattr(program, "PORTABLE", True)
    model = regression()
    point = np.linspace(-1, 1, 5)
    np.testing.assert_allclose(at(compile_model(model), point), of_pymc(model)(point), rtol=1e-12)


# --- where chains begin ---------------------------------------------------------------------------


def test_chains_begin_apart_about_the_point_where_pymc_begins(folder: Path) -> None:
    model = regression()
    at_once = np.concatenate([np.ravel(v) for v in start(model).values()])
    moved = {rv for rv in model.free_RVs if rv.name != "slope"}
    begin = compile_model(model, jitter_rvs=moved).initial_point_func
    points = np.array([begin(seed) for seed in range(200)])
    away = points - at_once
    names = [v.name for v in model.value_vars]
    still = np.repeat([n == "slope" for n in names], [v.size for v in start(model).values()])
    assert (away[:, still] == 0).all() and still.any()
    assert (abs(away[:, ~still]) < 1).all()
    # uniform between -1 and 1: of 200 the outermost are near the ends
    assert (abs(away[:, ~still]).max(0) > 0.9).all()
    np.testing.assert_array_equal(begin(7), begin(7))
