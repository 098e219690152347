"""What is done side by side is what is done alone: no call sees what another one sets."""

from __future__ import annotations

import itertools
import os
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytensor
import pytest
import xarray as xr

from bayes_alliance.fit import fit
from bayes_alliance.forecast.forecast import forecast
from bayes_alliance.forecast.lasting import lasting
from bayes_alliance.forecast.scenario import read
from bayes_alliance.process.integrated import Evaluator
from bayes_alliance.process.replicated import draw_prior
from bayes_alliance.quiet import quiet
from bayes_alliance.storage import open_fit, save

FULL = bool(os.environ.get("BAYES_ALLIANCE_FULL"))
"""Four theories, as `make side` has it, or two."""
THEORIES = ("occupation", "prospect", "null", "threat") if FULL else ("occupation", "null")
PRIORS = (None, {"hazard_0": {"mu": -2.0}}, {"acceptance_0": {"sigma": 0.3}})
SETTINGS = {"draws": 12, "tune": 12, "chains": 2, "seed": 1}
NOT_THE_SAME = ("seconds", "seconds_compile", "seconds_sample")
THREADS = 8


def in_threads(tasks: list) -> list:
    """Results of tasks in `THREADS` threads, which begin together."""
    gate = threading.Barrier(THREADS)
    with ThreadPoolExecutor(THREADS, initializer=gate.wait) as pool:
        return [f.result() for f in [pool.submit(task) for task in tasks]]


def assert_same(ours: xr.DataTree, theirs: xr.DataTree, told: object) -> None:
    """Every group, variable, label and attribute, exactly."""
    assert list(ours.children) == list(theirs.children), told
    for name, group in ours.children.items():
        xr.testing.assert_identical(group.to_dataset(), theirs[name].to_dataset())
    attrs = [{k: v for k, v in t.attrs.items() if k not in NOT_THE_SAME} for t in (ours, theirs)]
    assert attrs[0] == attrs[1], told


@pytest.fixture(scope="module")
def alone(data) -> dict[tuple[str, int], xr.DataTree]:
    """Fits one after the other."""
    asked = itertools.product(THEORIES, range(len(PRIORS)))
    return {(t, i): fit(t, data, priors=PRIORS[i], **SETTINGS) for t, i in asked}


def test_fits_side_by_side_are_those_alone(data, alone):
    # each twice, those of one theory next to each other: they share what is compiled
    asked = [*alone, *alone]
    found = in_threads(
        [lambda t=t, i=i: fit(t, data, priors=PRIORS[i], **SETTINGS) for t, i in asked]
    )
    for (theory, which), tree in zip(asked, found, strict=True):
        assert_same(tree, alone[theory, which], (theory, which))
    means = {i: float(alone["null", i]["prior"]["hazard_0"].mean()) for i in (0, 1)}
    assert abs(means[0] - means[1]) > 0.2, "priors that differ have other draws"


def test_what_is_not_recorded_is_no_number_and_numbers_say_what_they_stand_for(alone, tmp_path):
    """A predictive plot compares what was recorded with replications of the same."""
    tree = open_fit(save(alone["occupation", 0], tmp_path / "fit.nc"))
    observed, drawn = tree["observed_data"], tree["posterior_predictive"]
    missing = 0
    for name, values in observed.data_vars.items():
        assert not (values < 0).any(), name
        told = values.attrs["flag_meanings"].split()
        assert list(values.attrs["flag_values"]) == list(range(len(told)))
        assert float(values.max()) < len(told) and float(drawn[name].max()) < len(told)
        if name != "outcome_observed":
            missing += int(values.isnull().sum())
            same = drawn[name].isnull() == values.isnull()
            assert bool(same.all()), name
            assert drawn[name].attrs["flag_meanings"] == values.attrs["flag_meanings"]
    assert missing > 0
    code = drawn["outcome_observed"].dtype
    assert np.issubdtype(code, np.integer), "outcomes are read as codes"


def test_forecasts_side_by_side_are_those_alone(alone):
    fits = [alone[t, i] for t in THEORIES for i in (0, 1)]
    scenarios = [read(name) for name in ("quad-status-quo", "quad-credible-occupation")]
    asked = list(itertools.product(fits, scenarios))

    def one(tree: xr.DataTree, scenario) -> tuple:
        return forecast({"one": tree}, scenario), lasting(tree, scenario)

    expected = [one(*pair) for pair in asked]
    found = in_threads([lambda p=p: one(*p) for p in (*asked, *asked)])
    for (table, lives), (own_table, own_lives) in zip([*expected, *expected], found, strict=True):
        np.testing.assert_array_equal(table.to_numpy(), own_table.to_numpy())
        xr.testing.assert_identical(lives, own_lives)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, MemoryError])
def test_what_ends_half_way_changes_nothing(error, models, monkeypatch):
    model = models["occupation"]
    evaluator = Evaluator(model, ("design_probability",))
    draws = draw_prior(model, 6, 3)
    nodes = evaluator.nodes(None, seed=4)
    before = {v.name: v.get_value() for v in model.data_vars}
    whole = evaluator.run(draws, nodes)
    plain, calls = Evaluator._batch, itertools.count()

    def ends(*arguments, **more):
        if next(calls) == 1:
            raise error
        return plain(*arguments, **more)

    for own in (evaluator, evaluator.only(nodes, [2, 3])[0]):
        own_nodes = nodes if own is evaluator else evaluator.only(nodes, [2, 3])[1]
        with monkeypatch.context() as patch, pytest.raises(error):
            patch.setattr(Evaluator, "_batch", ends)
            own.run(draws, own_nodes, batch=2)
        calls = itertools.count()
    for name, value in before.items():
        np.testing.assert_array_equal(model[name].get_value(), value, err_msg=name)
    xr.testing.assert_identical(evaluator.run(draws, nodes), whole)


def test_settings_of_the_process_are_as_before(models):
    """PyTensor's flags, filters of warnings, depth of calls: threads that overlap put them back."""

    def state() -> tuple:
        return pytensor.config.traceback__limit, list(warnings.filters), sys.getrecursionlimit()

    before = state()

    def work() -> None:
        for _ in range(20):
            with quiet():
                pass
        draw_prior(models["null"], 3, 1)

    in_threads([work] * 16)
    assert state() == before
