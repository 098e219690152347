"""Scores of forecasts from the past, against other implementations and by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scoringrules as sr
import statsmodels.api as sm
import xarray as xr
from lifelines.utils import concordance_index
from scipy.stats import binom
from scipy.stats import entropy as scipy_entropy

from bayes_alliance.compare.scores import RUNG, ladder
from bayes_alliance.forecast.skill import (
    clustered_error,
    design_scores,
    entropy,
    expected,
    life_concordance,
    life_scores,
    pair_scores,
    spread_of,
    summary,
    year_scores,
)
from bayes_alliance.process.cells import CELLS

NAMES = ["theory", "base"]
THREAT = ["carried", "told"]


def some_designs(seed: int, cases: int = 12) -> xr.Dataset:
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(len(CELLS)), (2, len(NAMES), cases))
    return xr.Dataset(
        {
            "probability": (("information", "name", "case", "cell"), p),
            "cell_observed": ("case", rng.integers(0, len(CELLS), cases)),
            "accession": ("case", np.zeros(cases, int)),
        },
        coords={
            "information": ["indicators", "commitments"],
            "name": NAMES,
            "case": [f"case-{i}" for i in range(cases)],
        },
    )


def some_years(seed: int, pairs: int = 3, years: int = 4) -> xr.Dataset:
    rng = np.random.default_rng(seed)
    rows = pairs * years
    p = rng.uniform(0.05, 0.6, (2, len(NAMES), rows))
    place = np.repeat(np.arange(pairs), years)
    count = rng.dirichlet(np.ones(years + 1), (2, len(NAMES), pairs))
    return xr.Dataset(
        {
            "probability": (("threat", "name", "row"), p),
            "arose": ("row", rng.integers(0, 2, rows)),
            "any": (("threat", "name", "pair"), 1 - count[..., 0]),
            "count": (("threat", "name", "pair", "number"), count),
            "total": (("threat", "name", "bound"), np.tile([5.0, 2.0, 8.0], (2, len(NAMES), 1))),
            "patron": ("row", [f"P{i}" for i in place]),
            "theatre": ("row", ["asia"] * rows),
            "year": ("row", np.tile(np.arange(1950, 1950 + years), pairs)),
            "place": ("row", place),
        },
        coords={
            "threat": THREAT,
            "name": NAMES,
            "pair": [f"P{i} asia" for i in range(pairs)],
        },
        attrs={"missed": 0},
    )


def some_lives(seed: int, designs: int = 15) -> xr.Dataset:
    rng = np.random.default_rng(seed)
    rate = rng.uniform(0.01, 0.3, (2, len(NAMES), designs))
    ahead = np.arange(16.0)
    event = rng.integers(0, 2, designs)
    follow = rng.uniform(5, 15, designs)
    duration = np.where(event == 1, follow * rng.uniform(0.1, 0.9, designs), follow)
    censored = np.zeros(designs, int)
    censored[event == 0] = rng.integers(0, 2, int((event == 0).sum()))
    duration = np.where(censored == 1, follow * 0.5, duration)
    return xr.Dataset(
        {
            "standing": (("threat", "name", "design", "ahead"), np.exp(-rate[..., None] * ahead)),
            "age": ("design", np.zeros(designs)),
            "follow": ("design", follow),
            "duration": ("design", duration),
            "event": ("design", event),
            "censored": ("design", censored),
            "made": ("design", np.zeros(designs, int)),
        },
        coords={
            "threat": THREAT,
            "name": NAMES,
            "design": [f"design-{i}" for i in range(designs)],
            "ahead": ahead,
        },
    )


def of(rows: pd.DataFrame, name: str, known: str) -> pd.DataFrame:
    return rows[(rows["name"] == name) & (rows["knows"] == known)]


# --- scores ---------------------------------------------------------------------------------------


def test_design_scores_agree_with_scoringrules():
    found = some_designs(1)
    rows = of(design_scores(found, 1955), "base", "commitments")
    p = found["probability"].sel(name="base", information="commitments").to_numpy()
    cell = found["cell_observed"].to_numpy()
    np.testing.assert_allclose(rows["log"], -np.log(p[np.arange(len(cell)), cell]))
    np.testing.assert_allclose(rows["brier"], sr.brier_score(np.eye(7)[cell], p).sum(-1))
    ranked = sr.rps_score(RUNG[cell] + 1, ladder(p))
    np.testing.assert_allclose(rows["ranked"], ranked)
    np.testing.assert_allclose(rows["entropy"], scipy_entropy(p, axis=-1))


def test_year_scores_agree_with_scoringrules():
    found = some_years(2)
    rows = of(year_scores(found, 1950), "theory", "told")
    p = found["probability"].sel(name="theory", threat="told").to_numpy()
    arose = found["arose"].to_numpy()
    np.testing.assert_allclose(rows["log"], sr.log_score(arose, p))
    np.testing.assert_allclose(rows["brier"], 2 * sr.brier_score(arose, p))
    assert rows["unit"].is_unique and list(rows["cluster"].unique()) == list(found["pair"].values)


def test_scores_of_a_window_agree_with_an_ensemble():
    """The ranked probability score of a number is the CRPS of an ensemble of numbers."""
    found = some_years(3)
    rows = of(pair_scores(found, 1950), "theory", "carried")
    seen = found["arose"].to_numpy().reshape(3, 4).sum(1)
    count = found["count"].sel(name="theory", threat="carried").to_numpy()
    draws = [np.repeat(np.arange(5), np.round(p * 100_000).astype(int)) for p in count]
    wanted = [sr.crps_ensemble(float(n), d.astype(float)) for n, d in zip(seen, draws, strict=True)]
    np.testing.assert_allclose(rows["ranked"], wanted, atol=1e-3)
    any_ = found["any"].sel(name="theory", threat="carried").to_numpy()
    np.testing.assert_allclose(rows["brier"], 2 * sr.brier_score((seen > 0).astype(int), any_))


def test_life_scores_are_of_the_end_of_the_window():
    found = some_lives(4)
    rows = of(life_scores(found, 1955), "theory", "carried")
    curve = found["standing"].sel(name="theory", threat="carried").to_numpy()
    follow, event = found["follow"].to_numpy(), found["event"].to_numpy()
    gone = [1 - np.interp(f, found["ahead"], c) for f, c in zip(follow, curve, strict=True)]
    replaced = found["censored"].to_numpy() == 1
    assert replaced.any() and rows.loc[replaced, ["log", "brier"]].isna().all(axis=None)
    wanted = sr.log_score(event, np.array(gone))[~replaced]
    np.testing.assert_allclose(rows.loc[~replaced, "log"], wanted)
    assert rows["integrated_brier"].notna().all()


def test_entropy_of_certainty_is_zero():
    assert entropy(np.array([0.0, 1.0])) == 0.0
    assert entropy(np.full(7, 1 / 7)) == pytest.approx(np.log(7))


# --- how sure -------------------------------------------------------------------------------------


def test_clustered_error_agrees_with_statsmodels():
    rng = np.random.default_rng(5)
    group = np.repeat(np.arange(8), [1, 2, 3, 4, 5, 6, 7, 8])
    values = rng.normal(size=8)[group] + rng.normal(size=len(group))
    found = sm.OLS(values, np.ones(len(values))).fit(
        cov_type="cluster", cov_kwds={"groups": group, "use_correction": True}
    )
    assert clustered_error(values, group) == pytest.approx(found.bse[0])
    alone = clustered_error(values, np.arange(len(values)))
    assert alone == pytest.approx(values.std(ddof=1) / np.sqrt(len(values)))
    assert np.isnan(clustered_error(values, np.zeros(len(values))))


def test_a_case_asked_twice_is_one_cluster():
    """Two origins whose windows overlap: twice the forecasts, no more evidence."""
    once = design_scores(some_designs(6), 1946)
    twice = pd.concat([once, once.assign(origin=1955)])
    one, two = (summary(rows, "log", "base").loc["indicators"] for rows in (once, twice))
    assert two.loc["theory", "forecasts"] == 2 * one.loc["theory", "forecasts"]
    assert two.loc["theory", "clusters"] == one.loc["theory", "clusters"]
    assert two.loc["theory", "gain"] == pytest.approx(one.loc["theory", "gain"])
    assert two.loc["theory", "gain_se"] == pytest.approx(one.loc["theory", "gain_se"])


def test_summary_by_hand():
    rows = design_scores(some_designs(7), 1946)
    table = summary(rows, "brier", "base").loc["indicators"]
    own, base = (of(rows, name, "indicators")["brier"].to_numpy() for name in NAMES)
    assert table.loc["theory", "gain"] == pytest.approx((base - own).mean())
    assert table.loc["theory", "skill"] == pytest.approx(1 - own.mean() / base.mean())
    assert table.loc["base", "gain"] == table.loc["base", "gain_se"] == 0.0


def test_concordance_agrees_with_lifelines():
    found = some_lives(8)
    table = life_concordance({1955: found}, "base", replications=20)
    for name in NAMES:
        curve = found["standing"].sel(name=name, threat="carried").to_numpy()
        life = np.trapezoid(curve, found["ahead"], axis=-1)
        wanted = concordance_index(found["duration"], life, found["event"])
        assert table.loc[("carried", name), "mean"] == pytest.approx(wanted)
    assert table.loc[("carried", "base"), "gain"] == 0.0
    assert (table["lower"] <= table["mean"]).all() and (table["mean"] <= table["upper"]).all()


def test_only_designs_of_one_origin_make_a_pair():
    found = some_lives(9)
    both = life_concordance({1955: found, 1970: found}, "base", replications=2)
    one = life_concordance({1955: found}, "base", replications=2)
    np.testing.assert_allclose(both["mean"], one["mean"])


def test_interval_of_independent_events_is_binomial():
    assert spread_of(np.full(30, 0.3)) == tuple(binom(30, 0.3).ppf([0.05, 0.95]))
    assert spread_of(np.zeros(4)) == (0.0, 0.0)


def test_expected_numbers_by_hand():
    subjects = {"designs": some_designs(1), "years": some_years(1), "lives": some_lives(1)}
    table = expected({1955: subjects}).set_index(["what", "name"])
    designs = subjects["designs"]
    strong = [i for i, cell in enumerate(CELLS) if cell.endswith("strong")]
    p = designs["probability"].sel(name="theory", information="indicators")
    row = table.loc[("strong designs", "theory")]
    assert row["expected"] == pytest.approx(float(p.isel(cell=strong).sum()))
    assert row["observed"] == int(np.isin(designs["cell_observed"], strong).sum())
    assert table.loc[("years with a decision", "base"), "lower"] == 2.0
    lives = subjects["lives"]
    assert table.loc[("designs that ended", "base"), "observed"] == int(lives["event"].sum())
