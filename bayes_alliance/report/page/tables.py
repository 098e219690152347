"""Tables of the page: great-tables makes them, the page's own style sheet dresses them.

Text is escaped wherever it enters a table, but for `markupsafe.Markup`, which the functions of a
cell give.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

import pandas as pd
from great_tables import GT, html
from markupsafe import Markup, escape


def table(
    name: str,
    title: str,
    head: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    words: Collection[str] = (),
    spanners: Sequence[tuple[str, int]] = (),
    groups: Sequence[str] | None = None,
    wide: bool = False,
) -> Markup:
    """Write a table, in a region that scrolls sideways where the window is narrow.

    Parameters
    ----------
    name : str
        Its id; those of its title and headers begin with it.
    title : str
        What it shows; names the table and its region for screen readers.
    head : sequence of str
        Labels of the columns; the first holds the names of the rows.
    rows : sequence of sequences
        Cells, as many a row as there are labels.
    words : collection of str, optional
        Labels of the columns of words, which begin at the left; numbers end at the right.
    spanners : sequence of (str, int), optional
        What stands above the columns after the first, each with the number of its columns.
    groups : sequence of str, optional
        Group of each row, told once above the group's first.
    wide : bool
        Whether it may be wider than the text.

    Returns
    -------
    markupsafe.Markup
        HTML without styles.
    """
    columns = [f"c{i}" for i in range(len(head))]  # labels may repeat, names must not
    frame = pd.DataFrame(rows, columns=columns, dtype=object)  # as str they would lose their markup
    if groups:
        frame["group"] = groups
    made = (
        GT(frame, rowname_col="c0", groupname_col="group" if groups else None, id=name)
        .tab_header(html(Markup("<span>{}</span>").format(_literal(title))))
        .tab_stubhead(html(_literal(head[0])))
        .cols_label({c: html(_literal(label)) for c, label in zip(columns, head, strict=True)})
        .cols_align("right")
        .cols_align("left", [c for c, label in zip(columns, head, strict=True) if label in words])
        .fmt(escape, columns)
    )
    first = 1
    for i, (label, size) in enumerate(spanners):
        spanned = columns[first : first + size]
        made = made.tab_spanner(html(_literal(label)), spanned, id=f"spanner-{i}")
        first += size
    # The style sheet that great-tables repeats in front of each table is the page's own business.
    found = re.search(r"<table.*</table>", made.as_raw_html(), re.S)
    assert found is not None
    return Markup(
        '<div class="scroll{}" role="region" tabindex="0" aria-labelledby="{}-title">\n{}\n</div>'
    ).format(" wide" if wide else "", name, Markup(found[0]))


def _literal(text: str) -> Markup:
    """Escape a text, and its braces: great-tables reads units of measurement between two pairs."""
    return Markup(str(escape(text)).replace("{", "&#123;"))


def lines(*parts: str) -> Markup:
    """Set the parts of a cell below each other, leaving out empty ones."""
    return Markup("<br>").join(part for part in parts if part)


def note(text: str) -> Markup:
    """Set a text that explains a number in small print."""
    return Markup('<span class="note">{}</span>').format(text) if text else Markup()


def bold(text: str, chosen: bool = True) -> Markup:
    """Set a text in bold if it is chosen."""
    return Markup('<span class="best">{}</span>').format(text) if chosen else escape(text)


def roomy(text: str) -> Markup:
    """Give a longer text room, so that it does not break at every word."""
    return Markup('<div class="words">{}</div>').format(text)


def warning(text: str) -> Markup:
    """Set a text as a warning."""
    return Markup('<strong class="warn">⚠ {}</strong>').format(text)


def red(text: str) -> Markup:
    """Set in red what spoils a number."""
    return Markup('<strong class="bad">✗ {}</strong>').format(text)
