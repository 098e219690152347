"""The whole job on the bundled data: fits, comparison, checks, forecasts, report.

Little is imported here: the processes that do the work read the libraries while this one waits.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayes_alliance.apart import crew
from bayes_alliance.errors import InputError
from bayes_alliance.sampling import settings

if TYPE_CHECKING:
    import xarray as xr

    from bayes_alliance.data.load import Data
    from bayes_alliance.report.results import Part, Whole

Tell = Callable[[str], None]

LONGEST = ("prospect", "occupation", "null")
"""Theories by how long their part of a report takes."""
POOLED = ("europe", "asia")
READ_FIRST = "bayes_alliance.report.report"
"""What each process imports as it begins."""


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
        Folder of the report; the fits are saved in ``fits/`` below it as they are made. A run
        after an interruption uses again what is whole there and of the same data, priors,
        settings, code and versions.
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

    Raises
    ------
    InputError
        If an argument is out of range, or the folder or the study cannot be used.
    """
    asked = settings(draws, tune, chains, seed)
    with crew(progress or (lambda step: None), read_first=(READ_FIRST,)) as hands:
        from bayes_alliance.compare.study import open_study
        from bayes_alliance.files import writable
        from bayes_alliance.report.report import write
        from bayes_alliance.report.results import NO_FRAMES, NO_STATEMENTS, together
        from bayes_alliance.theories import MAIN

        if study is not None:
            open_study(study)  # a wrong one is refused before the work
        fits = writable(Path(out) / "fits")
        unread = {
            f"prospect, {NO_FRAMES}": {"frames": False},
            f"prospect, {NO_STATEMENTS}": {"frames": False, "statements": False},
        }
        alone = {f"{name}, {where} alone": (name, where) for where in POOLED for name in MAIN}
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
        hands.tell("figures")
        return write(results, out, hands)


def _file(folder: Path, label: str) -> Path:
    """File of a fit."""
    return folder / f"{label.replace(',', '').replace(' ', '-')}.nc"


def _fitted(
    label: str, data: Data, file: Path, asked: Mapping[str, Any], tell: Tell
) -> xr.DataTree:
    """A fit, saved."""
    from bayes_alliance.fit import fit, versions
    from bayes_alliance.process.priors import load_priors
    from bayes_alliance.report.results import labelled
    from bayes_alliance.storage import code, open_fit, save

    theory = label.partition(",")[0]
    wanted = {**asked, **{f"version_{name}": of for name, of in versions().items()}}
    wanted |= {"made_of": json.dumps([load_priors(theory).hash, *code(theory)]), "interrupted": 0}
    with suppress(InputError):  # not there yet, damaged, or of other tables: made anew
        there = open_fit(file, data)
        if there.attrs["theory"] == theory and all(
            there.attrs.get(name) == value for name, value in wanted.items()
        ):
            labelled(tell, label, "fitted before")
            return there
    tree = fit(theory, data, **asked, progress=partial(labelled, tell, label))
    tree.attrs["made_of"] = wanted["made_of"]
    save(tree, file)
    return tree


def _theory(
    name: str, file: Path, asked: Mapping[str, Any], tell: Tell
) -> tuple[xr.DataTree, Whole]:
    """A theory fitted to all cases, and what is shown of it."""
    from bayes_alliance.data.load import load
    from bayes_alliance.forecast.kept import file_of, kept
    from bayes_alliance.report.results import DECISIONS, labelled, whole

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
    from bayes_alliance.data.load import load
    from bayes_alliance.report.results import is_unread, labelled, part

    tree = _fitted(label, load(*names, **read), file, asked, tell)
    return part(tree, is_unread(label), partial(labelled, tell, label))


def _measure(tell: Tell) -> dict[str, dict[str, xr.Dataset]]:
    """Predictions of the yardsticks."""
    from bayes_alliance.data.load import load
    from bayes_alliance.report.results import measure

    tell("yardsticks")
    return measure(load(*POOLED))
