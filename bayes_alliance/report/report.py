"""Write a report: figures, one page, the numbers."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.figure
import xarray as xr

from bayes_alliance.apart import Crew, crew
from bayes_alliance.compare.study import open_study
from bayes_alliance.data.load import Data, load
from bayes_alliance.fit import check_counts, fit, save
from bayes_alliance.forecast.kept import file_of, kept
from bayes_alliance.report.figures import SUBJECTS, Figure, figures
from bayes_alliance.report.figures import save as save_figure
from bayes_alliance.report.page import page
from bayes_alliance.report.results import (
    DECISIONS,
    NO_FRAMES,
    NO_STATEMENTS,
    Part,
    Results,
    Whole,
    collect,
    is_unread,
    labelled,
    measure,
    part,
    together,
    whole,
)
from bayes_alliance.report.summary import dumps, summary
from bayes_alliance.theories import MAIN
from bayes_alliance.writable import writable

Tell = Callable[[str], None]

LONGEST = ("prospect", "occupation", "null")
"""Theories by how long their part of a report takes."""
POOLED = ("europe", "asia")


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
    folder = writable(out)
    results = collect(trees, extra, scenarios, progress, study, forms)
    if progress:
        progress("figures")
    return write(results, folder)


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
    if hands is None:
        parts = [_drawn(results, 0, 1)]
    else:
        count = len(hands.processes)
        jobs = [hands.submit(f"figures {i}", _drawn, results, i, count) for i in range(count)]
        parts = [job.result() for job in jobs]
    by_subject = {number: of for part in parts for number, of in part.items()}
    made = {slug: one for number in sorted(by_subject) for slug, one in by_subject[number].items()}
    pictures = folder / "figures"
    writable(pictures)
    for stale in pictures.glob("*.svg"):
        if stale.stem not in made:
            stale.unlink()
    svgs = {name: svg for name, (_, svg) in made.items()}
    numbers = summary(results)
    for path, text in (
        *((pictures / f"{name}.svg", svg) for name, svg in svgs.items()),
        (folder / "summary.json", dumps(numbers)),
        (
            folder / "index.html",
            page(results, {n: figure for n, (figure, _) in made.items()}, svgs),
        ),
    ):
        part = path.with_name(f".{path.name}.part")
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)
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


def reproduce(
    out: str | Path,
    *,
    draws: int = 1000,
    tune: int = 500,
    chains: int = 4,
    seed: int = 1,
    study: str | Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Do everything on the bundled data: fit, compare, check, forecast, report.

    Every theory is fitted to Europe and Asia together, which is what is reported, and to each
    theatre alone; the prospect theory also without what was coded knowing the outcome.

    Parameters
    ----------
    out : str or pathlib.Path
        Folder of the report; the fits are saved in ``fits/`` below it as they are made, so that
        an interruption loses only the fit in hand.
    draws, tune, chains, seed
        As in `bayes_alliance.fit`.
    study : str or pathlib.Path, optional
        As in `report`.
    progress : callable, optional
        Called with the name of each step.

    Returns
    -------
    dict
        The content of ``summary.json``.
    """
    if study is not None:
        open_study(study)  # a wrong one is refused before the work
    check_counts(draws, tune, chains)
    fits = writable(Path(out) / "fits")
    tell = progress or (lambda step: None)
    asked: dict[str, Any] = {"draws": draws, "tune": tune, "chains": chains, "seed": seed}
    unread = {
        f"prospect, {NO_FRAMES}": {"frames": False},
        f"prospect, {NO_STATEMENTS}": {"frames": False, "statements": False},
    }
    alone = {f"{name}, {where} alone": (name, where) for where in POOLED for name in MAIN}
    with crew(tell) as hands:
        measured = hands.submit("", _measure)
        wholes = {
            name: hands.submit(name, _theory, name, _file(fits, name), asked) for name in LONGEST
        }
        beside = {
            label: hands.submit("prospect", _beside, label, POOLED, read, _file(fits, label), asked)
            for label, read in unread.items()
        }
        beside |= {
            label: hands.submit(name, _beside, label, (where,), {}, _file(fits, label), asked)
            for label, (name, where) in alone.items()
        }
        made = {name: wholes[name].result() for name in MAIN}
        trees, parts = ({name: of[i] for name, of in made.items()} for i in range(2))
        others = {label: future.result() for label, future in beside.items()}
        results = together(trees, parts, others, measured.result(), study=study)
        tell("figures")
        return write(results, out, hands)


def _file(folder: Path, label: str) -> Path:
    """File of a fit."""
    return folder / f"{label.replace(',', '').replace(' ', '-')}.nc"


def _fitted(
    label: str, data: Data, file: Path, asked: Mapping[str, Any], tell: Tell
) -> xr.DataTree:
    """A fit, saved."""
    theory = label.partition(",")[0]
    tree = fit(theory, data, **asked, progress=partial(labelled, tell, label))
    save(tree, file)
    return tree


def _theory(
    name: str, file: Path, asked: Mapping[str, Any], tell: Tell
) -> tuple[xr.DataTree, Whole]:
    """A theory fitted to all cases, and what is shown of it."""
    tree = _fitted(name, load(*POOLED), file, asked, tell)
    form = partial(kept, tree, file_of(file), partial(labelled, tell, f"{name}, {DECISIONS}"))
    return tree, whole(tree, None, form, partial(labelled, tell, name))


def _beside(
    label: str,
    names: tuple[str, ...],
    read: Mapping[str, Any],
    file: Path,
    asked: Mapping[str, Any],
    tell: Tell,
) -> Part:
    """A fit beside the theories, and what is shown of it."""
    tree = _fitted(label, load(*names, **read), file, asked, tell)
    return part(tree, is_unread(label), partial(labelled, tell, label))


def _measure(tell: Tell) -> dict[str, dict[str, xr.Dataset]]:
    """Predictions of the yardsticks."""
    tell("yardsticks")
    return measure(load(*POOLED))
