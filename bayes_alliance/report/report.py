"""Write a report: figures, one page, the numbers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import xarray as xr

from bayes_alliance.compare.study import open_study
from bayes_alliance.data.load import load
from bayes_alliance.fit import fit, open_fit, save
from bayes_alliance.forecast.kept import file_of, kept
from bayes_alliance.report.figures import figures
from bayes_alliance.report.figures import save as save_figure
from bayes_alliance.report.page import page
from bayes_alliance.report.results import (
    DECISIONS,
    NO_FRAMES,
    NO_STATEMENTS,
    Results,
    collect,
    labelled,
    score,
)
from bayes_alliance.report.summary import dumps, summary
from bayes_alliance.theories import MAIN
from bayes_alliance.writable import writable

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


def write(results: Results, out: str | Path) -> dict[str, Any]:
    """Write what was collected: ``index.html``, ``figures/*.svg`` and ``summary.json``.

    Parameters
    ----------
    results : Results
        What the report shows.
    out : str or pathlib.Path
        Folder, as for `report`.

    Returns
    -------
    dict
        The content of ``summary.json``.
    """
    folder = writable(out)
    made = figures(results)
    pictures = folder / "figures"
    writable(pictures)
    for stale in pictures.glob("*.svg"):
        if stale.stem not in made:
            stale.unlink()
    svgs = {}
    for name, figure in made.items():
        part = pictures / f".{name}.part.svg"
        save_figure(figure, part)
        svgs[name] = part.read_text(encoding="utf-8")
        os.replace(part, pictures / f"{name}.svg")
    numbers = summary(results)
    for name, text in (
        ("summary.json", dumps(numbers)),
        ("index.html", page(results, made, svgs)),
    ):
        part = folder / f".{name}.part"
        part.write_text(text, encoding="utf-8")
        os.replace(part, folder / name)
    return numbers


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
    fits = writable(Path(out) / "fits")
    tell = progress or (lambda step: None)
    asked: dict[str, Any] = {"draws": draws, "tune": tune, "chains": chains, "seed": seed}
    alone = {f"{name}, {where} alone": (name, where) for where in POOLED for name in MAIN}
    with _apart(alone, fits, asked) as finish:
        pooled = load(*POOLED)
        wanted = {name: (name, pooled) for name in MAIN}
        unread = {
            f"prospect, {NO_FRAMES}": load(*POOLED, frames=False),
            f"prospect, {NO_STATEMENTS}": load(*POOLED, frames=False, statements=False),
        }
        wanted |= {label: ("prospect", data) for label, data in unread.items()}
        trees = {}
        for label, (theory, data) in wanted.items():
            step = partial(labelled, tell, label)
            trees[label] = fit(theory, data, **asked, progress=step)
            save(trees[label], _file(fits, label))
            if trees[label].attrs["interrupted"]:
                raise KeyboardInterrupt
        score(trees, tell)  # so that the report finds the refits made
        tell("the fits of each theatre alone")
        finish()
    extra = {label: trees.pop(label) for label in unread}
    extra |= {
        label: open_fit(_file(fits, label), load(where)) for label, (_, where) in alone.items()
    }
    forms = {
        label: kept(
            tree, file_of(_file(fits, label)), partial(labelled, tell, f"{label}, {DECISIONS}")
        )
        for label, tree in trees.items()
    }
    return report(trees, out, extra=extra, study=study, forms=forms, progress=progress)


def _file(folder: Path, label: str) -> Path:
    """File of a fit."""
    return folder / f"{label.replace(',', '').replace(' ', '-')}.nc"


@contextmanager
def _apart(
    jobs: Mapping[str, tuple[str, str]], folder: Path, asked: Mapping[str, int]
) -> Iterator[Callable[[], None]]:
    """Fit the theatres alone in processes of their own, while this one goes on.

    Parameters
    ----------
    jobs : mapping of str to (theory, theatre)
        What to fit, by label.
    folder : pathlib.Path
        Where the fits are saved.
    asked : mapping of str to int
        Draws, chains and seed.

    Yields
    ------
    callable
        Waits for all of them; leaving early ends them.
    """
    options = [text for k, v in asked.items() for text in (f"--{k}", str(v))]
    running: set[subprocess.Popen[str]] = set()

    def run(label: str, theory: str, theatre: str) -> None:
        command = [sys.executable, "-m", "bayes_alliance.cli", "fit", theory, "--data", theatre]
        command += ["--out", str(_file(folder, label)), *options]
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        running.add(process)
        _, said = process.communicate()
        running.discard(process)
        if process.returncode:
            raise RuntimeError(
                f"the fit of {label} ended with {process.returncode}: {said[-2000:]}"
            )

    pool = ThreadPoolExecutor(max(1, (os.cpu_count() or 2) // 2))
    futures = [pool.submit(run, label, *job) for label, job in jobs.items()]

    def finish() -> None:
        for future in futures:
            future.result()

    try:
        yield finish
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in tuple(running):
            process.terminate()
