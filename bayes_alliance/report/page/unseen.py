"""The articles' own question: what the theories say of 1949, 1951 and 1954 without having seen."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from bayes_alliance.process.cells import CELLS, label
from bayes_alliance.process.designs import designs
from bayes_alliance.report.page.marks import Said, fit_marks
from bayes_alliance.report.page.tables import bold, lines, note, red, table
from bayes_alliance.report.page.words import LEVEL, called, number, opening, percent, percents
from bayes_alliance.report.results import Results
from bayes_alliance.report.words import PLACES, case_names, listed

DESIGNS = ("none", "bilateral", "trilateral", "multilateral")


def outcome(results: Results, case: str) -> str:
    """Kind of design that a case ended in: one of `DESIGNS`."""
    return CELLS[int(designs(results.data)[case])].split("_")[0]


def without_words(where: str) -> str:
    """What a fit was trained without."""
    return "this case alone" if where == "episode" else f"all cases of {PLACES[where]}"


def unseen_sentences(results: Results) -> list[Said]:
    """Say of each asked case what each theory gave to what happened."""
    out: list[Said] = []
    if results.unseen.empty:
        return out
    words = case_names(results)
    for (case, where), said_of in results.unseen.groupby(["case", "without"], sort=False):
        happened = outcome(results, case)
        table = said_of.set_index(["theory", "design"])["probability"]
        given = {name: float(table[name, happened]) for name in results.trees}
        cell = label(CELLS[int(designs(results.data)[case])])
        best = max(given, key=lambda name: given[name])
        said = listed(f"{percent(p)} ({name})" for name, p in given.items())
        text = (
            f"{words[case]} ended in: {cell}. Trained without {without_words(where)}, the theories "
            f"gave {_kind(happened)} {said}; most by {called(best)}."
        )
        out.append(Said(text, fit_marks(results, *given)))
    return out


def _kind(design: str) -> str:
    """A kind of design in a sentence."""
    return "no alliance" if design == "none" else f"a {design} design"


def unseen_section(results: Results) -> dict[str, Any] | None:
    """Sentences and table; None where none of the asked cases is in the data."""
    if results.unseen.empty:
        return None
    return {"said": unseen_sentences(results), "table": unseen_table(results)}


def unseen_table(results: Results) -> Markup:
    """Table of the asked cases: rows are kinds of design, columns are theories."""
    words = case_names(results)
    rows, groups = [], []
    for (case, where), said_of in results.unseen.groupby(["case", "without"], sort=False):
        found = said_of.set_index(["theory", "design"])
        for design in (*DESIGNS, "strong"):
            happened = design == outcome(results, case) or (
                design == "strong" and _strong(results, case)
            )
            cells = []
            for name in results.trees:
                row = found.loc[(name, design)]
                cells.append(
                    lines(
                        bold(number(row["probability"]), happened),
                        note(percents(row["lower"], row["upper"])),
                        *map(red, fit_marks(results, name)),
                    )
                )
            rows.append([bold(opening(design), happened), *cells])
            groups.append(f"{words[case]}, trained without {without_words(where)}")
    return table(
        "table-unseen",
        f"Probability of each kind of design of cases that a fit has not seen, with {LEVEL} "
        "intervals over its draws. What happened is in bold.",
        ["Design", *results.trees],
        rows,
        groups=groups,
        wide=True,
    )


def _strong(results: Results, case: str) -> bool:
    """Whether a case ended in a strong commitment."""
    return CELLS[int(designs(results.data)[case])].endswith("strong")
