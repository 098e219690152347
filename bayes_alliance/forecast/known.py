"""What was known at the beginning of a year, and what came after it.

The last day of the year before is the day of the forecast: what is dated earlier is known. Designs
still in force then are censored. A design that was agreed on but not in force yet counts one day.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from bayes_alliance.data.load import Data
from bayes_alliance.data.panel import KEY
from bayes_alliance.data.schema import TABLES
from bayes_alliance.data.validate import year_span
from bayes_alliance.errors import InputError
from bayes_alliance.process.survival import ENDED, OBSERVED_UNTIL, YEAR

CENSORED = "replaced"
"""How a design ends that is not seen to end: a way that counts as no event."""
PAIR = KEY[:2]


def day_before(year: int) -> pd.Timestamp:
    """Last day of the year before.

    Parameters
    ----------
    year : int
        Year.

    Returns
    -------
    pandas.Timestamp
        31 December.
    """
    return pd.Timestamp(year - 1, 12, 31)


def known_at(data: Data, origin: int) -> Data:
    """The tables as they could be known at the beginning of a year.

    Parameters
    ----------
    data : Data
        Validated tables.
    origin : int
        Year at whose beginning a forecast is made.

    Returns
    -------
    Data
        Episodes dated earlier, with their clients, codings and the years of their patrons and
        theatres. Designs in force are censored; a refused proposal from which nothing has come yet
        has come to nothing.

    Raises
    ------
    InputError
        If no episode is dated earlier, or the year is beyond observation.
    """
    day = day_before(_whole(origin))
    episodes = data.episodes[data.episodes["date"] < day]
    if origin > OBSERVED_UNTIL.year or episodes.empty:
        first = int(data.episodes["date"].min().year)
        words = f"a year from {first + 1} to {OBSERVED_UNTIL.year}, with an episode before it"
        raise InputError(words, column="origin", value=origin)
    episodes = episodes[[*TABLES["episodes"].columns, "case"]].reset_index(drop=True)
    lives = episodes["start"].notna()
    on = lives & ~(episodes["end"] < day)
    episodes.loc[on, "end"], episodes.loc[on, "ended"] = day, CENSORED
    agreed = lives & (episodes["start"] >= day)
    episodes.loc[agreed, "start"] = day - pd.Timedelta(1, "D")
    open_ = (episodes["outcome"] == "refused") & ~episodes["episode"].isin(episodes["fallback_of"])
    episodes.loc[open_, "outcome"] = "none"
    names = set(episodes["episode"])
    clients = data.clients[data.clients["episode"].isin(names)].reset_index(drop=True)
    pairs = pd.MultiIndex.from_frame(episodes[PAIR].astype(str))
    years = data.years[data.years["year"] < origin]
    years = years[pd.MultiIndex.from_frame(years[PAIR].astype(str)).isin(pairs)]
    return Data(
        name=f"{data.name} before {origin}",
        episodes=episodes,
        clients=clients[list(TABLES["clients"].columns)],
        years=years[list(TABLES["years"].columns)].reset_index(drop=True),
        codings=_codings(data.codings, names, set(clients["client"]), origin),
    )


def _whole(origin: int) -> int:
    """A year that dates can have."""
    if isinstance(origin, bool) or not isinstance(origin, (int, np.integer)) or origin < 2:
        raise InputError("a year", column="origin", value=origin)
    return min(int(origin), OBSERVED_UNTIL.year + 1)


def _codings(
    codings: pd.DataFrame, episodes: set[str], clients: set[str], origin: int
) -> pd.DataFrame:
    """Codings of what is left; a span of years ends with the last known year."""
    of_years = codings["table"] == "years"
    client = codings["client"].isin({"*", *clients})
    kept = codings[of_years | (client & codings["episode"].isin({"*", *episodes}))].copy()
    spans = [
        text if table != "years" or text == "*" else _cut(text, origin)
        for table, text in zip(kept["table"], kept["episode"], strict=True)
    ]
    kept["episode"] = pd.Series(spans, index=kept.index, dtype=object)
    return kept[kept["episode"].notna()].reset_index(drop=True)


def _cut(text: str, origin: int) -> str | None:
    """A span of years up to the last known year; nothing where it begins later."""
    first, last = year_span(text) or (origin, origin)
    if first >= origin:
        return None
    last = min(last, origin - 1)
    return str(first) if first == last else f"{first}-{last}"


def known_panel(panel: pd.DataFrame, origin: int) -> pd.DataFrame:
    """Years of patrons in theatres as they could be known at the beginning of a year.

    The panel of a patron in a theatre begins ten years before its first decision there. Before that
    decision nobody knew that it would have a panel, so that it is left out.

    Parameters
    ----------
    panel : pandas.DataFrame
        What `bayes_alliance.data.panel.panel` gave.
    origin : int
        Year at whose beginning a forecast is made.

    Returns
    -------
    pandas.DataFrame
        Years before, of those that had decided at least once.

    Raises
    ------
    InputError
        If none had.
    """
    years = panel[panel["year"] < origin]
    decided = years.groupby(PAIR)["decisions"].transform("sum") > 0
    if not decided.any():
        raise InputError("a year with a decision before it", column="origin", value=origin)
    return years[decided].sort_values(KEY).reset_index(drop=True)


def carried_on(years: pd.DataFrame, origin: int, until: int) -> pd.DataFrame:
    """Years with the last known values carried on; what came after is not read.

    Parameters
    ----------
    years : pandas.DataFrame
        Patron x theatre x year panel.
    origin, until : int
        First year that is not known, and the year after the last that is wanted.

    Returns
    -------
    pandas.DataFrame
        Years of every patron and theatre up to ``until``. One that appears only after the origin
        is carried on from its first year.
    """
    parts = []
    for place, rows in years.groupby(PAIR, sort=False, observed=True):
        rows = rows.sort_values("year")
        known = rows[rows["year"] < origin]
        known = (known if len(known) else rows.head(1)).set_index("year")
        every = pd.RangeIndex(known.index[0], max(until, known.index[-1] + 1), name="year")
        carried = known.reindex(every, method="ffill").reset_index()
        parts.append(carried.assign(patron=place[0], theatre=place[1]))
    return pd.concat(parts, ignore_index=True)[years.columns.tolist()]


def cases_after(data: Data, origin: int, until: int) -> Data:
    """Cases that arose in some years, with all that followed from them unrecorded.

    Parameters
    ----------
    data : Data
        Validated tables.
    origin, until : int
        First year, and the year after the last.

    Returns
    -------
    Data
        Proposals with their clients as of the decision, and the years of their patrons and
        theatres up to it. Without proposal, design, life, coded frame and coded statement: the
        last two were coded knowing the outcome.
    """
    table = data.episodes
    inside = (table["date"] >= day_before(origin)) & (table["date"] < day_before(until))
    episodes = table[inside & (table["episode"] == table["case"])].reset_index(drop=True)
    blank = ("proposal", "outcome", "frame", "threat_statement", "start", "end", "ended")
    for column in blank:
        episodes[column] = pd.Series([None] * len(episodes)).astype(table[column].dtype)
    return _about(data, episodes, data.years[data.years["year"] < until])


def lives_after(data: Data, origin: int, until: int) -> tuple[Data, pd.DataFrame]:
    """Designs in force at the beginning of a year or made later, and how long they lasted.

    Parameters
    ----------
    data : Data
        Validated tables.
    origin, until : int
        First year, and the year after the last.

    Returns
    -------
    tuple of Data and pandas.DataFrame
        The designs, each as if it lasted to the end of the last year; and by episode ``age``
        (years, where the forecast begins: 0 for one made later), ``follow`` (years from there to
        the end of the last year), ``duration`` (years from there to its end, if earlier),
        ``event`` (1 where it ended), ``censored`` (1 where it gave way to a deeper design) and
        ``made`` (1 where it was made later).
    """
    day, last = day_before(origin), day_before(until)
    table = data.episodes
    lives = table["start"].notna() & table["accession_to"].isna() & (table["start"] < last)
    episodes = table[lives & ~(table["end"] < day)].reset_index(drop=True)
    begin = episodes["start"].where(episodes["start"] >= day, day)
    over = episodes["end"] < last
    end = episodes["end"].where(over, last)
    truth = pd.DataFrame(
        {
            "age": _years(begin - episodes["start"]),
            "follow": _years(last - begin),
            "duration": _years(end - begin),
            "event": (over & episodes["ended"].isin(ENDED)).astype(int),
            "censored": (over & ~episodes["ended"].isin(ENDED)).astype(int),
            "made": (episodes["start"] >= day).astype(int),
        }
    ).set_axis(episodes["episode"], axis=0)
    episodes["end"], episodes["ended"] = last, CENSORED
    return _about(data, episodes, data.years[data.years["year"] < until]), truth


def _years(span: pd.Series) -> pd.Series:
    """Years in a time span."""
    return span / pd.Timedelta(YEAR, "D")


def _about(data: Data, episodes: pd.DataFrame, years: pd.DataFrame) -> Data:
    """Tables of some episodes, each a case of its own."""
    names = set(episodes["episode"])
    episodes = episodes.assign(case=episodes["episode"])
    clients = data.clients[data.clients["episode"].isin(names)].reset_index(drop=True)
    return replace(data, episodes=episodes, clients=clients, years=years.reset_index(drop=True))
