"""Readers of the published conflict data that the coded tables are computed from.

Each module reads one source, says in its docstring which layouts it takes, what is odd in the data
and how to cite them, and gives a table with the same columns, types and order of rows however the
file was written.  `read_all` reads them all.
"""

from __future__ import annotations

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
from bayes_alliance.errors import InputError

Reader = Callable[[Path], pd.DataFrame]

FILES: dict[str, tuple[tuple[str, ...], Reader]] = {
    "atop_alliances": (("atop-alliance-level.csv", "atop5_1a.csv"), atop.read_alliances),
    "atop_members": (("atop-member-level.csv", "atop5_1m.csv"), atop.read_members),
    "nmc": (("cow_nmc.csv", "NMC-60-abridged.csv"), nmc.read),
    "majors": (("cow_majors.csv", "majors2016.csv"), majors.read),
    "states": (("cow_states.csv", "states2016.csv"), states.read),
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
"""Names under which the file of each source is looked for, the first that exists being taken, and
its reader."""


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
    for file in names:
        if (folder / file).is_file():
            return folder / file
    others = f" ({' or '.join(names[1:])} will do)" if names[1:] else ""
    words = f"a source file{others}; BAYES_ALLIANCE_SOURCES names its folder"
    raise InputError(words, file=str(folder / names[0]))


def read_all(folder: Path) -> dict[str, pd.DataFrame]:
    """Read every source.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the sources.

    Returns
    -------
    dict
        Table by source, as in `FILES`.
    """
    return {name: reader(find(folder, name)) for name, (_, reader) in FILES.items()}
