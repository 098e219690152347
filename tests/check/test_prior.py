"""What the theories say before they have seen an outcome."""

from __future__ import annotations

import importlib.util
import tomllib
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.optimize import brentq
from scipy.stats import ks_2samp

from bayes_alliance.bundled import bundled
from bayes_alliance.check.prior import (
    FOLLOWED,
    Quantity,
    followed,
    median_life,
    prior_predictive,
    prior_quantities,
    prior_summary,
    prior_values,
    survival_at,
)
from bayes_alliance.check.quantities import lifetimes
from bayes_alliance.data import load
from bayes_alliance.errors import InputError
from bayes_alliance.process.cells import CELLS
from bayes_alliance.process.priors import load_priors
from bayes_alliance.process.survival import OBSERVED_UNTIL, alliance_years
from bayes_alliance.theories import NAMES

ROOT = Path(__file__).parent.parent.parent
DRAWS = 600


@pytest.fixture(scope="module")
def null(data) -> xr.DataTree:
    return prior_predictive("null", data, draws=DRAWS, seed=1)


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("update_prior", ROOT / "scripts/update_prior.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# -- quantities by hand ----------------------------------------------------------------------


@pytest.fixture
def tiny() -> xr.DataTree:
    """Two draws; a European and two Asian cases, and a fallback row that must not count."""
    sure = np.eye(len(CELLS))
    europe = [sure[6], 0.5 * sure[5] + 0.5 * sure[0]]  # multilateral strong; weak or nothing
    asia = [sure[2], sure[2]]  # bilateral strong
    other = [0.25 * sure[5] + 0.75 * sure[3], sure[3]]  # multilateral or trilateral weak
    fallback = [sure[4], sure[4]]
    design = np.stack([europe, asia, other, fallback], axis=1)[None]  # (1, draw, episode, cell)
    proposal = np.stack([[sure[6], sure[5]], asia, [sure[3], sure[3]], fallback], axis=1)[None]
    accepted = np.array([[[0.9, 0.0, 0.7, 0.0], [0.5, 0.0, 0.1, 0.0]]])
    hazard = np.array([[[0.02, 0.04, 0.10], [0.10, 0.10, 0.10]]])
    dims = ("chain", "draw", "episode")
    prior = xr.Dataset(
        {
            "design_probability": ((*dims, "cell"), design),
            "proposal_probability": ((*dims, "cell"), proposal),
            "acceptance_probability": (dims, accepted),
            "promise_to_defend": (dims, np.array([[[0.2, 0.4, 0.6, 1.0], [0.0, 0.0, 0.3, 1.0]]])),
            "hazard": (("chain", "draw", "alliance_year"), hazard),
        },
        coords={
            "is_case": ("episode", [True, True, True, False]),
            "place": ("episode", ["europe", "asia", "asia", "asia"]),
            "design": ("alliance_year", ["a", "a", "b"]),
            "age_from": ("alliance_year", [0.0, 20.0, 0.0]),
        },
    )
    return xr.DataTree.from_dict({"prior": prior})


def test_shares_by_hand(tiny):
    found = prior_values(tiny)
    expected = {
        "none": [0, 0.5 / 3],
        "bilateral_weak": [0, 0],
        "bilateral_strong": [1 / 3, 1 / 3],
        "trilateral_weak": [0.25, 1 / 3],
        "trilateral_strong": [0, 0],
        "multilateral_weak": [0.25 / 3, 0.5 / 3],
        "multilateral_strong": [1 / 3, 0],
        "multilateral": [1.25 / 3, 0.5 / 3],
        "proposed_multilateral": [1 / 3, 1 / 3],
        "multilateral_europe": [1, 0.5],
        "multilateral_asia": [0.125, 0],
        "multilateral_difference": [0.875, 0.5],
        "strong": [2 / 3, 1 / 3],
        "refused": [(0.1 + 0.3) / 2, (0.5 + 0.9) / 2],  # the bilateral proposal does not count
        "defend": [0.4, 0.1],
    }
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, atol=1e-12, err_msg=name)
    assert list(found) == list(prior_quantities(["europe", "asia"]))


def test_survival_is_exp_of_minus_the_cumulative_hazard(tiny):
    found = prior_values(tiny)
    at = {
        10: (np.exp(-0.2) + np.exp(-1.0)) / 2,
        25: (np.exp(-0.4 - 0.2) + np.exp(-2.5)) / 2,
        50: (np.exp(-0.4 - 1.2) + np.exp(-5.0)) / 2,  # the last hazard goes on
    }
    for age, share in at.items():
        np.testing.assert_allclose(found[f"survival_{age}"], [share, np.exp(-0.1 * age)])

    def half(t: float) -> float:
        first = 0.02 * min(t, 20) + 0.04 * max(t - 20, 0)
        return (np.exp(-first) + np.exp(-0.1 * t)) / 2 - 0.5

    np.testing.assert_allclose(found["median_life"][0], brentq(half, 1, 100), rtol=1e-8)
    np.testing.assert_allclose(found["median_life"][1], np.log(2) / 0.1, rtol=1e-8)


def test_survival_is_the_share_of_drawn_lives_that_last():
    exposure = np.array([3.0, 7.0, 15.0, 30.0])
    hazard = np.array([[0.05, 0.01, 0.03, 0.08]])
    age_from = np.concatenate([[0], np.cumsum(exposure)[:-1]])
    n = 200_000
    lives = lifetimes(np.repeat(hazard, n, axis=0), exposure, seed=4)
    ages = np.array([2.0, 5.0, 20.0, 40.0])
    one = np.array(["only"] * 4)
    share = np.concatenate([survival_at(hazard, age_from, one, age) for age in ages])
    np.testing.assert_allclose((lives[:, None] > ages).mean(0), share, atol=4 * 0.5 / np.sqrt(n))
    middle = median_life(hazard, age_from, one)[0]
    assert (lives > middle).mean() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(n))


def test_median_life_of_extreme_hazards_is_finite():
    stretch = np.array([0.0]), np.array(["only"])
    for hazard in (1e3, 1.0, 1e-12):
        found = median_life(np.array([[hazard]]), *stretch)[0]
        assert found == pytest.approx(min(np.log(2) / hazard, 1e6), rel=1e-6)


def test_every_design_is_followed_for_as_long_as_can_be():
    for names in (("europe", "asia"), ("asymmetric",)):
        data = load(*names)
        longer = followed(data)
        own = data.episodes[data.episodes["start"].notna() & data.episodes["accession_to"].isna()]
        lives = alliance_years(longer.episodes).groupby("episode")["exposure"].sum()
        left = (OBSERVED_UNTIL - own.set_index("episode")["start"]).dt.days / 365.2425
        np.testing.assert_allclose(lives.reindex(left.index), left.clip(upper=FOLLOWED), atol=0.01)
        assert alliance_years(longer.episodes)["event"].sum() == 0
        last = longer.years.groupby(["patron", "theatre"])["year"].max()
        assert (last >= OBSERVED_UNTIL.year - 1).all()
        kept = longer.years.merge(data.years, how="right", indicator=True)
        assert (kept["_merge"] == "both").all(), "recorded years stay as they are"
        assert data.episodes.equals(load(*names).episodes), "the data themselves do not change"


# -- against direct simulation ---------------------------------------------------------------


def simulated_null(data, n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Expected shares of the null theory, by numpy from models/process.toml alone."""
    prior = tomllib.loads(bundled("models", "process.toml").read_text(encoding="utf-8"))
    lapse, prior = prior["options"]["lapse"], prior["parameters"]

    def normal(name: str, *shape: int) -> np.ndarray:
        return prior[name]["mu"] + prior[name]["sigma"] * rng.standard_normal((n, *shape))

    cases = data.episodes[data.episodes["episode"] == data.episodes["case"]]
    effect = np.zeros((n, 3, len(cases)))  # partners, strong, acceptance
    for factor in ("theatre", "patron"):  # one era only
        levels, at = np.unique(cases[factor].astype(str), return_inverse=True)
        assert len(levels) == 2
        scale = np.abs(prior[f"scale_{factor}"]["sigma"] * rng.standard_normal((n, 3, 1)))
        z = rng.standard_normal((n, 3, 2))
        effect += (scale * (z - z.mean(-1, keepdims=True)))[..., at]
    partners = normal("alpha_partner")[:, None] + effect[:, 0]
    strong = normal("alpha_strong")[:, None] + effect[:, 1]
    basis = np.column_stack([np.ones(6), [0, 0, 1, 1, 2, 2], [0, 1, 0, 1, 0, 1]])
    rest = np.vstack([np.zeros(3), np.linalg.svd(basis)[0][:, 3:]])  # cells the sum cannot reach
    utility = (normal("alpha_departure", 3) @ rest.T)[:, None] + np.stack(
        [
            np.zeros_like(partners),
            *(
                normal_ + k * partners + s * strong
                for normal_ in [normal("alpha_alliance")[:, None]]
                for k in (0, 1, 2)
                for s in (0, 1)
            ),
        ],
        axis=-1,
    )
    q = np.exp(utility - utility.max(-1, keepdims=True))
    q /= q.sum(-1, keepdims=True)  # (n, case, cell)
    accepted = 1 / (1 + np.exp(-normal("acceptance_0")[:, None] - effect[:, 2]))
    two, three = np.exp(normal("fallback_bilateral")), np.exp(normal("fallback_trilateral"))
    firm = 1 / (1 + np.exp(-normal("fallback_strong")))
    parts = [np.ones(n), two * (1 - firm), two * firm, three * (1 - firm), three * firm]
    after_many = np.stack([*parts, 0 * two, 0 * two], -1) / (1 + two + three)[:, None]
    after_three = np.stack([*parts[:3], *[0 * two] * 4], -1) / (1 + two)[:, None]
    d = q.copy()
    d[..., 3:] *= accepted[..., None]
    refused_many = q[..., 5:].sum(-1) * (1 - accepted)
    refused_three = q[..., 3:5].sum(-1) * (1 - accepted)
    d += refused_many[..., None] * after_many[:, None]
    d += refused_three[..., None] * after_three[:, None]
    d = (1 - lapse) * d + lapse / 7
    many = d[..., 5] + d[..., 6]
    europe = (cases["theatre"] == "europe").to_numpy()
    return {
        **{cell: d[..., i].mean(1) for i, cell in enumerate(CELLS)},
        "multilateral": many.mean(1),
        "proposed_multilateral": (q[..., 5] + q[..., 6]).mean(1),
        "multilateral_difference": many[:, europe].mean(1) - many[:, ~europe].mean(1),
        "strong": d[..., 2::2].sum(-1).mean(1),
        "refused": (refused_many + refused_three).sum(1) / q[..., 3:].sum((1, 2)),
    }


def test_null_has_the_prior_that_numpy_simulates(null, data):
    found = prior_values(null)
    wanted = simulated_null(data, 20_000, np.random.default_rng(5))
    for name, values in wanted.items():
        p = ks_2samp(found[name], values).pvalue
        assert p > 1e-3, f"{name}: mean {found[name].mean():.3f}, simulated {values.mean():.3f}"
        error = 4 * values.std() / np.sqrt(DRAWS)
        assert found[name].mean() == pytest.approx(values.mean(), abs=error), name


def test_replicated_outcomes_have_the_expected_shares(null):
    """The replicated designs of the cases come as often as the probabilities say."""
    codes = null["prior_predictive"]["outcome_observed"].to_numpy()[0]  # (draw, episode)
    roots = null["prior"]["is_case"].to_numpy()
    design = codes[:, roots] % (len(CELLS) + 2) - 1
    found = prior_values(null)
    for i, cell in enumerate(CELLS):
        share = (design == i).mean(1)
        error = 4 * share.std() / np.sqrt(DRAWS)
        assert share.mean() == pytest.approx(found[cell].mean(), abs=error), cell


def test_promises_are_as_made_and_not_as_misread(data):
    tree = prior_predictive("occupation", data, draws=400, seed=2)
    promised = tree["prior"]["promise_to_defend"].to_numpy()[0]  # (draw, episode)
    drawn = tree["prior_predictive"]["commitment_given"].to_numpy()[0] == 2
    sure = tree["constant_data"]["commitment_confidence"].to_numpy()
    recorded = sure * promised + (1 - sure) / 3
    error = 4 * 0.5 / np.sqrt(400)
    np.testing.assert_allclose(drawn.mean(0), recorded.mean(0), atol=error)
    assert (sure < 1).any() and ((promised >= 0) & (promised <= 1)).all()
    assert "defend" in prior_values(tree)


# -- criteria --------------------------------------------------------------------------------


def test_criteria_hold_and_fail_by_hand():
    grid = np.linspace(0, 1, 1001)  # 90 % interval 0.05 to 0.95
    open_ = Quantity("x", (0.06, 0.94), "why")
    assert open_.sane(grid)
    assert not open_.sane(0.9 * grid), "does not reach far enough up"
    assert not open_.sane(0.1 + 0.9 * grid), "does not reach far enough down"
    bounded = Quantity("x", (20, 60), "why", within=(2, 500), years=True)
    assert bounded.sane(100 * grid + 1)
    assert not bounded.sane(1000 * grid), "950 years"
    assert not bounded.sane(100 * grid - 4), "1 year"
    centred = Quantity("x", (-0.25, 0.25), "why", centred=True)
    assert centred.sane(grid - 0.5)
    assert not centred.sane(grid - 0.39), "leans to one side"
    assert "0.06 to 0.94" in open_.criterion and "2 to 500" in bounded.criterion
    assert "0.1 from 0" in centred.criterion


def test_narrow_priors_fail(data):
    priors = {
        "alpha_partner": {"mu": 5.0, "sigma": 0.1},
        "acceptance_0": {"mu": 4.0, "sigma": 0.1},
        "hazard_0": {"mu": 1.0, "sigma": 0.1},
        "scale_theatre": {"sigma": 0.01},
    }
    found = prior_summary("null", data, priors, draws=200)
    failing = set(found.index[~found["sane"]])
    assert failing >= {
        "none",
        "bilateral_weak",
        "multilateral",
        "multilateral_europe",
        "multilateral_difference",
        "refused",
        "median_life",
        "survival_10",
    }
    assert found.at["multilateral", "lower"] > 0.8
    assert found.at["median_life", "upper"] < 2


def test_wide_priors_of_life_fail(data):
    found = prior_summary("null", data, {"hazard_0": {"mu": -3.7, "sigma": 6.0}}, draws=200)
    assert not found.at["median_life", "sane"], "lives of days and of millions of years"


def test_summary_says_what_the_draws_say(data, null):
    found = prior_summary("null", data, draws=DRAWS, seed=1)
    values = prior_values(null)
    assert list(found.index) == list(values)
    assert "defend" not in found.index, "the null does not model promises"
    for name, drawn in values.items():
        row = found.loc[name]
        quantiles = np.quantile(drawn, [0.05, 0.25, 0.5, 0.75, 0.95])
        columns = ["lower", "lower_half", "median", "upper_half", "upper"]
        np.testing.assert_allclose(row[columns].to_numpy(float), quantiles, rtol=1e-12)
        assert row["mean"] == drawn.mean()
        for end, prob in (("lower", 0.05), ("upper", 0.95)):
            ranks = prob + np.array([-1, 1]) * np.sqrt(0.05 * 0.95 / DRAWS)
            low, high = np.quantile(drawn, ranks)
            ratio = row[f"{end}_mcse"] / ((high - low) / 2)
            assert 0.4 < ratio < 2.5, (name, end)  # both are rough: a few order statistics apart
        assert row["words"] and row["criterion"] and row["reason"]
    other = prior_summary("null", data, draws=DRAWS, seed=2)
    assert (other["mean"] != found["mean"]).all(), "another seed gives other draws"


def test_other_theatres_and_none_of_them():
    asia = prior_summary("null", load("asia"), draws=100)
    assert "multilateral_asia" in asia.index
    assert not {"multilateral_europe", "multilateral_difference"} & set(asia.index)
    assert prior_quantities(["africa"])["multilateral_africa"].words.startswith("multilateral in")


@pytest.mark.parametrize("draws", [99, 0, -1, 100.0, True, "many"])
def test_too_few_draws_are_refused(draws, data):
    with pytest.raises(InputError, match="100") as caught:
        prior_predictive("null", data, draws=draws)
    assert caught.value.column == "draws"


def test_unknown_theories_and_priors_are_refused(data):
    with pytest.raises(InputError, match="occupation"):
        prior_predictive("realism", data)
    with pytest.raises(InputError, match="alpha_partner"):
        prior_predictive("null", data, {"beta_1": {"sigma": 2.0}})


# -- the page --------------------------------------------------------------------------------


def test_page_shows_every_theory_and_quantity_with_todays_priors_and_criteria(script):
    text = script.PAGE.read_text(encoding="utf-8")
    hint = "run make prior"
    for line in script.criteria():
        assert line in text, f"{hint}: lacks {line}"
    for name in NAMES:
        assert f"{name} {load_priors(name).hash[:8]}" in text, f"{hint}: other priors of {name}"
    for dataset, names in script.DATASETS.items():
        section = text.split(f"## {dataset}\n")[1].split("\n## ")[0]
        assert f"figures/{script.figure_name(dataset)}" in section
        assert (script.FIGURES / script.figure_name(dataset)).is_file()
        assert f"| quantity | {' | '.join(NAMES)} |" in section
        rows = dict(line[2:].split(" | ", 1) for line in section.splitlines() if "| " in line)
        for name, quantity in script.quantities(load(*names)).items():
            assert quantity.words in rows, f"{hint}: lacks {name} of {dataset}"
            entries = rows[quantity.words].removesuffix("|").split("|")
            assert len(entries) == len(NAMES), name
            if name != "defend":
                assert all(" to " in entry for entry in entries), f"{name} of {dataset}"


@pytest.fixture
def known() -> dict[str, Quantity]:
    return prior_quantities(["europe", "asia"])


@pytest.fixture
def tables(known) -> dict[str, pd.DataFrame]:
    """Two theories, of which one fails at one quantity."""
    row = {"mean": 0.4, "median": 0.3, "lower": 0.1, "upper": 0.9}
    row |= {"lower_half": 0.2, "upper_half": 0.5, "sane": True}
    row |= {"lower_mcse": 0.002, "upper_mcse": 0.023}
    fine = pd.DataFrame({name: row for name in known if name != "defend"}).T
    bad = fine.copy()
    bad.loc["multilateral", ["sane", "lower"]] = [False, 0.04]
    return {"null": fine, "power": bad}


def test_page_marks_what_fails(script, known, tables):
    drawn = script.draw("d", tables, known)
    text = script.page({"d": tables}, {"d": known}, {"d": drawn})
    count = 2 * (len(known) - 1)
    assert f"{count - 1} of {count} pairs" in text
    words = known["multilateral"].words
    assert f"- {words} ({known['multilateral'].criterion}): power" in text
    assert "by at most 0.050 (Monte Carlo standard error 0.023)" in text, "0.95 minus 0.90"
    assert f"| {words} | 0.40 (0.10 to 0.90) | **0.400 (0.040 to 0.900)** |" in text
    assert f"| {known['median_life'].words} | 0.3 (0.1 to 0.9) |" in text
    assert f"| {known['defend'].words} |  |  |" in text
    both = script.verdict({"power": tables["power"], "other": tables["power"]}, known)
    assert any(line.startswith(f"- {words}") and "every theory" in line for line in both)
    fine = script.verdict({"null": tables["null"]}, known)
    assert fine == [
        f"{count // 2} of {count // 2} pairs of a theory and a quantity meet their criterion."
    ]


def test_misses_by_hand(script, known):
    errors = {"lower_mcse": 0.1, "upper_mcse": 0.2}
    share, life = known["strong"], known["median_life"]  # 0.25 to 0.75; 14 to 69 within 2 to 500
    for quantity, lower, upper, by, error in (
        (share, 0.30, 0.80, 0.05, 0.1),
        (share, 0.20, 0.70, 0.05, 0.2),
        (life, 1.5, 100, 0.5, 0.1),
        (life, 3, 510, 10, 0.2),
    ):
        row = pd.Series({"lower": lower, "upper": upper, **errors})
        assert script.miss(row, quantity) == (pytest.approx(by), error)


def test_page_reads_the_extremes(script, tables):
    tables["power"].loc["multilateral", "mean"] = 0.1
    tables["power"].loc["multilateral_difference", ["lower", "upper"]] = [-0.3, 0.7]
    text = script.reading(tables)
    assert "multilateral design in 0.10 to 0.40 of the cases" in text
    assert "most in power: Europe minus Asia lies between -0.30 and 0.70" in text


def test_figure_shows_the_intervals(script, known, tables):
    figure = script.draw("d", tables, known)
    panels = {axes.get_title(loc="left"): axes for axes in figure.figure.axes}
    assert len(panels) == len(known) - 1, "all but the promises, which neither models"
    axes = panels["multilateral designs"]
    ends = [tuple(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 2]
    assert ends == [(0.1, 0.9), (0.2, 0.5), (0.04, 0.9), (0.2, 0.5)]
    colours = [line.get_color() for line in axes.lines]
    assert colours == [script.SANE] * 3 + [script.FAILS] * 3
    assert "table below" in figure.alt
