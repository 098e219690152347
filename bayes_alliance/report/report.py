"""Write a report: figures, one page, the numbers."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib.figure
import xarray as xr

from bayes_alliance.apart import Crew
from bayes_alliance.errors import InputError
from bayes_alliance.files import target, writable, write_set
from bayes_alliance.report.figures import SUBJECTS, Figure, figures
from bayes_alliance.report.figures import save as save_figure
from bayes_alliance.report.page import page
from bayes_alliance.report.results import Results, collect
from bayes_alliance.report.summary import dumps, summary

Tell = Callable[[str], None]

ROOM = 50_000_000
"""Bytes that a page with its figures and numbers may need."""


def report(
    trees: Mapping[str, xr.DataTree],
    out: str | Path,
    *,
    extra: Mapping[str, xr.DataTree] | None = None,
    scenarios: list[str] | None = None,
    study: str | Path | None = None,
    forms: Mapping[str, xr.DataTree] | None = None,
    progress: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Write ``index.html``, ``figures/*.svg`` and ``summary.json``.

    Parameters
    ----------
    trees : mapping of str to xarray.DataTree
        Two fits or more of the same data, by theory.
    out : str or pathlib.Path
        Folder; made if it is not there. Each file is written whole or not at all.
    extra : mapping of str to xarray.DataTree, optional
        Further fits whose diagnostics the report shows.
    scenarios : list of str, optional
        Scenarios to forecast; those of the Quad by default.
    study : str or pathlib.Path, optional
        A robustness study of the same data (`bayes-alliance compare --study`), to show with them.
    forms : mapping of str to xarray.DataTree, optional
        Hazards of decisions by theory, as `bayes_alliance.formation` gives them; fitted if not
        given.
    progress : callable, optional
        Called with the name of each step.

    Returns
    -------
    dict
        The content of ``summary.json``.

    Raises
    ------
    InputError
        If the folder cannot be written or the fits cannot be compared.
    """
    folder = _place(out)
    results = collect(trees, extra, scenarios, progress, study, forms)
    if progress:
        progress("figures")
    return write(results, folder)


def _place(out: str | Path) -> Path:
    """The folder of a report, or at once why none can be written there."""
    folder = writable(out)
    writable(folder / "figures")
    for name in ("index.html", "summary.json"):
        if target(folder / name, room=ROOM).is_dir():
            raise InputError("a file, or a name that is free", file=str(folder / name))
    return folder


def write(results: Results, out: str | Path, hands: Crew | None = None) -> dict[str, Any]:
    """Write what was collected: ``index.html``, ``figures/*.svg`` and ``summary.json``.

    Parameters
    ----------
    results : Results
        What the report shows.
    out : str or pathlib.Path
        Folder, as for `report`.
    hands : Crew, optional
        Processes that draw.

    Returns
    -------
    dict
        The content of ``summary.json``.
    """
    folder = writable(out)
    count = len(hands.processes) if hands else 0
    jobs = [hands.submit(f"figures {i}", _drawn, results, i, count) for i in range(count) if hands]
    numbers = summary(results)
    parts = [job.result() for job in jobs] or [_drawn(results, 0, 1)]
    by_subject = {number: of for part in parts for number, of in part.items()}
    made = {slug: one for number in sorted(by_subject) for slug, one in by_subject[number].items()}
    pictures = folder / "figures"
    writable(pictures)
    svgs = {name: svg for name, (_, svg) in made.items()}
    texts = {pictures / f"{name}.svg": svg for name, svg in svgs.items()}
    texts[folder / "summary.json"] = dumps(numbers)
    drawn = {n: figure for n, (figure, _) in made.items()}
    texts[folder / "index.html"] = page(results, drawn, svgs)
    before = folder / "index.html"
    shown = before.read_text(encoding="utf-8", errors="replace") if before.is_file() else ""
    write_set({path: text.encode() for path, text in texts.items()})
    for stale in pictures.glob("*.svg"):
        # a picture that the last page did not show is somebody else's
        if stale.stem not in made and f'id="figure-{stale.stem}"' in shown:
            stale.unlink()
    return numbers


def _drawn(
    results: Results, first: int, step: int, tell: Tell = lambda step: None
) -> dict[int, dict[str, tuple[Figure, str]]]:
    """Figures of every so many subjects, by number of the subject, with their SVG.

    The drawings themselves stay where they were made.
    """
    out: dict[int, dict[str, tuple[Figure, str]]] = {}
    for number in range(first, len(SUBJECTS), step):
        out[number] = {}
        for name, figure in figures(results, SUBJECTS[number : number + 1]).items():
            text = io.StringIO()
            save_figure(figure, text)
            bare = replace(figure, figure=matplotlib.figure.Figure())
            out[number][name] = bare, text.getvalue()
    return out
