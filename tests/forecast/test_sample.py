"""Draws of what a scenario supposes, and the tables that are made of them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scenario_examples import FIRST, LAST, change, content, made, refused
from scipy import stats

from bayes_alliance.data import Data, load
from bayes_alliance.forecast import scenario as sc
from bayes_alliance.forecast.beyond import warnings
from bayes_alliance.forecast.path import COLUMNS as THREAT
from bayes_alliance.forecast.sample import central, certain, sample
from bayes_alliance.forecast.tables import scenario_data
from bayes_alliance.process.containers import CLIENT_COVARIATES, THREAT_COMPONENTS, arrays

DRAWS = 4000
SHIPPED = sc.bundled_scenarios()
QUAD = SHIPPED[:3]
INTERVAL = {"low": 0.01, "high": 1e5, "probability": 0.9}
SOURCES = content()["sources"]


@pytest.fixture(scope="module")
def base() -> Data:
    return load("europe", "asia")


def uncertain() -> sc.Scenario:
    clients = change(content()["clients"], ("JPN", "capability_ratio"), {"mean": 9, "sd": 2})
    clients = change(clients, ("JPN", "disputes"), {"0": 0.2, "1": 0.5, "2": 0.3})
    clients = change(clients, ("IND", "land_access"), {"landmass": 0.25, "contiguous": 0.75})
    return made(
        clients=clients,
        commitment={"none": 0.3, "consult": 0.6, "defend": 0.1, "certainty": 15},
        statement={"low": 0.1, "moderate": 0.6, "high": 0.3},
        threat={"disputes": {"0": 0.5, "4": 0.5}},
    )


@pytest.fixture(scope="module")
def drawn() -> xr.Dataset:
    return sample(uncertain(), DRAWS, 1)


def test_draws_have_their_distributions(drawn: xr.Dataset) -> None:
    now = drawn.sel(year=FIRST)
    error = 4 * 0.5 / np.sqrt(DRAWS)
    ratio = now["capability_ratio"].sel(client="JPN")
    assert float(ratio.mean()) == pytest.approx(9, abs=4 * 2 / np.sqrt(DRAWS))
    assert float(ratio.std()) == pytest.approx(2, rel=0.1)
    variance = np.log1p((2 / 9) ** 2)
    wanted = stats.lognorm(np.sqrt(variance), scale=9 * np.exp(-variance / 2))
    assert stats.kstest(ratio, wanted.cdf).pvalue > 0.01
    for level, p in enumerate((0.2, 0.5, 0.3)):
        seen = float((now["disputes"].sel(client="JPN") == level).mean())
        assert seen == pytest.approx(p, abs=error)
    land = now["land_access"].sel(client="IND").to_numpy()
    assert (land == "contiguous").mean() == pytest.approx(0.75, abs=error)
    assert (now["statement"].to_numpy() == "high").mean() == pytest.approx(0.3, abs=error)
    mean = now["commitment"].mean("draw")
    np.testing.assert_allclose(mean, [0.3, 0.6, 0.1], atol=4 * 0.13 / np.sqrt(DRAWS))
    assert float(now["threat_disputes"].mean()) == pytest.approx(2, abs=4 * 2 / np.sqrt(DRAWS))
    assert float(drawn["share"].mean()) == pytest.approx(0.2, abs=4 * 0.12 / np.sqrt(DRAWS))


def test_what_is_known_is_the_same_in_every_draw(drawn: xr.Dataset) -> None:
    assert (drawn["capability_ratio"].sel(client="AUL") == 39.01).all()
    assert (drawn["occupied"].sel(client="IND") == 1).all()


def test_a_draw_is_the_same_in_all_years(drawn: xr.Dataset) -> None:
    assert drawn.sizes["year"] == LAST - FIRST + 1
    for name in ("capability_ratio", "disputes", "commitment", "threat_disputes"):
        assert (drawn[name] == drawn[name].sel(year=FIRST)).all(), name


def test_values_are_drawn_apart_from_each_other(drawn: xr.Dataset) -> None:
    now = drawn.sel(year=FIRST)
    pairs = (now["capability_ratio"].sel(client="JPN"), now["disputes"].sel(client="JPN"))
    assert abs(stats.spearmanr(*pairs).statistic) < 4 / np.sqrt(DRAWS)


def test_draws_follow_from_the_seed_and_the_place_in_the_file_alone(drawn: xr.Dataset) -> None:
    xr.testing.assert_identical(sample(uncertain(), DRAWS, 1), drawn)
    assert not sample(uncertain(), DRAWS, 2)["share"].equals(drawn["share"])
    other = dataclasses.replace(uncertain(), name="other", statement="low")
    again = sample(other, DRAWS, 1)
    xr.testing.assert_identical(again.drop_vars("statement"), drawn.drop_vars("statement"))


def test_a_share_that_is_left_out_is_uniform_and_said(base: Data) -> None:
    scenario = made()
    without = dataclasses.replace(scenario, share=None)
    found = sample(without, DRAWS, 0)["share"]
    assert stats.kstest(found, "uniform").pvalue > 0.01
    assert "any share from 0 to 1" in warnings(without, base)[-1]
    assert not any("any share" in said for said in warnings(scenario, base))


def test_the_middle_is_the_median_or_what_is_likeliest() -> None:
    middle = central(uncertain()).sel(year=FIRST)
    mean, sd = np.log(9) - np.log1p(4 / 81) / 2, np.sqrt(np.log1p(4 / 81))
    ratio = float(middle["capability_ratio"].sel(client="JPN"))
    assert ratio == pytest.approx(stats.lognorm(sd, scale=np.exp(mean)).median())
    assert middle["disputes"].sel(client="JPN") == 1
    assert middle["land_access"].sel(client="IND").item() == "contiguous"
    assert middle["statement"].item() == "moderate"
    np.testing.assert_allclose(middle["commitment"], [0.3, 0.6, 0.1])


def test_certain_scenarios_are_told_from_others() -> None:
    assert certain(made())
    assert not certain(uncertain())
    sure = {"commitment": {"none": 0.3, "consult": 0.6, "defend": 0.1}}
    assert certain(made(**sure))
    assert not certain(made(commitment=sure["commitment"] | {"certainty": 5}))
    late = {"from": 2035, "set": {"statement": {"low": 0.5, "high": 0.5}}, "source": "Supposed."}
    assert not certain(made(interventions=[late]))


# tables


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("year", [FIRST, LAST])
def test_every_shipped_scenario_goes_into_arrays(name: str, year: int, base: Data) -> None:
    scenario = sc.read(name)
    one = sample(scenario, 3, 0).isel(draw=2)
    values = {k: v for k, (_, v) in arrays(scenario_data(scenario, base, one, year)).items()}
    assert all(np.isfinite(value).all() for value in values.values())
    assert values["outcome"].tolist() == [0]  # neither proposal nor outcome is recorded
    assert values["commitment"].tolist() == [-1]
    assert values["exposure"].shape == (0,)
    clients = len(scenario.clients)
    assert values["member_client"].tolist() == list(range(clients))
    assert values["member_share"].tolist() == [1 / clients] * clients


@pytest.mark.parametrize("name", QUAD)
def test_scenario_data_goes_into_arrays(name: str, base: Data) -> None:
    scenario = sc.read(name)
    data = scenario_data(scenario, base)
    values = {key: value for key, (_, value) in arrays(data).items()}
    capability = values["client_covariates"][:, CLIENT_COVARIATES.index("capability")]
    ratios = [row["capability_ratio"] for row in scenario.clients.values()]
    np.testing.assert_allclose(10 ** (capability + 1), ratios)
    disputes = values["threat_now"][0, THREAT_COMPONENTS.index("intentions")]
    last = int(base.years.query("patron == 'USA' and theatre == 'asia'")["disputes"].iloc[-1])
    wanted = scenario.threat.get("disputes", last)
    assert np.expm1(disputes + 1) == pytest.approx(wanted)
    assert np.expm1(values["threat_recent"][0, -1] + 1) == pytest.approx(last)
    assert values["statement"].tolist() == [["low", "moderate", "high"].index(scenario.statement)]


def test_scenario_data_has_the_types_of_loaded_data(base: Data) -> None:
    data = scenario_data(sc.read("quad-status-quo"), base)
    for table in ("episodes", "clients", "years", "codings"):
        pd.testing.assert_series_equal(getattr(data, table).dtypes, getattr(base, table).dtypes)
    episode = data.episodes.iloc[0]
    assert episode["case"] == episode["episode"] == "quad-status-quo"
    assert episode["date"] == pd.Timestamp(2027, 1, 1)
    for column in ("proposal", "outcome", "commitment", "frame", "start", "end", "ended"):
        assert pd.isna(episode[column])
    assert len(data.codings) == 0
    assert len(data.hash) == 64


def test_the_asymmetric_data_will_do_as_well() -> None:
    data = load("asymmetric")
    for name in ("quad-status-quo", "sahel-status-quo"):
        values = arrays(scenario_data(sc.read(name), data))
        assert all(np.isfinite(value).all() for _, value in values.values())


def test_the_panel_is_carried_and_changed_from_the_first_year(base: Data) -> None:
    scenario = made(
        year=2029,
        adversary="CHN+RUS",
        threat={"power_ratio": 2.5, "disputes": 7},
        path={"disputes": {"2031": 3}},
        sources=SOURCES | {"threat.power_ratio": "Supposed.", "path.disputes": "Supposed."},
    )
    years = scenario_data(scenario, base, year=2032).years
    old = base.years.query("patron == 'USA' and theatre == 'asia'").reset_index(drop=True)
    pd.testing.assert_frame_equal(years.iloc[: len(old)], old)
    new = years.iloc[len(old) :]
    assert new["year"].tolist() == list(range(2026, 2033))
    last = old.iloc[-1]
    assert new["power_ratio"].tolist() == [*[last["power_ratio"]] * 3, *[2.5] * 4]
    assert new["disputes"].tolist() == [*[last["disputes"]] * 3, 7, 7, 3, 3]
    assert new["forces_ratio"].tolist() == [last["forces_ratio"]] * 7
    assert new["adversary"].tolist() == [*["CHN"] * 3, *["CHN+RUS"] * 4]


def test_an_intervention_shows_in_its_years_only(base: Data) -> None:
    late = {"from": 2030, "set": {"credible_occupation": "high"}, "source": "Supposed."}
    scenario = made(interventions=[late])
    for year, occupied in ((2029, [0, 0, 1]), (2030, [1, 1, 1])):
        data = scenario_data(scenario, base, year=year)
        assert data.clients["occupied"].tolist() == occupied
        assert data.episodes["date"].iloc[0] == pd.Timestamp(year, 1, 1)


@pytest.mark.parametrize("year", [2026, 2036])
def test_a_year_outside_the_question_is_refused(year: int, base: Data) -> None:
    error = refused(lambda: scenario_data(made(), base, year=year))
    assert (error.column, error.expected) == ("year", "a year from 2027 to 2035")


def test_a_year_that_the_panel_reaches_is_refused(base: Data) -> None:
    late = dataclasses.replace(base, years=base.years.assign(year=base.years["year"] + 10))
    error = refused(lambda: scenario_data(made(), late))
    assert error.column == "year" and "a year after 2035" in error.expected


# no panel


def test_without_a_panel_the_threat_is_the_scenarios_alone_and_that_is_said(base: Data) -> None:
    scenario = sc.read("sahel-status-quo")
    assert base.years.query("patron == 'RUS' and theatre == 'africa'").empty
    data = scenario_data(scenario, base)
    assert data.years["year"].tolist() == [2027]
    found = data.years.iloc[0]
    assert {column: found[column] for column in THREAT} == scenario.threat
    values = arrays(data)
    np.testing.assert_array_equal(values["threat_recent"][1], values["threat_now"][1])
    said = " ".join(warnings(scenario, base))
    assert "no years of RUS in africa" in said and "neither rises nor falls" in said


def test_without_a_panel_part_of_the_threat_is_refused(base: Data) -> None:
    scenario = sc.read("sahel-status-quo")
    some = {k: v for k, v in scenario.threat.items() if k not in ("disputes", "power_ratio")}
    error = refused(lambda: scenario_data(dataclasses.replace(scenario, threat=some), base))
    assert error.value == "RUS in africa"
    assert error.expected.endswith("also power_ratio, disputes")
    assert "USA in europe" in error.expected


# warnings


def test_what_comes_from_the_table_is_said(base: Data) -> None:
    said = warnings(sc.read("trilateral-status-quo"), base)
    from_table = [sentence for sentence in said if "table of latest indicators" in sentence]
    assert len(from_table) == 1
    assert "disputes" in from_table[0] and from_table[0].endswith("of JPN, ROK.")
    assert any("last ten years that their source covers" in sentence for sentence in said)


def test_an_extreme_value_is_warned_of_and_not_refused(base: Data) -> None:
    extreme = change(content()["clients"], ("JPN", "capability_ratio"), 900_000)
    said = " ".join(warnings(made(clients=extreme), base))
    assert "capability_ratio of JPN is 900000: outside" in said
    wide = change(content()["clients"], ("JPN", "capability_ratio"), INTERVAL)
    assert "capability_ratio of JPN is" in " ".join(warnings(made(clients=wide), base))
    late = {"from": 2034, "set": {"threat": {"disputes": 90}}, "source": "Supposed."}
    assert "disputes of the threat is 90" in " ".join(warnings(made(interventions=[late]), base))


def test_an_adversary_of_another_panel_is_said(base: Data) -> None:
    scenario = dataclasses.replace(sc.read("trilateral-status-quo"), adversary="PRK")
    assert any("threat from CHN, not from PRK" in said for said in warnings(scenario, base))
