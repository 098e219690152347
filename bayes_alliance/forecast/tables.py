"""A scenario as tables of the same form as the coded ones, with one episode."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import xarray as xr

from bayes_alliance.data.load import Data
from bayes_alliance.data.schema import TABLES
from bayes_alliance.errors import InputError
from bayes_alliance.forecast.clients import COLUMNS
from bayes_alliance.forecast.path import COLUMNS as THREAT
from bayes_alliance.forecast.sample import central
from bayes_alliance.forecast.scenario import Scenario


def scenario_data(
    scenario: Scenario, base: Data, inputs: xr.Dataset | None = None, year: int | None = None
) -> Data:
    """Tables with the scenario as their only episode.

    Parameters
    ----------
    scenario : Scenario
        What is supposed.
    base : Data
        Loaded tables, whose panel of threat is carried on to the year of the decision.
    inputs : xarray.Dataset, optional
        One draw of `bayes_alliance.forecast.sample.sample`; by default the middle of all inputs.
    year : int, optional
        Year of the decision, from the scenario's first (the default) to its horizon.

    Returns
    -------
    Data
        One episode without outcome, its clients, and the years of its patron and theatre.

    Raises
    ------
    InputError
        If the data have no panel for that patron and theatre and the scenario does not give every
        component of threat, or if the panel reaches beyond the decision.
    """
    when = scenario.year if year is None else year
    if not scenario.year <= when <= scenario.horizon:
        words = f"a year from {scenario.year} to {scenario.horizon}"
        raise InputError(words, file=scenario.name, column="year", value=year)
    given = central(scenario) if inputs is None else inputs
    return _tables(scenario, base, given.sel(year=slice(None, when)), {when: scenario.name})


def yearly_data(scenario: Scenario, base: Data, inputs: xr.Dataset | None = None) -> Data:
    """Tables with an episode for each year from the scenario's first to its horizon.

    Parameters
    ----------
    scenario : Scenario
        What is supposed.
    base : Data
        As in `scenario_data`.
    inputs : xarray.Dataset, optional
        As in `scenario_data`.

    Returns
    -------
    Data
        Episodes are named by their years.
    """
    given = central(scenario) if inputs is None else inputs
    years = range(scenario.year, scenario.horizon + 1)
    return _tables(scenario, base, given, {year: str(year) for year in years})


def _tables(scenario: Scenario, base: Data, inputs: xr.Dataset, names: Mapping[int, str]) -> Data:
    """Tables with an episode for each year that has a name, and the panel to the last input."""
    episodes: list[dict[str, Any]] = []
    clients: list[dict[str, Any]] = []
    at = {int(year): i for i, year in enumerate(inputs["year"].to_numpy())}
    of_client = {column: inputs[column].to_numpy() for column in COLUMNS}  # (year, client)
    statement = inputs["statement"].to_numpy()
    for year, name in names.items():
        now = at[year]
        episodes.append(
            {
                "episode": name,
                "case": name,
                "name": scenario.title,
                "theatre": scenario.theatre,
                "patron": scenario.patron,
                "adversary": scenario.adversary,
                "date": pd.Timestamp(year, 1, 1),
                "initiative": scenario.initiative,
                "threat_statement": statement[now],
            }
        )
        clients += [
            {"episode": name, "client": client}
            | {column: values[now, i] for column, values in of_client.items()}
            for i, client in enumerate(scenario.clients)
        ]
    return Data(
        name=scenario.name,
        episodes=_rows(episodes, base.episodes, "episodes"),
        clients=_rows(clients, base.clients, "clients"),
        years=_years(scenario, base, inputs),
        codings=base.codings.iloc[:0].copy(),
    )


def panel(scenario: Scenario, base: Data) -> pd.DataFrame:
    """Years of the scenario's patron and theatre, in order.

    Parameters
    ----------
    scenario : Scenario
        What is supposed.
    base : Data
        Loaded tables.

    Returns
    -------
    pandas.DataFrame
        Rows of ``base.years``; none if the data know nothing of that patron there.
    """
    years = base.years
    own = (years["patron"] == scenario.patron) & (years["theatre"] == scenario.theatre)
    columns = list(TABLES["years"].columns)
    return years.loc[own, columns].sort_values("year", ignore_index=True)


def _rows(rows: list[dict[str, Any]], like: pd.DataFrame, name: str) -> pd.DataFrame:
    """Frame with the coded columns of another, in its types; what only a dataset has is left."""
    known = like.dtypes.to_dict()
    types = {k: known[k] for k in (*TABLES[name].columns, "case") if k in known}
    columns = {k: pd.Series([row.get(k) for row in rows], dtype=object) for k in types}
    return pd.DataFrame(columns).astype(types)


def _years(scenario: Scenario, base: Data, until: xr.Dataset) -> pd.DataFrame:
    """Panel with its last values carried on, and the scenario's from its first year."""
    known = panel(scenario, base)
    if known.empty:
        _check_threat(scenario, base)
    else:
        last = int(known["year"].iloc[-1])
        if last >= scenario.year:
            raise InputError(
                f"a year after {last}, the last of the data {base.name!r}",
                file=scenario.name,
                column="year",
                value=scenario.year,
            )
    given = {c: until[f"threat_{c}"].to_numpy() for c in THREAT if f"threat_{c}" in until}
    rows: list[dict[str, Any]] = []
    carried: dict[str, Any] = {"patron": scenario.patron, "theatre": scenario.theatre}
    if not known.empty:
        carried = known.iloc[-1].to_dict()
        rows = [{**carried, "year": year} for year in range(last + 1, scenario.year)]
    for i, year in enumerate(until["year"].to_numpy()):
        threat = {column: values[i] for column, values in given.items() if not pd.isna(values[i])}
        rows.append({**carried, "year": int(year), "adversary": scenario.adversary} | threat)
    made = _rows(rows, base.years, "years")
    return made if known.empty else pd.concat([known, made], ignore_index=True)


def _check_threat(scenario: Scenario, base: Data) -> None:
    """Without a panel the scenario must say all of the threat in its first year."""
    missing = [
        column
        for column in THREAT
        if column not in scenario.threat and scenario.year not in scenario.path.get(column, {})
    ]
    if missing:
        pairs = base.years[["patron", "theatre"]].drop_duplicates().itertuples(index=False)
        known = ", ".join(f"{patron} in {theatre}" for patron, theatre in pairs)
        raise InputError(
            f"a patron and theatre that the data {base.name!r} have years of ({known}), or all of "
            f"[threat] in the scenario, also {', '.join(missing)}",
            file="years.csv",
            column="patron, theatre",
            value=f"{scenario.patron} in {scenario.theatre}",
        )
