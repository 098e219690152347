"""From tables to arrays: what is held out, what is finite, and that order does not matter."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayes_alliance.data import Data, load
from bayes_alliance.process.cells import CELLS, COMMITMENTS, DEPARTURE_LABELS, REFUSED
from bayes_alliance.process.containers import (
    BY_YEAR,
    CLIENT_COVARIATES,
    FACTORS,
    MEMORY,
    arrays,
    codes,
    coords,
    encode,
    era,
    hold_out,
    nearness,
    only,
    outcome_codes,
    stretches,
    threat_components,
)
from bayes_alliance.process.survival import alliance_years
from bayes_alliance.theories import NAMES, build

BLANKED = {"outcome", "commitment_observed", "exposure", "ended"}


def shuffled(data: Data, seed: int) -> Data:
    """The same tables with their rows in another order."""
    tables = [
        t.sample(frac=1, random_state=seed + i).reset_index(drop=True)
        for i, t in enumerate((data.episodes, data.clients, data.years, data.codings))
    ]
    return Data(data.name, *tables)


def test_arrays_are_finite_and_fit_their_dimensions(data):
    labels = coords(data)
    sizes = {name: len(values) for name, values in labels.items()}
    for name, (dims, values) in arrays(data).items():
        assert values.shape == tuple(sizes[d] for d in dims), name
        assert np.isfinite(values).all(), name
        assert values.dtype.kind in "fi", name
    assert labels["departure"] == list(DEPARTURE_LABELS)
    for name in ("episode", "case", "client", "alliance_year"):
        assert len(set(labels[name])) == sizes[name], f"{name} labels are not unique"


def test_indices_point_into_their_dimensions(data):
    x = {name: value for name, (_, value) in arrays(data).items()}
    labels = coords(data)
    for name, into in (
        ("case_index", "case"),
        ("client_case", "case"),
        ("theatre_index", "theatre"),
        ("patron_index", "patron"),
        ("era_index", "era"),
        ("year_episode", "episode"),
        ("year_age", "age"),
        ("year_panel", "panel_year"),
        ("case_row", "episode"),
        ("member_client", "client"),
        ("member_episode", "episode"),
        ("cell_of_design", "cell"),
    ):
        assert x[name].min() >= 0 and x[name].max() < len(labels[into]), name


def test_a_case_that_is_held_out_leaves_no_outcome_and_nothing_else(data):
    whole = arrays(data)
    episode_case = whole["case_index"][1]
    year_case = episode_case[whole["year_episode"][1]]
    empty = {"outcome": 0, "commitment_observed": -1, "exposure": 0, "ended": 0}
    for case in range(episode_case.max() + 1):
        changed = hold_out(whole, [case])
        assert set(changed) == BLANKED
        for name, (dims, values) in changed.items():
            rows = (episode_case if dims == ("episode",) else year_case) == case
            assert (values[rows] == empty[name]).all(), name
            np.testing.assert_array_equal(values[~rows], whole[name][1][~rows])
            assert values.dtype == whole[name][1].dtype
    np.testing.assert_array_equal(whole["outcome"][1], arrays(data)["outcome"][1])


@pytest.mark.parametrize("cases", [[4], [0, 7, 9], list(range(12))])
def test_arrays_of_some_cases_are_those_of_their_tables(data, cases):
    """Chosen among the arrays or among the rows of the tables, cases are the same."""
    names = [coords(data)["case"][i] for i in cases]
    episodes = data.episodes[data.episodes["case"].isin(names)].reset_index(drop=True)
    clients = data.clients[data.clients["episode"].isin(episodes["episode"])]
    alone = dataclasses.replace(data, episodes=episodes, clients=clients.reset_index(drop=True))
    levels = {factor: coords(data)[factor] for factor in FACTORS}
    expected, found = arrays(alone, levels), only(arrays(data), cases)
    assert found.keys() == expected.keys()
    for name, (dims, values) in expected.items():
        assert found[name][0] == dims
        assert found[name][1].dtype == values.dtype, name
        np.testing.assert_allclose(found[name][1], values, err_msg=name)


@pytest.mark.parametrize("theory", NAMES)
def test_a_held_out_case_has_no_likelihood_left(theory, data, models, pointwise, points, contents):
    """Outcome and life 0; a commitment that is not recorded 0; the indicators as before."""
    model, whole = models[theory], arrays(data)
    case = coords(data)["case"].index("pacific-pact-1951")
    rows = whole["case_index"][1] == case
    years = rows[whole["year_episode"][1]]
    point = points(theory, 1)[0]
    before = pointwise(theory, point)
    with contents(model, **{n: v for n, (_, v) in hold_out(whole, [case]).items()}):
        after = pointwise(theory, point)
    np.testing.assert_allclose(after["outcome_observed"][rows], 0, atol=1e-12)
    assert (before["outcome_observed"][rows] < -1e-3).all()
    np.testing.assert_array_equal(after["ended_observed"][years], 0)
    for name, values in before.items():
        blank = {"outcome_observed": rows, "ended_observed": years, "commitment_given": rows}
        keep = ~blank.get(name, np.zeros(values.shape, dtype=bool))
        np.testing.assert_array_equal(after[name][keep], values[keep], err_msg=name)
    if theory == "occupation":
        np.testing.assert_array_equal(after["commitment_given"][rows], 0)


def test_fallback_rows_have_the_clients_of_their_proposal(data):
    x = arrays(data)
    episodes, labels = data.episodes, coords(data)
    of_client = x["client_case"][1]
    for i, row in episodes.iterrows():
        members = x["member_client"][1][x["member_episode"][1] == i]
        assert (of_client[members] == x["case_index"][1][i]).all(), row["episode"]
        named = {labels["client"][m] for m in members}
        own = data.clients.loc[data.clients["episode"] == row["episode"], "client"]
        assert named == {f"{row['case']}: {c}" for c in own}
    assert (x["group_size"][1] > 0).all()


@pytest.mark.parametrize("names", [("europe", "asia"), ("asymmetric",)])
def test_the_members_of_an_episode_are_its_clients(names):
    """A mean by members is the mean over the clients that the table names."""
    data = load(*names)
    x = {name: value for name, (_, value) in arrays(data).items()}
    labels, case = coords(data), data.episodes.set_index("episode")["case"]
    values = np.random.default_rng(0).normal(size=len(labels["client"]))
    of_client = dict(zip(labels["client"], values, strict=True))
    table = data.clients.assign(
        value=[
            of_client[f"{case[e]}: {c}"]
            for e, c in zip(data.clients["episode"], data.clients["client"], strict=True)
        ]
    )
    expected = table.groupby("episode")["value"].mean()[labels["episode"]]
    mean = np.bincount(x["member_episode"], x["member_share"] * values[x["member_client"]])
    np.testing.assert_allclose(mean, expected, rtol=1e-12)
    sizes = table.groupby("episode").size()[labels["episode"]]
    np.testing.assert_array_equal(x["group_size"], sizes)


@pytest.mark.parametrize("used", [("year_episode", "year_age"), BY_YEAR])
def test_stretches_keep_the_years_and_the_endings_of_each_design_and_age(used):
    x = {name: value for name, (_, value) in arrays(load("asymmetric")).items()}
    fewer = stretches(x, used)
    assert set(fewer) == {*used, "exposure", "ended"}
    by = list(used)
    whole = pd.DataFrame({n: x[n] for n in (*by, "exposure", "ended")}).groupby(by).sum()
    added = pd.DataFrame(fewer).set_index(by)
    assert added.index.is_unique and len(added) <= len(x["exposure"])
    if "year_panel" not in used:
        assert len(added) < len(x["exposure"]) / 5
    pd.testing.assert_frame_equal(added.sort_index(), whole, rtol=1e-12)


def test_each_case_has_the_row_of_its_proposal(data):
    row = arrays(data)["case_row"][1]
    assert data.episodes["episode"].iloc[row].tolist() == coords(data)["case"]


def test_designs_of_one_patron_and_theatre_share_the_years_of_the_panel(data):
    x, labels = {name: value for name, (_, value) in arrays(data).items()}, coords(data)
    years = alliance_years(data.episodes)
    assert len(labels["panel_year"]) < len(years)
    components = pd.DataFrame(
        threat_components(data.years),
        index=data.years["patron"]
        + " "
        + data.years["theatre"]
        + " "
        + data.years["year"].map(str),
    )
    place = data.episodes.set_index("episode")
    for stretch, panel in zip(years.itertuples(), x["year_panel"], strict=True):
        e = place.loc[stretch.episode]
        assert labels["panel_year"][panel] == f"{e['patron']} {e['theatre']} {stretch.year}"
        known = components.loc[labels["panel_year"][panel]]
        np.testing.assert_allclose(x["panel_threat_now"][panel], known)


def test_what_a_fallback_row_says(data):
    x = {name: value for name, (_, value) in arrays(data).items()}
    row = {e: i for i, e in enumerate(data.episodes["episode"])}
    multi, refused = CELLS.index("multilateral_strong"), REFUSED
    root = row["pacific-pact-1951"]
    assert x["outcome"][root] == encode(np.array(multi), np.array(refused))
    assert x["proposed_to_fallback"][root] == -2
    assert x["proposed_to_fallback"][row["anzus-1951"]] == multi
    weak = CELLS.index("trilateral_weak")
    assert x["outcome"][row["anzus-1951"]] == encode(np.array(-1), np.array(weak))


def test_a_proposal_is_scored_once(data):
    """In the row in which it was made or refused; its fallbacks know it and do not count it."""
    x = {name: value for name, (_, value) in arrays(data).items()}
    recorded = x["outcome"] // (REFUSED + 2) - 1
    root = (data.episodes["episode"] == data.episodes["case"]).to_numpy()
    np.testing.assert_array_equal(recorded[root], codes(data.episodes["proposal"], CELLS)[root])
    assert (recorded[root] >= 0).any() and (~root).sum() == 3
    assert (recorded[~root] == -1).all(), "counted in its own row"
    np.testing.assert_array_equal(x["proposed_to_fallback"] > -2, ~root)
    of_case = codes(data.episodes.set_index("episode")["proposal"][data.episodes["case"]], CELLS)
    np.testing.assert_array_equal(x["proposed_to_fallback"][~root], of_case[~root])


def test_a_fallback_of_an_unrecorded_proposal_is_a_fallback(data):
    episodes = data.episodes.copy()
    of_case = (episodes["case"] == "pacific-pact-1951").to_numpy()
    episodes.loc[of_case, "proposal"] = None
    before, after = arrays(data), arrays(dataclasses.replace(data, episodes=episodes))
    fallback = of_case & episodes["fallback_of"].notna().to_numpy()
    assert fallback.sum() == 3
    assert (after["proposed_to_fallback"][1][fallback] == -1).all()
    assert (after["proposed_to_fallback"][1][~fallback] == -2).all()
    same = ~of_case | fallback
    np.testing.assert_array_equal(after["outcome"][1][same], before["outcome"][1][same])
    refused = encode(np.array(-1), np.array(REFUSED))
    assert after["outcome"][1][of_case & ~fallback] == refused


def test_frames_false_changes_the_frames_only(data):
    with_frames, without = arrays(data), arrays(load("europe", "asia", frames=False))
    assert set(with_frames) == set(without)
    for name, (_, values) in with_frames.items():
        same = np.array_equal(values, without[name][1])
        assert same == (name not in ("frame", "frame_confidence")), name
    assert (without["frame"][1] == -1).all() and (with_frames["frame"][1] >= 0).any()


@pytest.mark.parametrize("theory", NAMES)
def test_the_order_of_the_rows_does_not_matter(theory, data, models, points):
    """The density at one point, its values carried to the new order by their labels."""
    other = shuffled(data, 4)
    assert other.hash == data.hash
    model, moved = models[theory], build(theory, other)
    initial = model.initial_point()
    rng = np.random.default_rng(1)
    there, here = {}, {}
    for rv, new in zip(model.free_RVs, moved.free_RVs, strict=True):
        name = model.rvs_to_values[rv].name
        here[name] = rng.normal(size=np.shape(initial[name])) / 2
        dims = model.named_vars_to_dims.get(rv.name, ())
        there[name] = here[name]
        for axis, dim in enumerate(dims):
            old, changed = list(model.coords[dim]), list(moved.coords[dim])
            if here[name].shape[axis] == len(old):
                order = [old.index(label) for label in changed]
                there[name] = np.take(there[name], order, axis=axis)
            else:  # a zero-sum effect: its unconstrained values have one fewer
                there[name] = here[name] = np.zeros_like(here[name])
        assert new.name == rv.name
    densities = [
        sum(part.sum() for part in m.compile_logp(mode="FAST_COMPILE", sum=False)(point))
        for m, point in ((model, here), (moved, there))
    ]
    assert densities[0] == pytest.approx(densities[1], rel=1e-10)


def test_the_reference_points_are_means_of_the_years_before(data):
    """Against a loop over the panel; the year of the decision itself does not count."""
    x = {name: value for name, (_, value) in arrays(data).items()}
    for i, e in data.episodes.iterrows():
        panel = data.years[
            (data.years["patron"] == e["patron"]) & (data.years["theatre"] == e["theatre"])
        ].sort_values("year")
        values = pd.DataFrame(threat_components(panel), index=panel["year"])
        year = e["date"].year
        before = values[values.index < year]
        np.testing.assert_allclose(x["threat_now"][i], values.loc[year])
        np.testing.assert_allclose(x["threat_recent"][i], before.iloc[-MEMORY:].mean())
        np.testing.assert_allclose(x["threat_long_run"][i], before.mean())


def test_codes():
    labels = pd.Series(["none", None, "defend", "consult", np.nan], dtype=object)
    np.testing.assert_array_equal(codes(labels, COMMITMENTS), [0, -1, 2, 1, -1])
    np.testing.assert_array_equal(outcome_codes(pd.Series(["refused", "none", None])), [7, 0, -1])
    with pytest.raises(KeyError):
        codes(pd.Series(["perhaps"]), COMMITMENTS)


def test_units():
    np.testing.assert_allclose(nearness(np.array([500.0, 5450.0, 5.0])), [0, -1, 1], atol=1e-12)
    assert [era(pd.Timestamp(y, 6, 1)) for y in (1945, 1946, 1991, 1992, 2016, 2017)] == [
        "multipolar",
        "bipolar",
        "bipolar",
        "unipolar",
        "unipolar",
        "contemporary",
    ]


@given(ratio=st.floats(0, 1e6), disputes=st.integers(0, 100))
@settings(max_examples=50, deadline=None)
def test_threat_grows_with_its_components(ratio, disputes):
    columns = ["power_ratio", "forces_ratio", "distance_km", "polyarchy_gap", "disputes"]

    def at(r: float, n: int) -> np.ndarray:
        return threat_components(pd.DataFrame([[r, r, 100.0, 0.5, n]], columns=columns))[0]

    low, high = at(ratio, disputes), at(10 * ratio + 1, disputes + 1)
    assert np.isfinite(low).all() and (high[[0, 1, 4]] > low[[0, 1, 4]]).all()


def test_client_covariates_by_hand(data):
    x = arrays(data)["client_covariates"][1]
    at = coords(data)["client"].index("us-taiwan-1954: TAW")
    row = data.clients[data.clients["episode"] == "us-taiwan-1954"].iloc[0]
    land = {"sea": -0.5, "landmass": 0.0, "contiguous": 0.5}[row["land_access"]]
    by_hand = {
        "capability": np.log10(row["capability_ratio"]) - 1,
        "land": land,
        "distance": -np.log10((row["distance_km"] + 50) / 550),
        "occupied": row["occupied"] - 0.5,
    }
    np.testing.assert_allclose(x[at], [by_hand[c] for c in CLIENT_COVARIATES])
