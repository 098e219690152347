"""Text that a user or a file supplies, made harmless where it is shown.

Figures read no text as mathematics (``text.parse_math`` in `bayes_alliance.report.figures.style`),
HTML is escaped by Jinja, and what a terminal is given goes through `one_line`.
"""

from __future__ import annotations

import json
from typing import Any
from unicodedata import category

import pandas as pd

from bayes_alliance.errors import one_line

__all__ = ["FORMULA", "as_csv", "csv_cell", "inside_script", "one_line"]

FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""How a formula begins in a spreadsheet; the last four are full-width signs."""
SCRIPT = "<>&'\u2028\u2029"
"""Signs that end a script or a line of it."""


def csv_cell(value: Any) -> Any:
    """Make a cell no formula: a text that a spreadsheet would run begins with an apostrophe.

    Parameters
    ----------
    value : object
        A cell; only texts are changed.

    Returns
    -------
    object
        The cell; control characters of a text are shown escaped.
    """
    if not isinstance(value, str):
        return value
    shown = (c.isprintable() or category(c) == "Zs" for c in value)
    plain = "".join(c if good else ascii(c)[1:-1] for c, good in zip(value, shown, strict=True))
    return f"'{plain}" if value.lstrip(" ").startswith(FORMULA) else plain


def as_csv(table: pd.DataFrame) -> str:
    """Write a table for spreadsheets, without its index.

    Parameters
    ----------
    table : pandas.DataFrame
        A table.

    Returns
    -------
    str
        CSV in which no text is a formula, in the header neither.
    """
    plain = table.rename(columns=csv_cell).map(csv_cell)
    return plain.to_csv(index=False, lineterminator="\n")


def inside_script(value: Any) -> str:
    """Write JSON that no text in it can end the script element of.

    Parameters
    ----------
    value : object
        Plain values.

    Returns
    -------
    str
        JSON.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign in SCRIPT:
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text
