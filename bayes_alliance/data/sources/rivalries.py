"""Strategic rivalries, from two lists in one form.

- Thompson, Sakuwa and Suhas: ``ccode1, ccode2, start, end, positional, spatial, ideological,
  interventionary``, 1 or empty;
- Thompson and Dreyer: ``ccode1, ccode2, styear, endyear, type1, type2, type3``, the types in words.

Each rivalry stands once, the lower code first, in years that count whole; the types are bools and
``source`` is tss or td.

What is odd: rivalries begin as early as 1494, before there are COW states, and use Polity's code
324 (Sardinia) besides COW's; one rivalry of the first list has no type; an end in the last year
(2020, 2010) is the end of the list.

Thompson, William R., Kentaro Sakuwa, and Prashant Hosur Suhas. 2021. Analyzing Strategic Rivalries
in World Politics. Singapore: Springer.  Thompson, William R., and David R. Dreyer. 2011. Handbook
of International Rivalries, 1494-2010. Washington: CQ Press.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from pandera.pandas import Check, Column, DataFrameSchema

from bayes_alliance.data.sources.columns import code, state, text, year
from bayes_alliance.data.sources.layout import Layout, in_order
from bayes_alliance.data.sources.layout import read as read_layout
from bayes_alliance.data.sources.rules import apart, ascending, forwards

TYPES = ("positional", "spatial", "ideological", "interventionary")

_RANKS = ("type1", "type2", "type3")
_PAIR = ["ccode1", "ccode2"]
_SPELL = {
    "ccode1": state(),
    "ccode2": state(),
    "start": year("styear", first=1494),
    "end": year("endyear", first=1494),
}
_RULES = (ascending(), forwards("start", "end"), apart(_PAIR, "start", "end"))

SCHEMA = DataFrameSchema(
    {
        **_SPELL,
        **{name: Column("bool") for name in TYPES},
        "source": Column(None, Check.isin(["tss", "td"])),
    },
    unique=[*_PAIR, "start"],
)

TSS = Layout(
    "strategic rivalries (Thompson, Sakuwa and Suhas)",
    DataFrameSchema(_SPELL | {name: code((0, 1), nullable=True) for name in TYPES}),
    _RULES,
)

TD = Layout(
    "strategic rivalries (Thompson and Dreyer)",
    DataFrameSchema(
        _SPELL
        | {
            name: text(
                pattern="|".join(TYPES),
                expected=f"one of {', '.join(TYPES)}",
                nullable=name != "type1",
            )
            for name in _RANKS
        }
    ),
    _RULES,
)


def read(path: Path) -> pd.DataFrame:
    """Read rivalries.

    Parameters
    ----------
    path : pathlib.Path
        The file, of either list.

    Returns
    -------
    pandas.DataFrame
        One row a pair and rivalry, as `SCHEMA` says.
    """
    layout, table = read_layout(path, TSS, TD)
    if layout is TSS:
        has = {name: table[name].eq(1).fillna(False).astype("bool") for name in TYPES}
    else:
        has = {name: table[[*_RANKS]].eq(name).any(axis=1) for name in TYPES}
    return in_order(table.assign(**has, source="tss" if layout is TSS else "td"), SCHEMA)
