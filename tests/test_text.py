"""Text of users and files does nothing where it is shown."""

from __future__ import annotations

import csv
import io
import json

import matplotlib
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from bayes_alliance.report.figures.style import RC, Figure, canvas, save
from bayes_alliance.text import FORMULA, as_csv, inside_script, one_line

HOSTILE = st.sampled_from(
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "</script>", "<!--", "\u2028", "\x1b[31m",
     "\x9b31m", "[bold]x[/]", "$\\frac{$", "$x$", "\\$", "\x07", "\u202e", '"', "'", ",", "\n",
     " =", "\xa0"]
)  # fmt: skip
TEXTS = st.one_of(
    st.lists(st.one_of(HOSTILE, st.text(max_size=5)), max_size=5).map("".join)
).filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text))


@given(TEXTS)
def test_no_cell_of_a_table_is_a_formula_and_none_moves_another(text):
    found = as_csv(pd.DataFrame({"title": [text], "p": [-0.5]}))
    ((title, p),) = list(csv.reader(io.StringIO(found)))[1:]
    assert p == "-0.5"
    assert not title.lstrip(" ").startswith(FORMULA)
    assert not set(title) & set("\x1b\x9b\x07\n\r\u202e\u2028")
    if text.isprintable() and not text.lstrip(" ").startswith(FORMULA):
        assert title == text


@given(TEXTS)
def test_no_text_ends_a_script_or_changes_in_it(text):
    found = inside_script({"title": text})
    assert not set(found) & set("<>&'\u2028\u2029")
    assert json.loads(found) == {"title": text}


@given(TEXTS)
def test_a_terminal_is_given_one_line_of_signs_that_print(text):
    assert one_line(text).isprintable()


def test_a_dollar_sign_in_a_figure_is_a_dollar_sign():
    """Between two of them Matplotlib read mathematics, and ended where it was none."""
    with matplotlib.rc_context(RC):
        figure, panels = canvas(2)
        panels[0, 0].set_title("costs $\\frac{$ or $5")
        out = io.StringIO()
        save(Figure("", "", "", figure, "data"), out)
    assert "costs $\\frac{$ or $5" in out.getvalue()
