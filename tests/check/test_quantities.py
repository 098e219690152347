"""Test quantities of proposals and designs, and what is said of both sides."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayes_alliance.check.choices import (
    Choices,
    designs,
    observed_choices,
    replicated_choices,
)
from bayes_alliance.check.quantities import (
    PROPOSALS,
    _of_choices,
    check,
    checks,
    quantities,
)
from bayes_alliance.data import load
from bayes_alliance.data.load import Data
from bayes_alliance.errors import InputError
from bayes_alliance.process.cells import CELLS, MULTILATERAL, REFUSED
from bayes_alliance.process.containers import codes, encode, era, outcome_codes
from bayes_alliance.storage import TABLES

CELL = {name: i for i, name in enumerate(CELLS)}


@pytest.fixture(scope="module")
def wide() -> Data:
    return load("asymmetric")


def certain(data: Data, **changes: int) -> xr.DataTree:
    """A fit that replicates the data as they are, but for the cells of some episodes.

    A refused proposal comes to nothing in its own row, as the model draws it; an unrecorded one
    is drawn as what came of it.
    """
    episodes = data.episodes
    outcome = outcome_codes(episodes["outcome"])
    cell = np.where(outcome == REFUSED, 0, outcome)
    proposal = codes(episodes["proposal"], CELLS)
    proposal = np.where(proposal < 0, cell, proposal)
    row = {name: i for i, name in enumerate(episodes["episode"])}
    for name, value in changes.items():
        cell[row[name.replace("_", "-")]] = value
    drawn = np.broadcast_to(encode(proposal, cell), (2, 3, len(cell)))
    tables = {name: ((), getattr(data, name).to_csv(index=False)) for name in TABLES}
    tree = xr.DataTree.from_dict(
        {
            "posterior_predictive": xr.Dataset(
                {"outcome_observed": (("chain", "draw", "episode"), drawn)}
            ),
            "tables": xr.Dataset(tables),
        }
    )
    tree.attrs.update(theory="null", data_name=data.name)
    return tree


def choices(*rows: tuple[str | None, bool, str]) -> Choices:
    """Choices from proposal, refused and design."""
    proposal = np.array([-1 if p is None else CELL[p] for p, _, _ in rows])
    refused = np.array([r for _, r, _ in rows])
    return Choices(pd.DataFrame(), proposal, refused, np.array([CELL[d] for _, _, d in rows]))


MADE_UP = choices(
    ("multilateral_strong", False, "multilateral_strong"),
    ("multilateral_weak", True, "none"),
    ("multilateral_weak", True, "none"),
    ("trilateral_strong", True, "bilateral_weak"),
    ("multilateral_strong", True, "trilateral_weak"),
    ("bilateral_strong", False, "bilateral_strong"),
    ("bilateral_weak", True, "none"),
    ("none", False, "none"),
    (None, False, "bilateral_weak"),
    (None, False, "multilateral_weak"),
)
BY_HAND = {
    "proposed_any": 7 / 8,
    "proposed_several": 5 / 7,
    "refused_several": 4 / 5,
    "refused_one": 1 / 2,
    "fallback_none": 2 / 4,
    "fallback_bilateral": 1 / 4,
    "fallback_trilateral": 1 / 4,
    "clients_several": (3 + 2 + 3) / 3,
}


@pytest.mark.parametrize("name", PROPOSALS)
def test_proposals_by_hand(name):
    assert PROPOSALS[name].of(MADE_UP) == pytest.approx(BY_HAND[name])


@pytest.mark.parametrize("name", PROPOSALS)
def test_what_no_case_has_is_no_number(name):
    none = choices((None, False, "none"))
    assert np.isnan(PROPOSALS[name].of(none))


def test_shares_of_draws_are_those_of_each_draw():
    """A quantity of many replications is the quantity of each of them."""
    rng = np.random.default_rng(1)
    shape = (2, 4, 12)
    many = Choices(
        pd.DataFrame(),
        rng.integers(-1, len(CELLS), shape),
        rng.random(shape) < 0.5,
        rng.integers(0, len(CELLS), shape),
    )
    for name, quantity in PROPOSALS.items():
        found = quantity.of(many)
        assert found.shape == shape[:2]
        for i, j in np.ndindex(shape[:2]):
            one = Choices(many.cases, many.proposal[i, j], many.refused[i, j], many.design[i, j])
            np.testing.assert_allclose(found[i, j], quantity.of(one), err_msg=name)


def test_designs_are_the_most_inclusive_fallbacks(data):
    found = designs(data).map(lambda i: CELLS[i])
    assert list(found.index) == list(dict.fromkeys(data.episodes["case"]))
    assert found["pacific-pact-1951"] == "trilateral_weak"
    assert found["united-action-1954"] == "none"
    assert found["north-atlantic-1949"] == "multilateral_strong"
    single = data.episodes.groupby("case").filter(lambda g: len(g) == 1)
    for _, row in single.iterrows():
        assert found[row["case"]] == row["outcome"], row["case"]


def test_refused_is_recorded_as_such_or_came_to_fewer(data, wide):
    found = observed_choices(data)
    assert set(found.cases.index[found.refused]) == {"pacific-pact-1951", "united-action-1954"}
    found = observed_choices(wide)
    refused = pd.Series(found.refused, found.cases.index)
    # refused, although what it fell back to has as many parties; and refused by one client
    assert refused["european-security-treaty-1954"] and refused["us-saudi-treaty-2024"]
    assert not refused[found.proposal < 0].any()
    outcome = wide.episodes.set_index("episode")["outcome"]
    assert refused[outcome.index[outcome == "refused"]].all()


@pytest.mark.parametrize("name", ["europe+asia", "asymmetric"])
def test_a_fit_that_is_certain_replicates_what_happened(name, data, wide):
    """Every quantity of every replication is the observed one."""
    data = wide if name == "asymmetric" else data
    observed, replicated = observed_choices(data), replicated_choices(certain(data), data)
    assert replicated.design.shape == (2, 3, len(observed.cases))
    for field in ("proposal", "refused", "design"):
        both = getattr(replicated, field), getattr(observed, field)
        recorded = observed.proposal >= 0 if field == "refused" else np.full(len(both[1]), True)
        np.testing.assert_array_equal(
            both[0][..., recorded], np.broadcast_to(both[1], both[0].shape)[..., recorded]
        )
    table = _of_choices(observed)
    assert len(table) >= 18
    for quantity, entry in table.items():
        np.testing.assert_array_equal(
            entry.of(replicated), np.full((2, 3), entry.of(observed)), err_msg=quantity
        )


def test_replicated_fallbacks_count_only_after_a_refusal(data):
    accepted = certain(data, pacific_pact_1951=CELL["multilateral_strong"])
    other = certain(data, anzus_1951=CELL["bilateral_strong"])
    at = observed_choices(data).cases.index.get_loc("pacific-pact-1951")
    for tree, design, refused in (
        (accepted, "multilateral_strong", False),
        (other, "bilateral_strong", True),
    ):
        found = replicated_choices(tree, data)
        assert (found.design[..., at] == CELL[design]).all()
        assert (found.refused[..., at] == refused).all()


def test_what_a_check_says_of_a_certain_fit(data):
    tree = certain(data)
    for name in ("multilateral_difference", "refused_several", "fallback_trilateral"):
        attrs = check(tree, name).attrs
        for key in ("mean", "lower", "upper"):
            assert attrs[key] == pytest.approx(attrs["observed"]), (name, key)
        assert attrs["tail"] == 1 and attrs["undefined"] == 0
        assert json.dumps(attrs)


def test_replications_without_the_quantity_are_counted_and_left_out(data):
    """No refusal in half of the replications: nothing fell back there."""
    tree = certain(data)
    code = tree["posterior_predictive"]["outcome_observed"].to_numpy().copy()
    row = {name: i for i, name in enumerate(data.episodes["episode"])}
    for name in ("pacific-pact-1951", "united-action-1954"):
        taken = encode(np.array(CELL["multilateral_strong"]), np.array(CELL["multilateral_strong"]))
        code[0, :, row[name]] = taken
    drawn = xr.Dataset({"outcome_observed": (("chain", "draw", "episode"), code)})
    tree["posterior_predictive"] = xr.DataTree(drawn)
    attrs = check(tree, "fallback_none").attrs
    assert attrs["undefined"] == 0.5
    assert attrs["mean"] == attrs["lower"] == attrs["observed"] == 0.5
    assert check(tree, "refused_several").attrs["undefined"] == 0


def test_shares_by_theatre_patron_and_era_by_hand(wide):
    episodes = wide.episodes
    cell = designs(wide).map(lambda i: CELLS[i])
    cases = episodes[episodes["episode"] == episodes["case"]].set_index("case").loc[cell.index]
    observed = observed_choices(wide)
    table = _of_choices(observed)
    for kind in ("multilateral", "strong"):
        true = cell.str.contains(kind)
        for prefix, factor in (
            ("", cases["theatre"]),
            ("patron_", cases["patron"]),
            ("era_", cases["date"].map(era)),
        ):
            share, count = true.groupby(factor.to_numpy()).mean(), factor.value_counts()
            there = {n for n in count.index if prefix == "" or count[n] >= 10}
            for level in there:
                found = table[f"{kind}_{prefix}{level}"].of(observed)
                assert found == pytest.approx(share[level]), (kind, level)
            if prefix:
                named = {n for n in table if n.startswith(f"{kind}_{prefix}")}
                assert named == {f"{kind}_{prefix}{level}" for level in there}
        gap = table[f"{kind}_europe"].of(observed) - table[f"{kind}_asia"].of(observed)
        assert table[f"{kind}_difference"].of(observed) == pytest.approx(gap)
        assert table[f"{kind}_all"].of(observed) == pytest.approx(true.mean())


def test_quantities_are_those_that_the_data_have(data, wide):
    names = quantities()
    assert names == quantities(data)
    assert {"years_seato", "multilateral_difference", "strong_europe"} <= set(names)
    assert "multilateral_africa" not in names
    assert not [n for n in names if "_era_" in n]  # all cases are of one era
    asia = quantities(load("asia"))
    assert "multilateral_asia" in asia and "years_seato" in asia
    assert not {"multilateral_europe", "multilateral_all", "strong_difference"} & set(asia)
    assert "years_north_atlantic" not in asia
    unproposed = wide.episodes.assign(proposal=None)
    bare = Data("bare", unproposed, wide.clients, wide.years, wide.codings)
    assert not {*PROPOSALS} - {"clients_several"} & {*quantities(bare)}
    for words in quantities(wide).values():
        assert words[0].islower() and not words.endswith(".") and len(words) < 95, words


def test_refusals(data):
    with pytest.raises(InputError, match="multilateral_europe") as caught:
        check(certain(data), "multilateral_africa")
    assert caught.value.column == "quantity"
    with pytest.raises(InputError, match="years_seato"):
        check(certain(load("asia")), "years_north_atlantic")


@pytest.mark.parametrize("theory", ["null", "prospect"])
def test_replicated_shares_have_the_models_probabilities(theory, fits, data):
    """The mean of replicated shares is the mean predicted probability of such a design."""
    tree = fits[theory]
    p = tree["posterior"]["design_probability"].to_numpy()
    roots = (data.episodes["episode"] == data.episodes["case"]).to_numpy()
    for where in ("europe", "asia"):
        rows = np.flatnonzero(roots & (data.episodes["theatre"] == where).to_numpy())
        expected = p[..., rows, :] @ MULTILATERAL
        replicated = check(tree, f"multilateral_{where}")["posterior_predictive"][
            f"multilateral_{where}"
        ]
        count = replicated.size
        error = 4 * np.sqrt(0.25 / (count * len(rows)))
        assert abs(float(replicated.mean()) - expected.mean()) < error, where
        assert set(np.unique((replicated * len(rows)).round(9) % 1)) == {0.0}


def test_results_hang_together(fits):
    tree = check(fits["null"], "multilateral_europe")
    attrs, values = tree.attrs, tree["posterior_predictive"]["multilateral_europe"].to_numpy()
    assert isinstance(tree, xr.DataTree)
    assert float(tree["observed_data"]["multilateral_europe"]) == attrs["observed"]
    assert attrs["lower"] <= attrs["mean"] <= attrs["upper"]
    least = 1e-9
    tails = (
        (values >= attrs["observed"] - least).mean(),
        (values <= attrs["observed"] + least).mean(),
    )
    assert attrs["tail"] == pytest.approx(min(tails)) and attrs["description"]


def test_all_that_the_data_have(fits, data):
    out = checks(fits["null"])
    assert list(out.index) == list(quantities(data))
    assert out["tail"].between(0, 1).all() and out["observed"].notna().all()
    assert (out["lower"] <= out["upper"]).all() and (out["undefined"] < 1).all()
    # the theories take proposals to one client as made
    assert out.loc["refused_one", "mean"] < 0.05
    again = check(fits["null"], "years_several").attrs
    assert out.loc["years_several", "mean"] == again["mean"], "each alone is what it is among all"
