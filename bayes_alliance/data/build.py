"""Makes the computed tables from published data and the tables coded by hand.

``bayes-alliance data build --out`` writes ``states.csv``, ``latest.csv``, the computed columns of
``clients.csv`` and ``years.csv`` for Europe and Asia, and all of ``asymmetric/``.  What is coded by
hand is read and never changed; ``episodes.csv`` and ``codings.csv`` are copied, so that the folder
can be loaded.  The same input gives the same bytes.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from bayes_alliance.bundled import bundled
from bayes_alliance.data import columns as c
from bayes_alliance.data.asymmetric import LAST_YEAR, Builder, client_columns, read_coding
from bayes_alliance.data.latest import latest_table
from bayes_alliance.data.schema import TABLES
from bayes_alliance.data.universe_schema import LATEST, UNIVERSE
from bayes_alliance.data.validate import read_table
from bayes_alliance.errors import InputError
from bayes_alliance.files import target, write_set

FIRST_YEAR = 1940
"""First year of the panel for Europe and Asia: the war years give the series a past."""

COMPUTED = (
    "capability_ratio",
    "patron_ratio",
    "forces_ratio",
    "distance_km",
    "disputes",
    "polyarchy",
    "polyarchy_gap",
)
"""Columns of ``clients.csv`` that are computed; the others are coded by hand."""

CODED = ("episodes.csv", "codings.csv")
"""Tables coded by hand that stand beside the computed ones, which cannot be loaded without them."""


def sources() -> Path:
    """Find the folder of the published source data.

    Returns
    -------
    pathlib.Path
        The folder; it need not exist.
    """
    named = os.environ.get("BAYES_ALLIANCE_SOURCES")
    return Path(named) if named else bundled().parent / "shared" / "sources"


def clients_table(data: c.Published, episodes: pd.DataFrame, clients: pd.DataFrame) -> pd.DataFrame:
    """Compute the computed columns of the clients of Europe and Asia.

    A fallback takes the year and the adversary of the proposal it came from: it is the same case.

    Parameters
    ----------
    data : Published
        Published data.
    episodes, clients : pandas.DataFrame
        The coded tables.

    Returns
    -------
    pandas.DataFrame
        The clients with those columns renewed and the others as they were.
    """
    by_name = episodes.set_index("episode")
    rows = []
    for row in clients.to_dict("records"):
        case = by_name.loc[by_name.at[row["episode"], "fallback_of"] or row["episode"]]
        client, year = data.codes[row["client"]], case["date"].year
        found = client_columns(data, data.codes[case["adversary"]], client, year)
        found["patron_ratio"] = c.capability_ratio(data, data.codes[case["patron"]], client, year)
        rows.append(row | {name: found.get(name) for name in COMPUTED})
    return pd.DataFrame(rows)[list(TABLES["clients"].columns)]


def years_table(builder: Builder) -> pd.DataFrame:
    """Compute the panel of Europe and Asia.

    Parameters
    ----------
    builder : Builder
        Published data and judgements.

    Returns
    -------
    pandas.DataFrame
        One row a patron, theatre and year with a coded adversary.
    """
    data = builder.data
    both = builder.coded_clients.merge(builder.episodes, on="episode")
    rows = []
    for (patron, theatre), group in both.groupby(["patron", "theatre"], sort=False):
        partners = sorted({data.codes[s] for s in group["client"]})
        for first, last, against in sorted(builder.spells[data.codes[patron], theatre]):
            for year in range(max(first, FIRST_YEAR), min(last, LAST_YEAR) + 1):
                threat = builder.threat(data.codes[patron], against, partners, year)
                rows.append({"patron": patron, "theatre": theatre, "year": year, **threat})
    return pd.DataFrame(rows)[list(TABLES["years"].columns)]


def states_table(data: c.Published) -> pd.DataFrame:
    """List the states.

    Parameters
    ----------
    data : Published
        Published data.

    Returns
    -------
    pandas.DataFrame
        Abbreviation, code and name.
    """
    table = data.tables["states"].drop_duplicates("ccode").sort_values("ccode")
    names = {"stateabb": "abbreviation", "ccode": "code", "statenme": "name"}
    return table[list(names)].rename(columns=names)


def build(
    folder: Path, source_folder: Path, progress: Callable[[str], None] | None = None
) -> dict[str, str]:
    """Make the computed tables.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the coded tables.
    source_folder : pathlib.Path
        Folder of the published data.
    progress : callable, optional
        Called with the name of each step as it begins.

    Returns
    -------
    dict of str to str
        Content by file, relative to the folder.
    """
    tell = progress or (lambda step: None)
    tell("read the sources")
    coding = read_coding(folder / "coding")
    data = c.Published.read(source_folder, coding)
    episodes, clients = (
        read_table(folder / f"{name}.csv", TABLES[name]) for name in ("episodes", "clients")
    )
    builder = Builder(data, coding, episodes, clients)
    out = {
        "states.csv": states_table(data),
        "clients.csv": clients_table(data, episodes, clients),
        "years.csv": years_table(builder),
        "latest.csv": latest_table(data),
    }
    tell("alliances")
    alliances = builder.alliances()
    out["asymmetric/alliances.csv"] = alliances
    for name, make in (
        ("clients", lambda: builder.clients(alliances)),
        ("events", builder.events),
        ("designs", lambda: builder.designs(alliances)),
        ("years", lambda: builder.years(alliances)),
    ):
        tell(name)
        out[f"asymmetric/{name}.csv"] = make()
    schemas = TABLES | {f"asymmetric/{name}": schema for name, schema in UNIVERSE.items()}
    schemas["latest"] = LATEST
    computed = {
        file: as_csv(table.reindex(columns=list(schemas[file.removesuffix(".csv")].columns)))
        for file, table in out.items()
    }
    return computed | coded(folder)


def coded(folder: Path) -> dict[str, str]:
    """Give the tables coded by hand as they are.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the coded tables.

    Returns
    -------
    dict of str to str
        Content by file.
    """
    return {file: (folder / file).read_bytes().decode() for file in CODED}


def place(out: Path | None) -> Path:
    """Say where tables may be written: in a folder that is named, never in the package itself.

    Parameters
    ----------
    out : pathlib.Path or None
        Folder that is asked for.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    InputError
        If none is named, or it lies in the installed package.
    """
    if out is None:
        raise InputError("a folder to write (--out), or --check", column="--out")
    package = Path(__file__).resolve().parents[1]
    if out.resolve().is_relative_to(package):
        raise InputError("a folder outside the package", column="--out", value=str(out))
    return out


def as_csv(table: pd.DataFrame) -> str:
    """Write a table as text that does not depend on the platform.

    Parameters
    ----------
    table : pandas.DataFrame
        Table.

    Returns
    -------
    str
        CSV; numbers with four significant digits.
    """
    out = io.StringIO()
    table.astype(object).map(_cell).to_csv(out, index=False, lineterminator="\n")
    return out.getvalue()


def _cell(value: object) -> str:
    """A value as text: four significant digits, without exponent."""
    if value is None or value is pd.NaT or value != value:
        return ""
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    if not isinstance(value, float):
        return str(value)
    short = float(f"{value:.4g}")
    text = f"{short:.10f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def differences(folder: Path, wanted: dict[str, str]) -> list[str]:
    """Say what the sources would change in a folder.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the tables.
    wanted : dict of str to str
        What `build` gave.

    Returns
    -------
    list of str
        One sentence a line that differs; empty if none does.
    """
    out = []
    for file, text in wanted.items():
        path = folder / file
        raw = path.read_bytes() if path.is_file() else b""
        if raw == text.encode():
            continue
        have, want = raw.decode(errors="replace").splitlines(), text.splitlines()
        if have == want:
            out.append(f"{file}: has other line ends")
        out += [
            f"{file} row {row}: has {old!r}, sources give {new!r}"
            for row, (old, new) in enumerate(zip(have, want, strict=False), start=1)
            if old != new
        ]
        if len(have) != len(want):
            out.append(f"{file}: has {len(have)} lines, sources give {len(want)}")
    return out


def write(folder: Path, wanted: dict[str, str]) -> list[Path]:
    """Write the tables: all of them, each whole.

    Parameters
    ----------
    folder : pathlib.Path
        Folder, made if need be.
    wanted : dict of str to str
        What `build` gave.

    Returns
    -------
    list of pathlib.Path
        Files that changed.
    """
    paths = {folder / file: text.encode() for file, text in wanted.items()}
    for path in paths:
        target(path)
    for path in (folder / file for file in CODED if file in wanted):
        if path.exists() and path.read_bytes() != paths[path]:
            words = "the bundled table, or none: a table coded by hand is not overwritten"
            raise InputError(words, file=str(path))
    return write_set(
        {
            path: content
            for path, content in paths.items()
            if not path.is_file() or path.read_bytes() != content
        }
    )


def check_sources(folder: Path) -> None:
    """Refuse a folder that is not there.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the source files.
    """
    if not folder.is_dir():
        raise InputError(
            "a folder with the source files (--sources, or BAYES_ALLIANCE_SOURCES)",
            file=str(folder),
        )
