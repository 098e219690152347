"""Contrasts, movers and what would be needed: known answers, and what no theory can be moved by."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from bayes_alliance.data.load import Data, load
from bayes_alliance.errors import InputError
from bayes_alliance.forecast.answers import DECIDED, Scan, contrast, movers, needed, scan
from bayes_alliance.forecast.forecast import STACKED, design_draws
from bayes_alliance.forecast.horizon import RUNGS, ladder
from bayes_alliance.forecast.ranges import Mover, movers_of, put
from bayes_alliance.forecast.sample import central
from bayes_alliance.forecast.scenario import Scenario, read
from bayes_alliance.process.cells import CELLS, MULTILATERAL

NUMBER = Mover("threat.power_ratio", (1.0, 2.0, 4.0), log=True)
LINEAR = Mover("threat.polyarchy_gap", (0.0, 0.5, 1.0))
LEVELS = Mover("statement", ("low", "moderate", "high"))


@pytest.fixture(scope="module")
def quad() -> Scenario:
    return replace(read("quad-status-quo"), horizon=2028)


@pytest.fixture(scope="module")
def scans(fits: dict[str, xr.DataTree], quad: Scenario) -> dict[str, Scan]:
    return scan(fits, quad, 100)


def outlook_of(seed: int, draws: int = 40, today: int = 1) -> xr.Dataset:
    """An outlook of two years out of thin air."""
    rng = np.random.default_rng(seed)
    design, arises = rng.dirichlet(np.ones(len(CELLS)), (draws, 2)), rng.random((draws, 2)) / 2
    return xr.Dataset(
        {
            "design": (("draw", "year", "cell"), design),
            "state": (("draw", "year", "rung"), ladder(arises, design, today)),
            "arises": (("draw", "year"), 1 - np.cumprod(1 - arises, 1)),
        },
        coords={"year": [2027, 2028], "rung": list(RUNGS)},
    )


def scanned(**alone: tuple[Mover, list[float]]) -> Scan:
    """A scan of ten draws around the means that are given."""
    spread = np.linspace(-0.01, 0.01, 10)
    found = {m.name: np.array(means)[:, None] + spread for m, means in alone.values()}
    together = {"all": np.array([[0.1], [0.6]]) + spread}
    return Scan(tuple(m for m, _ in alone.values()), 0.2 + spread, found, together)


# --- contrasts ------------------------------------------------------------------------------------


def test_a_scenario_does_not_differ_from_itself() -> None:
    found = {name: outlook_of(i) for i, name in enumerate(("prospect", "null"))}
    out = contrast(found, found, {"prospect": 0.7, "null": 0.3})
    assert set(out["theory"]) == {"prospect", "null", STACKED}
    assert (out[["difference", "lower", "upper"]] == 0).all(axis=None)


def test_differences_are_paired_by_draw() -> None:
    base = outlook_of(3)
    shifted = base.copy(deep=True)
    shifted["arises"] = base["arises"] + 0.125
    out = contrast({"null": shifted}, {"null": base}, {"null": 1.0}).set_index(
        ["theory", "quantity"]
    )
    for name in ("null", STACKED):
        row = out.loc[name, "decision"]
        # the draws differ widely, their differences not at all
        assert row[["difference", "lower", "upper"]].to_numpy() == pytest.approx(0.125)
        assert out.loc[(name, DECIDED), "difference"] == 0
    row = out.loc["null", "decision"]
    assert row["after"] - row["before"] == pytest.approx(row["difference"])


def test_quantities_are_those_of_the_last_year_and_the_first_decision() -> None:
    base, found = outlook_of(1), outlook_of(2)
    out = contrast({"null": found}, {"null": base}, {"null": 1.0}).set_index("quantity")
    out = out[out["theory"] == "null"]
    first = found["design"][:, 0].to_numpy() @ MULTILATERAL
    assert out.loc[DECIDED, "after"] == pytest.approx(first.mean())
    for i, rung in enumerate(RUNGS):
        assert out.loc[rung, "before"] == pytest.approx(float(base["state"][:, -1, i].mean()))
    assert out.loc[list(RUNGS), "difference"].sum() == pytest.approx(0)


def test_two_horizons_are_refused() -> None:
    with pytest.raises(InputError, match="one horizon"):
        contrast({"null": outlook_of(1)}, {"null": outlook_of(1).isel(year=[0])}, {"null": 1.0})


# --- ranges ---------------------------------------------------------------------------------------


def test_numbers_go_from_the_fifth_to_the_ninety_fifth_percentile(data: Data) -> None:
    found = {one.name: one for one in movers_of(data)}
    for name, column in (
        ("clients.capability_ratio", data.clients["capability_ratio"]),
        ("threat.polyarchy_gap", data.years["polyarchy_gap"]),
    ):
        ends = np.nanquantile(column.astype(float), [0.05, 0.95])
        assert found[name].values[0] == pytest.approx(ends[0])
        assert found[name].values[-1] == pytest.approx(ends[1])
    ratio = np.diff(np.log(found["clients.capability_ratio"].values))
    assert ratio == pytest.approx(np.full_like(ratio, ratio[0]))


def test_categories_and_yes_or_no_go_from_end_to_end(data: Data) -> None:
    found = {one.name: one.values for one in movers_of(data)}
    assert found["clients.occupied"] == (0, 1)
    assert found["clients.fear"] == ("none", "some", "strong")
    assert found["statement"] == ("low", "moderate", "high")
    assert found["promises"] == ("none", "consult", "defend")


def test_what_the_data_do_not_have_moves_nothing() -> None:
    names = {one.name for one in movers_of(load("europe", "asia", statements=False))}
    assert "statement" not in names
    assert "promises" in names


def test_a_mover_is_set_for_all_clients_in_all_years(quad: Scenario, data: Data) -> None:
    for one in movers_of(data):
        inputs = central(put(quad, {one.name: one.values[-1]}))
        if one.group == "clients":
            got = inputs[one.name.removeprefix("clients.")].to_numpy().ravel()
        elif one.group == "threat":
            got = inputs[one.name.replace(".", "_")].to_numpy()
        elif one.name == "promises":
            got = inputs["commitment"].sel(commitment_level="defend").to_numpy()
            assert (got == 1).all()
            continue
        elif one.name == "initiative":
            assert put(quad, {"initiative": "patron"}).initiative == "patron"
            continue
        else:
            got = inputs[one.name].to_numpy()
        assert all(v == one.values[-1] for v in got), one.name
    assert put(quad, {}) == quad


# --- movers ---------------------------------------------------------------------------------------


def test_nothing_moves_a_theory_that_reads_nothing(scans: dict[str, Scan]) -> None:
    table = movers(scans, {"occupation": 0.5, "prospect": 0.3, "null": 0.2})
    null = table[table["theory"] == "null"]
    assert len(null) == len(scans["null"].movers) + 3
    assert (null[["difference", "lower", "upper"]] == 0).all(axis=None)


def test_a_moved_forecast_is_the_forecast_of_the_moved_scenario(fits, scans, quad) -> None:
    """Both theories have no doubt here that depends on the nodes of the integration."""
    of = {one.name: one for one in scans["prospect"].movers}
    for theory, name, value in (
        ("prospect", "statement", "high"),
        ("prospect", "threat.disputes", of["threat.disputes"].values[-1]),
        ("occupation", "promises", "defend"),
    ):
        expected = design_draws(fits[theory], put(quad, {name: value}), 100) @ MULTILATERAL
        assert scans[theory].alone[name][-1] == pytest.approx(expected), name


def test_theories_are_moved_by_what_they_read(scans: dict[str, Scan]) -> None:
    flat = {
        theory: {name for name, draws in one.alone.items() if np.ptp(draws, axis=0).max() < 1e-12}
        for theory, one in scans.items()
    }
    threat = {m.name for m in scans["null"].movers if m.group == "threat"}
    assert threat <= flat["occupation"]
    assert not threat & flat["prospect"]
    assert "promises" in flat["prospect"]
    # credibility of occupation moves the design through the promises that it brings
    assert not {"promises", "clients.occupied", "clients.fear"} & flat["occupation"]


def test_moving_all_goes_at_least_as_far_as_moving_the_threat(scans: dict[str, Scan]) -> None:
    one = scans["prospect"]
    gain = {k: (v[1] - v[0]).mean() for k, v in one.together.items()}
    assert gain["all"] > gain["threat"] > 0


# --- what would be needed -------------------------------------------------------------------------


def test_a_theory_that_nothing_moves_never_gets_there(scans: dict[str, Scan]) -> None:
    own = scans["null"].own.mean()
    assert own < 0.9
    out = needed(scans["null"], 0.9)
    assert not out["reached"].any()
    assert out["value"].isna().all()
    assert out["highest"].to_numpy() == pytest.approx(own)


def test_the_value_lies_on_the_line_between_two_that_were_looked_at() -> None:
    found = scanned(
        a=(LINEAR, [0.2, 0.4, 0.6]), b=(NUMBER, [0.7, 0.3, 0.1]), c=(LEVELS, [0.1, 0.5, 0.8])
    )
    out = needed(found).set_index("mover")
    assert out.loc[LINEAR.name, "value"] == pytest.approx(0.75)
    assert out.loc[NUMBER.name, "value"] == pytest.approx(2**0.5)  # half-way in logs, from 2 to 1
    assert out.loc["statement", "value"] == "moderate"
    assert out["reached"].all()
    assert out.loc["statement", ["highest", "at"]].tolist() == [pytest.approx(0.8), "high"]
    assert not needed(found, 0.65).set_index("mover").loc["all", "reached"]


@given(st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3), st.floats(0.05, 0.95))
def test_reached_means_that_the_highest_is_high_enough(means: list[float], p: float) -> None:
    row = needed(scanned(a=(LINEAR, means)), p).iloc[0]
    spread = np.linspace(-0.01, 0.01, 10)
    top = (np.array(means)[:, None] + spread).mean(1).max()
    assert row["highest"] == pytest.approx(top)
    assert row["reached"] == (row["value"] is not None and not np.isnan(row["value"]))
    if row["reached"]:
        assert 0 <= row["value"] <= 1
        if means[0] <= means[1] <= means[2] and top > p:
            assert np.interp(row["value"], LINEAR.values, means) >= p - 1e-6
