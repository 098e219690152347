"""Theories are recovered where they must be, and the study's numbers are those of its scores."""

from __future__ import annotations

import json
import sys
from copy import copy
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from bayes_alliance.check.calibration import Calibration, template
from bayes_alliance.check.recovery import Recovery, confusion, filled, pairs, summary
from bayes_alliance.data import load
from bayes_alliance.errors import InputError
from bayes_alliance.process.cells import CELLS, PARTNERS, REFUSED
from bayes_alliance.process.priors import load_priors

STRONG = {
    "geography_partners": {"mu": 12.0, "sigma": 0.5},
    "geography_acceptance": {"mu": 12.0, "sigma": 0.5},
}
"""So strong that geography settles every design: no data of it can be like the null's."""


@pytest.fixture(scope="module")
def recovery(data):
    priors = {"null": load_priors("null"), "geography": load_priors("geography", STRONG)}
    return Recovery({name: Calibration(name, data, prior) for name, prior in priors.items()})


@pytest.fixture(scope="module")
def runs(recovery):
    return [recovery.once(truth, 1, draws=200, tune=300) for truth in ("null", "geography")]


def test_strong_effects_are_recovered(runs):
    assert [run["winner"] for run in runs] == ["null", "geography"]
    for run in runs:
        (rival,) = set(run["elpd"]) - {run["truth"]}
        lead = run["elpd"][run["truth"]] - run["elpd"][rival]
        assert run["lead"] == pytest.approx({rival: lead})
        assert lead > 3, f"{rival} predicts data of {run['truth']} clearly worse"
        assert run["error"][rival] > 0
        assert run["within"] is True
        assert run["divergences"].keys() == run["high_k"].keys() == run["elpd"].keys()
    json.dumps(runs, allow_nan=False)  # the store takes them as they are


def test_one_seed_makes_one_dataset_whatever_came_before(recovery):
    first = recovery.simulate("geography", 7)
    other = recovery.simulate("geography", 8)
    again = recovery.simulate("geography", 7)
    assert first.keys() == again.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], again[name], err_msg=name)
    assert any((first[name] != other[name]).any() for name in first)


def test_simulated_designs_follow_the_strong_effect(recovery):
    """With an effect this strong, contiguous clients make multilateral designs, others not."""
    real = recovery.theories["geography"].real
    land = real["client_covariates"][:, 1]  # -1/2 beyond the sea, +1/2 contiguous
    level = np.bincount(real["member_episode"], real["member_share"] * land[real["member_client"]])
    seeds = range(20)
    partners = np.array(
        [PARTNERS[recovery.simulate("geography", s)["outcome"] // (REFUSED + 2) - 1] for s in seeds]
    )
    assert partners.max() <= PARTNERS.max() and len(CELLS) == len(PARTNERS)
    near, far = level > 0.2, level < -0.2
    assert near.any() and far.any()
    assert partners[:, near].mean() > 1.5 > 0.5 > partners[:, far].mean()


def test_scores_are_those_of_the_simulated_outcomes_and_the_model_is_left_as_it_was(recovery):
    """The null has no latent variable: its pointwise scores bound those of the data themselves."""
    values = recovery.simulate("null", 3)
    score, _ = recovery.score("null", values, 3, draws=200, tune=300)
    changed = values | {"outcome": np.zeros_like(values["outcome"])}
    changed |= {"exposure": np.zeros_like(values["exposure"])}
    changed |= {"ended": np.zeros_like(values["ended"])}
    empty, _ = recovery.score("null", changed, 3, draws=200, tune=300)
    assert score.elpd < -5.0, "recorded outcomes have a chance below 1"
    np.testing.assert_allclose(empty.elpd_i.values, 0.0, atol=1e-12, err_msg="nothing to predict")
    model = recovery.theories["null"].model
    for name, value in recovery.theories["null"].real.items():
        np.testing.assert_array_equal(model[name].get_value(), value, err_msg=name)


def test_containers_are_put_back_after_an_error(recovery):
    model = recovery.theories["null"].model
    before = model["ended"].get_value().copy()
    with pytest.raises(KeyError, match="stop"), filled(model, {"ended": 1 - before}):
        np.testing.assert_array_equal(model["ended"].get_value(), 1 - before)
        raise KeyError("stop")
    np.testing.assert_array_equal(model["ended"].get_value(), before)


def test_theories_must_be_several_and_of_one_dataset(recovery):
    one = {"null": recovery.theories["null"]}
    other = copy(one["null"])
    other.data = template(load("europe"))
    with pytest.raises(InputError, match="two theories"):
        Recovery(one)
    with pytest.raises(InputError, match="same data"):
        Recovery(one | {"europe": other})
    with pytest.raises(InputError, match="truth"):
        recovery.once("power", 1)


def made(truth: str, elpd: dict[str, float], error: float, within: bool) -> dict:
    """A result as `Recovery.once` gives it, with one standard error for all rivals."""
    rivals = [name for name in elpd if name != truth]
    return {
        "truth": truth,
        "seed": 0,
        "cases": 4,
        "elpd": elpd,
        "high_k": dict.fromkeys(elpd, 0) | {"a": 1},
        "divergences": dict.fromkeys(elpd, 0),
        "lead": {name: elpd[truth] - elpd[name] for name in rivals},
        "error": dict.fromkeys(rivals, error),
        "winner": max(elpd, key=elpd.__getitem__),
        "within": within,
        "seconds": 2.0,
        "commit": "abc",
        "date": "2026-01-01",
    }


BY_HAND = [
    made("a", {"a": -10.0, "b": -13.0}, 1.0, True),  # a leads by 3
    made("a", {"a": -10.0, "b": -9.0}, 1.0, True),  # a is 1 behind: not told apart
    made("a", {"a": -14.0, "b": -10.0}, 1.0, False),  # a is 4 behind
    made("a", {"a": -10.0, "b": -12.0}, 1.0, True),  # exactly two standard errors: told apart
    made("b", {"a": -10.0, "b": -9.0}, 1.0, True),
]


def test_confusion_by_hand():
    table = confusion(BY_HAND)
    assert table.to_dict(orient="index") == {"a": {"a": 2, "b": 2}, "b": {"a": 0, "b": 1}}


def test_summary_by_hand():
    table = summary(BY_HAND, prob=0.9)
    row = table.loc["a"]
    assert (row["datasets"], row["won"], row["share"], row["within"]) == (4, 2, 0.5, 0.75)
    z = norm.ppf(0.95)  # Wilson (1927): centre and half width
    centre = (0.5 + z**2 / 8) / (1 + z**2 / 4)
    half = z / (1 + z**2 / 4) * np.sqrt(0.25 / 4 + z**2 / 64)
    assert row["lower"] == pytest.approx(centre - half)
    assert row["upper"] == pytest.approx(centre + half)
    assert (row["named"], row["misnamed"]) == (0, 1), "leads below 4 name nothing"
    far = summary([made("a", {"a": -10.0, "b": -15.0}, error, True) for error in (1.0, 3.0)])
    assert (far.loc["a", "named"], far.loc["a", "misnamed"]) == (1, 0), "nor do unsure ones"
    assert row["high_k"] == 1 / 8, "of four cases one for a and none for b"
    assert table.loc["b", "upper"] == pytest.approx(1.0) and table.loc["b", "lower"] < 0.5


def test_pairs_by_hand():
    table = pairs(BY_HAND)
    row = table.loc[("a", "b")]
    lead = np.array([3.0, -1.0, -4.0, 2.0])
    assert row["lead"] == pytest.approx(lead.mean())
    assert row["error"] == pytest.approx(lead.std(ddof=1) / 2)
    assert (row["ahead"], row["alike"], row["behind"]) == (0.5, 0.25, 0.25)
    assert np.isnan(table.loc[("b", "a"), "error"]), "one dataset has no spread"


@pytest.fixture
def study(monkeypatch):
    """The study's script as a module."""
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    import recovery as module

    yield module
    del sys.modules["recovery"]


def test_store_resumes_where_it_stopped(study, tmp_path, monkeypatch):
    monkeypatch.setattr(study, "STORE", tmp_path / "recovery.json")
    asked: list[tuple[str, int]] = []

    def once(truth: str, seed: int) -> dict:
        if len(asked) == 5:
            raise KeyboardInterrupt
        asked.append((truth, seed))
        return made(truth, {"a": -1.0 - seed, "b": -2.0}, 1.0, True) | {"seed": seed}

    stored = study.read()
    with pytest.raises(KeyboardInterrupt):
        study.fill(stored, "small", ["a", "b"], 4, lambda: once)
    kept = study.read()["designs"]["small"]
    assert [(run["truth"], run["seed"]) for run in kept] == asked
    assert asked == [("a", 0), ("b", 0), ("a", 1), ("b", 1), ("a", 2)], "balanced as it grows"
    before, asked[:] = list(asked), []
    stored = study.read()
    study.fill(stored, "small", ["a", "b"], 4, lambda: once)
    assert asked == [("b", 2), ("a", 3), ("b", 3)], "nothing is done twice"
    assert len(study.read()["designs"]["small"]) == len(before) + 3
    study.fill(stored, "small", ["a", "b"], 4, lambda: pytest.fail("all is done"))
    assert {run["commit"] for run in study.read()["designs"]["small"]} == {study.commit()}


def test_page_shows_the_summary(study, tmp_path):
    designs = {"small": BY_HAND}
    stored = {"command": "make recovery", "versions": {"python": "3"}, "designs": designs}
    text = study.page(stored)
    row = summary(BY_HAND).loc["a"]
    assert f"| a | 4 | 0 | 1 | 2 | 0.50 | {row['lower']:.2f} to {row['upper']:.2f} | 0.75 |" in text
    lead = pairs(BY_HAND).loc[("a", "b")]
    assert f"{lead['lead']:.1f} ({lead['error']:.1f})" in text
    drawn = []
    for name in ("first.svg", "second.svg"):
        study.draw(stored, tmp_path / name)
        drawn.append((tmp_path / name).read_bytes())
    assert drawn[0] == drawn[1] and b"<svg" in drawn[0], "one store gives one figure"
