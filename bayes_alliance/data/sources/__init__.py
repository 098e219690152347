"""Readers of the published conflict data that the coded tables are computed from.

Each module reads one source, says in its docstring which layouts it takes, what is odd in the data
and how to cite them, and gives a table with the same columns, types and order of rows however the
file was written.  `read_all` reads them all.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from bayes_alliance.data.sources import (
    atop,
    capitals,
    contiguity,
    gml,
    majors,
    mid,
    mindist,
    nmc,
    polity,
    rivalries,
    states,
    troops,
    vdem,
    wars,
)
from bayes_alliance.data.sources.formats import SUFFIXES, members
from bayes_alliance.data.sources.layout import NOTES
from bayes_alliance.errors import InputError

Reader = Callable[[Path], pd.DataFrame]

FILES: dict[str, tuple[tuple[str, ...], Reader]] = {
    "atop_alliances": (("atop-alliance-level.csv", "atop5_1a.csv"), atop.read_alliances),
    "atop_members": (("atop-member-level.csv", "atop5_1m.csv"), atop.read_members),
    "nmc": (("cow_nmc.csv", "NMC-70-abridged.csv"), nmc.read),
    "majors": (("cow_majors.csv", "majors2016.csv"), majors.read),
    "states": (("cow_states.csv", "statelist2024.csv"), states.read),
    "contiguity": (("cow_contdir.csv", "contdir.csv", "contdird.csv"), contiguity.read),
    "mindist": (("cow_mindist.parquet", "cow_mindist.csv"), mindist.read),
    "capitals": (("cow_capitals.csv",), capitals.read),
    "mid": (("cow_mid_dirdisps.csv",), mid.read),
    "gml": (("gml_dirdisp.csv",), gml.read),
    "wars": (("cow_war_inter.csv",), wars.read),
    "tss": (("tss_rivalries.csv",), rivalries.read),
    "td": (("td_rivalries.csv",), rivalries.read),
    "polity": (("polity4.csv", "p4v2018.csv"), polity.read),
    "vdem": (("vdem_polyarchy.csv", "V-Dem-CY-Core-v10.csv"), vdem.read),
    "troops": (("us_troops.csv",), troops.read),
}
"""Names under which the file of each source is published, for example, and its reader."""

NAMES = {
    "atop_alliances": r"atop-alliance-level|atop(\d+_\d+)a",
    "atop_members": r"atop-member-level|atop(\d+_\d+)m",
    "nmc": r"cow_nmc|nmc[-_]v?(\d[._]?\d)(?:[-_](?:abridged|wsupplementary))?",
    "majors": r"cow_majors|majors(\d{4})",
    "states": r"cow_states|(?:states|statelist)(\d{4})",
    "contiguity": r"cow_contdir|contdird?(\d*)",
    "mindist": r"cow_mindist",
    "capitals": r"cow_capitals",
    "mid": r"cow_mid_dirdisps",
    "gml": r"gml_dirdisp|gml-ddy-disputes-(\d+(?:\.\d+)*)",
    "wars": r"cow_war_inter",
    "tss": r"tss_rivalries",
    "td": r"td_rivalries",
    "polity": r"polity4|p(\dv\d{4})",
    "vdem": r"vdem_polyarchy|v-dem-cy-(?:core|full\+others)-v(\d+(?:[._]\d+)?)",
    "troops": r"us_troops",
}
"""Names of the files of each source without their suffix, with the release where it is in them."""


def _release(source: str, path: Path) -> tuple[int, ...]:
    """Release that a file's name says; none if it says none."""
    found = re.fullmatch(NAMES[source], path.stem.lower())
    digits = re.findall(r"\d+", "".join(part or "" for part in found.groups()) if found else "")
    return (int("".join(digits)),) if source == "nmc" and digits else tuple(map(int, digits))


def _candidates(folder: Path) -> list[Path]:
    """Tables of a folder, of the folders in it and of their ZIP files."""
    files = sorted(path for deep in ("*", "*/*") for path in folder.glob(deep) if path.is_file())
    packed = [path / name for path in files if path.suffix == ".zip" for name in members(path)]
    return [path for path in files if path.suffix.lower() in SUFFIXES] + packed


def find(folder: Path, name: str) -> Path:
    """Find the file of a source.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the sources.
    name : str
        Source, a key of `FILES`.

    Returns
    -------
    pathlib.Path
        The file.
    """
    names, _ = FILES[name]
    found = [path for path in _candidates(folder) if re.fullmatch(NAMES[name], path.stem.lower())]
    if not found:
        others = f" ({' or '.join(names[1:])} will do)" if names[1:] else ""
        words = f"a source file{others}; BAYES_ALLIANCE_SOURCES names its folder"
        raise InputError(words, file=str(folder / names[0]))
    releases = [_release(name, path) for path in found]
    shown = " and ".join(path.relative_to(folder).as_posix() for path in found)
    if len(set(releases)) > 1 and () in releases:
        words = f"one file of the source {name!r}: not every name says of which release it is"
        raise InputError(words, file=str(folder), value=shown)
    newest = found[releases.index(max(releases))]
    if len(found) > 1:
        why = "the newest" if releases.count(max(releases)) == 1 else "the first of the newest"
        taken = newest.relative_to(folder).as_posix()
        warnings.warn(f"{shown} are one source; {taken} is taken, {why}", stacklevel=2)
    return newest


def read_all(folder: Path) -> dict[str, pd.DataFrame]:
    """Read every source; warn of what a user should know of a file.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the sources.

    Returns
    -------
    dict
        Table by source, as in `FILES`.
    """
    out = {name: reader(find(folder, name)) for name, (_, reader) in FILES.items()}
    for table in out.values():
        for note in table.attrs.pop(NOTES, []):
            warnings.warn(note, stacklevel=2)
    return out
