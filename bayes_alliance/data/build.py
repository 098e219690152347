"""Computes the columns of the coded tables that follow from published data.

``python -m bayes_alliance.data.build`` rewrites the computed columns of ``data/clients.csv``
(capability_ratio, distance_km, disputes, polyarchy; the hand-coded ones are kept) and the whole
of ``data/years.csv``; ``--check`` only reports what would change.  The sources are read from
``../shared/sources`` beside the project, or from the folder that ``BAYES_ALLIANCE_SOURCES`` names.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bayes_alliance.bundled import bundled
from bayes_alliance.errors import InputError

CINC_FLOOR = 1e-5
"""Least capability, so that the ratio exists for a state whose share of the world's is 0."""

STATIONED: dict[str, list[tuple[str, int, int]]] = {
    "RUS": [
        ("GDR", 1945, 1994),
        ("POL", 1945, 1993),
        ("HUN", 1945, 1991),
        ("ROM", 1944, 1958),
        ("BUL", 1944, 1947),
        ("CZE", 1968, 1991),
        ("PRK", 1945, 1948),
    ],
    "CHN": [("PRK", 1950, 1958)],
}
"""Whole countries, or zones taken as a country, where an adversary's army stood: host, first and
last year.  Single bases (Port Arthur) and the Soviet zone of Austria are left out: no source
measures the distance to them, and Hungary lies about as near to Italy."""

HELD = {
    ("JPN", "RUS"): (1945, 2025, 4.0),
    ("UKG", "CHN"): (1949, 1997, 0.0),
    ("FRN", "CHN"): (1949, 1954, 0.0),
    ("RVN", "CHN"): (1949, 1954, 0.0),
}
"""Distances that the source of minimum distances misses: first year, last year, km.  Kunashir and
the Habomai islets off Hokkaido; Hong Kong; Indochina, which met China until the north was handed
over."""

ADVERSARIES: dict[tuple[str, str], list[tuple[int, int, tuple[str, ...]]]] = {
    ("USA", "europe"): [(1940, 2025, ("RUS",))],
    ("USA", "asia"): [
        (1940, 1949, ("RUS",)),
        (1950, 1971, ("RUS", "CHN")),
        (1972, 1991, ("RUS",)),
        (1992, 2025, ("CHN",)),
    ],
    ("UKG", "europe"): [(1940, 1960, ("RUS",))],
}
"""Adversaries of each patron and theatre: first year, last year, states."""

Panel = dict[tuple[int, ...], dict[int, float]]
"""Values by state, or pair of states, and year."""

TERRITORY = 1  # code of territorial revision in the dispute data
USE_OF_FORCE = 4


def sources() -> Path:
    """Find the folder of the published source data.

    Returns
    -------
    pathlib.Path
        The folder; it need not exist.
    """
    named = os.environ.get("BAYES_ALLIANCE_SOURCES")
    return Path(named) if named else bundled().parent / "shared" / "sources"


def state_codes(folder: Path) -> dict[str, int]:
    """Read the COW code of each state abbreviation.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the coded tables.

    Returns
    -------
    dict
        Code by abbreviation.
    """
    states = pd.read_csv(folder / "states.csv", keep_default_na=False)
    return dict(zip(states["abbreviation"], states["code"].astype(int), strict=True))


@dataclass(frozen=True)
class Sources:
    """The published data that the columns are computed from, each indexed by state and year.

    Parameters
    ----------
    codes : dict
        COW code by state abbreviation.
    cinc, personnel, polyarchy : dict
        Values by state and year.
    distance : dict
        Minimum distance in km by pair of states (the lower code first) and year.
    disputes : pandas.DataFrame
        MID, directed dyad-dispute-years.
    territorial : pandas.DataFrame
        Gibler, Miller and Little, directed dyad-dispute-years over territory.
    """

    codes: dict[str, int]
    cinc: Panel
    personnel: Panel
    polyarchy: Panel
    distance: Panel
    disputes: pd.DataFrame
    territorial: pd.DataFrame

    @classmethod
    def read(cls, folder: Path, tables: Path) -> Sources:
        """Read what is needed from a folder of source files.

        Parameters
        ----------
        folder : pathlib.Path
            Folder of the source files.
        tables : pathlib.Path
            Folder of the coded tables, for ``states.csv``.

        Returns
        -------
        Sources
            The data.
        """
        codes = state_codes(tables)
        material = _csv(folder / "cow_nmc.csv")
        regimes = _csv(folder / "vdem_polyarchy.csv").dropna().astype({"COWcode": int})
        apart = pd.read_parquet(_existing(folder / "cow_mindist.parquet"))
        holders = {codes[s] for s, held in STATIONED.items() for s in (s, *(h[0] for h in held))}
        apart = apart[apart["ccode1"].isin(holders) | apart["ccode2"].isin(holders)]
        revisions = _csv(folder / "gml_dirdisp.csv")
        over_land = revisions.filter(regex=r"^revtype").eq(TERRITORY).any(axis=1)
        return cls(
            codes=codes,
            cinc=panel(material, ["ccode"], "cinc"),
            personnel=panel(material, ["ccode"], "milper"),
            polyarchy=panel(regimes, ["COWcode"], "v2x_polyarchy"),
            distance=panel(apart, ["ccode1", "ccode2"], "mindist"),
            disputes=_csv(folder / "cow_mid_dirdisps.csv"),
            territorial=revisions[over_land],
        )


def panel(table: pd.DataFrame, keys: Sequence[str], value: str) -> Panel:
    """Arrange a column of a source by state (or pair of states) and year.

    Parameters
    ----------
    table : pandas.DataFrame
        Source with one row a key and year.
    keys : sequence of str
        Columns of the state or pair.
    value : str
        Column of the value; missing ones drop out.

    Returns
    -------
    dict
        Value by key and year.
    """
    table = table.dropna(subset=[value])
    out: Panel = {}
    columns = [table[name].tolist() for name in (*keys, "year", value)]
    for *key, year, number in zip(*columns, strict=True):
        out.setdefault(tuple(key), {})[year] = float(number)
    return out


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise InputError("a source file; BAYES_ALLIANCE_SOURCES names its folder", file=str(path))
    return path


def _csv(path: Path) -> pd.DataFrame:
    return pd.read_csv(_existing(path), low_memory=False)


def nearest(values: Panel, key: tuple[int, ...], year: int, within: int) -> float | None:
    """Look up a value in a year, or in the nearest year that has one.

    Parameters
    ----------
    values : dict
        Values by state (or pair of states) and year.
    key : tuple of int
        State or pair.
    year : int
        Year wanted.
    within : int
        How many years away a value may lie.

    Returns
    -------
    float or None
        The value, the earlier one of two equally near; None where none is near enough.
    """
    own = {other: v for other, v in values.get(key, {}).items() if abs(other - year) <= within}
    return own[min(own, key=lambda other: (abs(other - year), other))] if own else None


def capability_ratio(data: Sources, adversary: str, client: str, year: int) -> float:
    """CINC of the adversary over CINC of the client.

    Parameters
    ----------
    data : Sources
        Published data.
    adversary, client : str
        State abbreviations.
    year : int
        Year of the decision; a state without a value then takes the nearest within 3 years.

    Returns
    -------
    float
        The ratio.
    """
    values = [nearest(data.cinc, (data.codes[s],), year, 3) for s in (adversary, client)]
    if None in values:
        raise InputError(
            f"capabilities of {adversary} and {client} within 3 years of {year}",
            file="cow_nmc.csv",
        )
    theirs, own = (max(value or 0.0, CINC_FLOOR) for value in values)
    return theirs / own


def _apart(data: Sources, first: str, second: str, year: int) -> float | None:
    """Minimum distance between two states; borders are taken as they next were measured."""
    low, high = sorted((data.codes[first], data.codes[second]))
    return nearest(data.distance, (low, high), year, 100)


def distance(data: Sources, adversary: str, client: str, year: int) -> float:
    """Distance from a client to the nearest territory held by an adversary or its army.

    Parameters
    ----------
    data : Sources
        Published data.
    adversary, client : str
        State abbreviations.
    year : int
        Year.

    Returns
    -------
    float
        Kilometres.
    """
    first, last, held = HELD.get((client, adversary), (1, 0, 0.0))
    if first <= year <= last:
        return held
    hosts = [host for host, since, until in STATIONED.get(adversary, []) if since <= year <= until]
    if client in hosts:
        return 0.0
    found = [_apart(data, place, client, year) for place in (adversary, *hosts)]
    known = [value for value in found if value is not None]
    if not known:
        raise InputError(f"a distance between {adversary} and {client}", file="cow_mindist.parquet")
    return min(known)


def territorial_disputes(data: Sources, adversary: str, client: str, year: int) -> int:
    """Count disputes over territory between two states in the ten years before a year.

    Parameters
    ----------
    data : Sources
        Published data.
    adversary, client : str
        State abbreviations.
    year : int
        Year of the decision, itself not counted.

    Returns
    -------
    int
        Number of disputes.
    """
    table = data.territorial
    pair = (table["ccode1"] == data.codes[client]) & (table["ccode2"] == data.codes[adversary])
    return int(table.loc[pair & table["year"].between(year - 10, year - 1), "dispnum"].nunique())


def begun_disputes(
    data: Sources, adversaries: Iterable[str], targets: Iterable[str], year: int
) -> int:
    """Count disputes in which an adversary, on the side that acted first, used force.

    Parameters
    ----------
    data : Sources
        Published data.
    adversaries, targets : iterable of str
        State abbreviations.
    year : int
        Last of the five years in which the dispute began.

    Returns
    -------
    int
        Number of disputes; one against several targets counts once.
    """
    table = data.disputes
    chosen = (
        table["ccode1"].isin([data.codes[state] for state in adversaries])
        & table["ccode2"].isin([data.codes[state] for state in targets])
        & (table["sidea1"] == 1)
        & (table["hostlev1"] >= USE_OF_FORCE)
        & (table["disponset"] == 1)
        & table["year"].between(year - 4, year)
    )
    return int(table.loc[chosen, "dispnum"].nunique())


def _latest(values: Panel, code: int, year: int) -> float:
    """Value of a state in a year; beyond the source's end its last value is carried forward."""
    own = values[(code,)]
    return own[max(other for other in own if other <= year)]


def _adversaries(patron: str, theatre: str, year: int) -> tuple[str, ...]:
    spans = ADVERSARIES[patron, theatre]
    return next(states for first, last, states in spans if first <= year <= last)


def year_row(
    data: Sources, patron: str, theatre: str, year: int, clients: Sequence[str]
) -> dict[str, object]:
    """Compute one row of years.csv.

    Parameters
    ----------
    data : Sources
        Published data.
    patron, theatre : str
        Patron and theatre.
    year : int
        Year.
    clients : sequence of str
        The patron's clients in the theatre.

    Returns
    -------
    dict
        The row by column.
    """
    adversaries = _adversaries(patron, theatre, year)
    code = data.codes

    def ratio(values: Panel) -> float:
        theirs = sum(_latest(values, code[state], year) for state in adversaries)
        return theirs / _latest(values, code[patron], year)

    regimes = [_latest(data.polyarchy, code[state], year) for state in adversaries]
    return {
        "patron": patron,
        "theatre": theatre,
        "year": year,
        "adversary": "+".join(adversaries),
        "power_ratio": ratio(data.cinc),
        "forces_ratio": ratio(data.personnel),
        "distance_km": min(
            distance(data, adversary, client, year)
            for adversary in adversaries
            for client in clients
        ),
        "polyarchy_gap": _latest(data.polyarchy, code[patron], year) - sum(regimes) / len(regimes),
        "disputes": begun_disputes(data, adversaries, [patron, *clients], _covered(data, year)),
    }


def _covered(data: Sources, year: int) -> int:
    """Give the year, or the last that the dispute data cover."""
    return min(year, int(data.disputes["year"].max()))


def years_table(data: Sources, episodes: pd.DataFrame, clients: pd.DataFrame) -> pd.DataFrame:
    """Compute years.csv.

    Parameters
    ----------
    data : Sources
        Published data.
    episodes, clients : pandas.DataFrame
        The coded tables, as text.

    Returns
    -------
    pandas.DataFrame
        One row a patron, theatre and year.
    """
    both = clients.merge(episodes, on="episode")
    rows = []
    for (patron, theatre), spans in ADVERSARIES.items():
        group = both[(both["patron"] == patron) & (both["theatre"] == theatre)]
        partners = sorted(set(group["client"]))
        for year in range(spans[0][0], spans[-1][1] + 1):
            rows.append(year_row(data, patron, theatre, year, partners))
    return pd.DataFrame(rows)


def clients_table(data: Sources, episodes: pd.DataFrame, clients: pd.DataFrame) -> pd.DataFrame:
    """Compute the computed columns of clients.csv.

    A fallback takes the year and the adversary of the proposal it came from: it is the same case.

    Parameters
    ----------
    data : Sources
        Published data.
    episodes, clients : pandas.DataFrame
        The coded tables, as text.

    Returns
    -------
    pandas.DataFrame
        The clients with those columns renewed and the others as they were.
    """
    by_name = episodes.set_index("episode")
    result = clients.copy()
    for row in clients.index:
        client = clients.at[row, "client"]
        name = clients.at[row, "episode"]
        case = by_name.loc[by_name.at[name, "fallback_of"] or name]
        adversary, year = case["adversary"], int(case["date"][:4])
        regime = nearest(data.polyarchy, (data.codes[client],), year, 3)
        computed = {
            "capability_ratio": capability_ratio(data, adversary, client, year),
            "distance_km": distance(data, adversary, client, year),
            "disputes": territorial_disputes(data, adversary, client, year),
            "polyarchy": "" if regime is None else regime,
        }
        for column, value in computed.items():
            result.at[row, column] = _rounded(value)
    return result


def _rounded(value: object) -> str:
    """Four significant digits, without exponent."""
    if not isinstance(value, float):
        return str(value)
    short = float(f"{value:.4g}")
    return f"{short:.0f}" if short == round(short) else f"{short:.10f}".rstrip("0")


def _as_csv(table: pd.DataFrame) -> str:
    out = io.StringIO()
    table.to_csv(out, index=False, lineterminator="\n")
    return out.getvalue()


def build(folder: Path, source_folder: Path) -> dict[Path, str]:
    """Compute the new content of the two tables.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the coded tables.
    source_folder : pathlib.Path
        Folder of the published data.

    Returns
    -------
    dict
        Content by file.
    """
    data = Sources.read(source_folder, folder)
    episodes, clients = (
        pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)
        for name in ("episodes", "clients")
    )
    years = years_table(data, episodes, clients).map(_rounded)
    return {
        folder / "clients.csv": _as_csv(clients_table(data, episodes, clients)),
        folder / "years.csv": _as_csv(years),
    }


def _differences(path: Path, wanted: str) -> list[str]:
    """Lines of the file that the sources would change, in words."""
    have = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    want = wanted.splitlines()
    out = [
        f"{path.name} row {row}: has {old!r}, sources give {new!r}"
        for row, (old, new) in enumerate(zip(have, want, strict=False), start=1)
        if old != new
    ]
    if len(have) != len(want):
        out.append(f"{path.name}: has {len(have)} lines, sources give {len(want)}")
    return out


def main(argv: Sequence[str] | None = None) -> int:
    """Renew the computed columns of the tables, or check them against the sources.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments instead of the command line's.

    Returns
    -------
    int
        Exit status: 1 if ``--check`` finds a difference, 2 if a source is missing.
    """
    parser = argparse.ArgumentParser(prog="bayes_alliance.data.build", description=main.__doc__)
    parser.add_argument("--check", action="store_true", help="report differences and exit 1")
    arguments = parser.parse_args(argv)
    try:
        wanted = build(bundled("data"), sources())
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    different = {path: _differences(path, text) for path, text in wanted.items()}
    for path, lines in different.items():
        print("\n".join(lines) if lines else f"{path.name}: as the sources have it")
        if not arguments.check and lines:
            path.write_text(wanted[path], encoding="utf-8", newline="\n")
    return int(arguments.check and any(different.values()))


if __name__ == "__main__":
    sys.exit(main())
