"""Electoral democracy of the Varieties of Democracy project, version 10.

Layout: ``COWcode, year, v2x_polyarchy``, as in the project's own country-year file, whose other
columns are ignored.

What is odd: places that COW does not list have no code; their 638 rows, up to 6 a year, are left
out.  Polyarchy is missing in 1066 of the others.  Scores go on through years in which the state was
no member of the system.

Coppedge, Michael, John Gerring, Carl Henrik Knutsen, Staffan I. Lindberg, Jan Teorell, et al. 2020.
"V-Dem Country-Year Dataset v10." Varieties of Democracy (V-Dem) Project.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from pandera.pandas import DataFrameSchema

from bayes_alliance.data.sources.columns import number, state, year
from bayes_alliance.data.sources.layout import Layout, in_order
from bayes_alliance.data.sources.layout import read as read_layout
from bayes_alliance.data.sources.rules import once

_SCORE = {
    "year": year(first=1789),
    "polyarchy": number(0, 1, "v2x_polyarchy", nullable=True),
}

SCHEMA = DataFrameSchema({"ccode": state()} | _SCORE, unique=["ccode", "year"])

LAYOUT = Layout(
    "electoral democracy (V-Dem)",
    DataFrameSchema({"ccode": state("COWcode", nullable=True)} | _SCORE),
    (once("ccode", "year"),),
)


def read(path: Path) -> pd.DataFrame:
    """Read electoral democracy.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    pandas.DataFrame
        One row a state and year, as `SCHEMA` says.
    """
    table = read_layout(path, LAYOUT)[1].dropna(subset="ccode")
    return in_order(table.astype({"ccode": "int64"}), SCHEMA)
