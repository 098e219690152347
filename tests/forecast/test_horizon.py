"""States of a grouping by year, and how long its design would last."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from scenario_examples import made

from bayes_alliance.data.load import Data
from bayes_alliance.errors import InputError
from bayes_alliance.forecast.forecast import design_draws, yearly_designs
from bayes_alliance.forecast.formation import check_years, formation
from bayes_alliance.forecast.horizon import RUNG_OF_CELL, RUNGS, horizon, ladder, outlook, rows
from bayes_alliance.forecast.inputs import Normal
from bayes_alliance.forecast.lasting import DESIGNS, lasting
from bayes_alliance.forecast.sample import settled
from bayes_alliance.forecast.scenario import Scenario, bundled_scenarios, read
from bayes_alliance.forecast.tables import yearly_data
from bayes_alliance.process.cells import CELLS
from bayes_alliance.storage import data_of


@pytest.fixture(scope="session")
def quad() -> Scenario:
    return replace(read("quad-status-quo"), horizon=2030, share=0.5)


@pytest.fixture(scope="session")
def form(fits: dict[str, xr.DataTree]) -> xr.DataTree:
    return formation(fits["null"], draws=300, tune=300, chains=2)


def test_rungs_are_those_of_the_cells() -> None:
    kind = [cell.split("_")[0] for cell in CELLS]
    assert [RUNGS[r].split("_")[0] for r in RUNG_OF_CELL] == kind
    assert [RUNGS[r] for r in RUNG_OF_CELL if r > 2] == ["multilateral_weak", "multilateral_strong"]


def test_a_ladder_with_one_design_is_a_waiting_time() -> None:
    design = np.tile(np.eye(len(CELLS))[CELLS.index("multilateral_strong")], (5, 1))
    found = ladder(np.full(5, 0.2), design, RUNGS.index("bilateral"))
    waiting = 0.8 ** np.arange(1, 6)
    assert found[:, 1] == pytest.approx(waiting)
    assert found[:, 4] == pytest.approx(1 - waiting)
    assert found[:, [0, 2, 3]] == pytest.approx(0)


def test_a_decision_never_takes_a_grouping_down() -> None:
    design = np.tile(np.eye(len(CELLS))[0], (3, 1))  # nothing comes of any decision
    found = ladder(np.full(3, 0.9), design, RUNGS.index("trilateral"))
    assert found == pytest.approx(np.tile(np.eye(5)[2], (3, 1)))


@given(st.integers(0, 2**32 - 1), st.integers(0, 4))
def test_a_ladder_sums_to_one_and_only_rises(seed: int, today: int) -> None:
    rng = np.random.default_rng(seed)
    found = ladder(rng.random((3, 6)), rng.dirichlet(np.ones(len(CELLS)), (3, 6)), today)
    assert found.sum(-1) == pytest.approx(1)
    assert (found >= 0).all()
    assert found[..., :today] == pytest.approx(0)
    at_least = found[..., ::-1].cumsum(-1)
    assert (np.diff(at_least, axis=1) >= -1e-12).all()


def test_a_ladder_is_what_simulated_groupings_climb() -> None:
    rng = np.random.default_rng(3)
    arises, design = rng.random(4) / 2, rng.dirichlet(np.ones(len(CELLS)), 4)
    state, n = np.full(200_000, 1), 200_000
    for p, d in zip(arises, design, strict=True):
        made_ = RUNG_OF_CELL[rng.choice(len(CELLS), n, p=d)]
        state = np.where(rng.random(n) < p, np.maximum(state, made_), state)
    share = np.bincount(state, minlength=5) / n
    expected = ladder(arises, design, 1)[-1]
    error = np.sqrt(expected * (1 - expected) / n)
    assert (np.abs(share - expected) <= 5 * error + 1e-12).all()


def test_years_of_designs_begin_with_the_first(fits: dict[str, xr.DataTree], quad) -> None:
    for theory in ("null", "occupation"):
        yearly = yearly_designs(fits[theory], quad, 200)
        assert yearly.shape[1:] == (4, len(CELLS))
        assert yearly.sum(-1) == pytest.approx(1)
        assert yearly[:, 0] == pytest.approx(design_draws(fits[theory], quad, 200), abs=1e-9)
        last = design_draws(fits[theory], quad, 200, year=2030)
        assert yearly[:, -1] == pytest.approx(last, abs=1e-9)


def test_rows_expose_the_states_of_the_grouping(data: Data, quad) -> None:
    found = rows(quad, yearly_data(quad, data)).set_index("year").loc[2027]
    clients = quad.clients.values()
    ratios = [c["capability_ratio"] for c in clients]
    assert found["exposed_capability_ratio"] == pytest.approx(np.exp(np.mean(np.log(ratios))))
    assert found["exposed_occupied"] == pytest.approx(np.mean([c["occupied"] for c in clients]))
    touching = [c["land_access"] == "contiguous" for c in clients]
    assert found["exposed_contiguous"] == pytest.approx(np.mean(touching))


@pytest.mark.parametrize("name", bundled_scenarios())
def test_rows_of_every_shipped_scenario_can_be_read(name: str, data: Data) -> None:
    scenario = settled(read(name))
    found = check_years(rows(scenario, yearly_data(scenario, data)))
    assert found["year"].tolist() == list(range(scenario.year, scenario.horizon + 1))


def test_states_next_to_the_adversary_are_at_no_distance(data: Data) -> None:
    near = settled(read("sahel-credible-occupation"))
    assert (rows(near, yearly_data(near, data))["exposed_distance_km"] == 0).all()


def test_an_outlook_adds_up(fits, form, quad) -> None:
    found = outlook(fits["null"], form, quad, 200)
    assert found["state"].sum("rung").to_numpy() == pytest.approx(1)
    hazard = found["hazard"].to_numpy()
    assert found["arises"].to_numpy() == pytest.approx(1 - np.exp(-0.5 * hazard.cumsum(1)))
    assert found.sizes["year"] == 4


def test_draws_of_a_grouping_are_pairs_whether_inputs_are_sure_or_not(fits, form, quad) -> None:
    known = quad.clients["JPN"]["capability_ratio"]
    nearly = Normal(np.log(known), 1e-9, 1e-4, 1e6, log=True)
    row = quad.clients["JPN"] | {"capability_ratio": nearly}
    doubtful = replace(quad, clients=quad.clients | {"JPN": row})
    sure, unsure = (outlook(fits["null"], form, s, 200) for s in (quad, doubtful))
    for name in ("design", "hazard", "state"):
        assert unsure[name].to_numpy() == pytest.approx(sure[name].to_numpy()), name


def test_no_share_of_the_decisions_leaves_a_grouping_as_it_is(fits, form, quad) -> None:
    found = outlook(fits["null"], form, replace(quad, share=0.0), 200)
    assert found["state"].sel(rung=quad.today).to_numpy() == pytest.approx(1)


def test_a_hazard_of_another_theory_is_refused(fits, form, quad) -> None:
    with pytest.raises(InputError, match="hazard of decisions of the theory 'occupation'"):
        outlook(fits["occupation"], form, quad)


def test_a_table_has_every_theory_year_and_rung(fits, form, quad) -> None:
    found = horizon({"null": fits["null"]}, {"null": form}, quad, {"null": 1.0}, 200)
    assert set(found["theory"]) == {"null", "stacked"}
    assert (found["lower"] <= found["upper"]).all()
    states = found[found["rung"].isin(RUNGS)].groupby(["theory", "year"])["probability"].sum()
    assert states.to_numpy() == pytest.approx(1)
    wide = found.pivot(index=["theory", "year"], columns="rung", values="probability")
    together = wide["multilateral_weak"] + wide["multilateral_strong"]
    assert wide["multilateral"].to_numpy() == pytest.approx(together.to_numpy())


def test_lives_without_a_theory_follow_the_age_bands(fits, quad) -> None:
    tree = fits["null"]
    found = lasting(tree, quad, 200, years=30)
    assert found.sel(age=0).to_numpy() == pytest.approx(1)
    assert (found.diff("age") <= 0).all()
    # the null theory has one life for all designs, with steps of the log survival by age band
    first = found.isel(cell=0).to_numpy()
    assert found.to_numpy() == pytest.approx(np.repeat(first[:, None], len(DESIGNS), axis=1))
    step = -np.diff(np.log(first), axis=1)  # hazard by year
    for band in (slice(0, 10), slice(10, 25), slice(25, 30)):
        assert step[:, band] == pytest.approx(
            np.repeat(step[:, [band.start]], step[:, band].shape[1], 1)
        )
    posterior = tree["posterior"].to_dataset()
    every = max(1, posterior.sizes["chain"] * posterior.sizes["draw"] // 200)
    steps = posterior["hazard_step"].isel(draw=slice(None, None, every)).to_numpy().reshape(-1, 3)
    assert np.log(step[:, 10] / step[:, 0]) == pytest.approx(steps[:, 1] - steps[:, 0])


def test_promises_lengthen_lives_as_the_theory_says(fits, quad) -> None:
    tree = fits["occupation"]
    pledged = replace(quad, commitment={"none": 0.0, "consult": 0.0, "defend": 1.0}, certainty=None)
    bare = replace(quad, commitment={"none": 1.0, "consult": 0.0, "defend": 0.0}, certainty=None)
    log_ratio = np.log(np.log(_stands(tree, pledged)) / np.log(_stands(tree, bare)))
    posterior = tree["posterior"].to_dataset()
    every = max(1, posterior.sizes["chain"] * posterior.sizes["draw"] // 200)
    beta = posterior["beta_2"].isel(draw=slice(None, None, every)).to_numpy().ravel()
    assert log_ratio == pytest.approx(beta)


def _stands(tree: xr.DataTree, scenario: Scenario) -> np.ndarray:
    return lasting(tree, scenario, 200).sel(cell="multilateral_strong", age=20).to_numpy()


def test_scenarios_stand_beyond_the_data(fits) -> None:
    assert data_of(fits["null"]).years["year"].max() < made().year
