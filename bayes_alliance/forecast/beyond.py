"""In what a scenario goes beyond the data, and what it leaves to others to say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import pandas as pd

from bayes_alliance.data.load import Data
from bayes_alliance.data.schema import meta
from bayes_alliance.forecast.clients import COLUMNS
from bayes_alliance.forecast.inputs import Chances, Normal
from bayes_alliance.forecast.sample import holds
from bayes_alliance.forecast.scenario import Scenario
from bayes_alliance.forecast.tables import panel
from bayes_alliance.process.containers import MEMORY, era

NUMBERS = ("number", "integer")
EDGES = (0.05, 0.95)
"""An uncertain number is beyond the data if its 90 % interval is."""


def warnings(scenario: Scenario, data: Data) -> list[str]:
    """Say in what the scenario goes beyond the data that the models were fitted to.

    Parameters
    ----------
    scenario : Scenario
        What is supposed.
    data : Data
        Tables of the fits.

    Returns
    -------
    list of str
        One sentence each; empty if the scenario lies within the data and leaves nothing out.
    """
    return [
        *_unseen(scenario, data),
        *_clients_beyond(scenario, data),
        *_threat_beyond(scenario, data),
        *_left_out(scenario),
    ]


def _unseen(scenario: Scenario, data: Data) -> Iterator[str]:
    """Levels of the hierarchy without a case, and a group larger than any."""
    episodes = data.episodes
    now = era(pd.Timestamp(scenario.year, 1, 1))
    levels = {
        "theatre": (scenario.theatre, set(episodes["theatre"])),
        "patron": (scenario.patron, set(episodes["patron"])),
        "era": (now, set(episodes["date"].map(era))),
    }
    for factor, (level, known) in levels.items():
        if level not in known:
            yield (
                f"No case in the data has the {factor} {level!r}: they say nothing of its effect, "
                "which comes from the priors and from how far the others differ."
            )
    most = int(data.clients.groupby("episode").size().max())
    if len(scenario.clients) > most:
        yield f"{len(scenario.clients)} clients are more than in any case of the data ({most})."


def _numbers(scenario: Scenario, where: str) -> dict[str, list[float]]:
    """All numbers that hold in some year, by key; of an uncertain one its 90 % interval."""
    out: dict[str, list[float]] = defaultdict(list)
    for year in range(scenario.year, scenario.horizon + 1):
        for key, (_, value) in holds(scenario, year).items():
            if key.startswith(f"{where}."):
                out[key].extend(_edges(value))
    return {key: [min(values), max(values)] for key, values in out.items() if values}


def _edges(value: object) -> list[float]:
    """A number, both ends of an interval, or all counts that may be; of a category nothing."""
    if isinstance(value, Normal):
        return value.quantile(EDGES).tolist()
    found = value.values if isinstance(value, Chances) else (value,)
    return [float(v) for v in found if isinstance(v, (int, float))]


def _clients_beyond(scenario: Scenario, data: Data) -> Iterator[str]:
    for key, values in _numbers(scenario, "clients").items():
        _, client, column = key.split(".")
        if meta(COLUMNS[column])["kind"] in NUMBERS:
            of = "the clients in the data"
            yield from _beyond(f"{column} of {client}", values, data.clients[column], of)


def _threat_beyond(scenario: Scenario, data: Data) -> Iterator[str]:
    """Yield what lies outside the panel, and how far the panel speaks of the scenario at all."""
    known = panel(scenario, data)
    where = f"{scenario.patron} in {scenario.theatre}"
    if known.empty:
        yield (
            f"The data have no years of {where}: the threat is what the scenario gives, and they "
            "do not say what it was before, so that it neither rises nor falls by them."
        )
        return
    last = known.iloc[-1]
    for key, values in _numbers(scenario, "threat").items():
        column = key.partition(".")[2]
        yield from _beyond(
            f"{column} of the threat", values, known[column], f"the years of {where}"
        )
    if not isinstance(last["adversary"], str) or (
        set(last["adversary"].split("+")) != set(scenario.adversary.split("+"))
    ):
        whose = last["adversary"] if isinstance(last["adversary"], str) else "no adversary"
        yield (
            f"The last years of {where} measure the threat from {whose}, not from "
            f"{scenario.adversary}: what [threat] does not change is theirs."
        )
    if scenario.year - last["year"] > MEMORY:
        yield (
            f"The years of {where} end in {last['year']}: the {MEMORY} years before the decision "
            "only repeat their last values."
        )


def _beyond(what: str, values: list[float], known: pd.Series, of: str) -> Iterator[str]:
    low, high = known.min(), known.max()
    # nothing is beyond a column without values: the comparisons with NaN fail
    far = [v for v in values if v < low or v > high]
    if far:
        shown = " to ".join(f"{v:g}" for v in dict.fromkeys(far))
        yield f"{what} is {shown}: outside {low:g} to {high:g}, the range of {of}."


def _left_out(scenario: Scenario) -> Iterator[str]:
    """Yield what comes from the table of latest indicators, and what nobody says."""
    by_columns: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for client, columns in scenario.from_table.items():
        if columns:
            by_columns[columns].append(client)
    for columns, clients in by_columns.items():
        yield (
            f"From the table of latest indicators, since the scenario leaves them out: "
            f"{', '.join(columns)} of {', '.join(clients)}."
        )
    if any("disputes" in columns for columns in scenario.from_table.values()):
        yield (
            "Disputes from that table are those of the last ten years that their source covers, "
            "not of the ten before the decision."
        )
    if scenario.share is None:
        yield (
            "The scenario does not say how likely a decision of the patron there is to be about "
            "this grouping: any share from 0 to 1 is held equally likely."
        )
