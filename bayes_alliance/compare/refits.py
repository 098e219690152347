"""Exact refits without some cases, each made once in a process, or once for all in a folder."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import arviz as az
import numpy as np
import xarray as xr
from cachetools import LRUCache, cached
from scipy.special import logsumexp

from bayes_alliance.errors import InputError
from bayes_alliance.files import writable
from bayes_alliance.fit import model_of, sample_model, versions, with_containers
from bayes_alliance.process.containers import arrays, hold_out
from bayes_alliance.process.integrated import INFORMATION, evaluator
from bayes_alliance.storage import code, data_of, read, save

PREDICTED, KEPT = 400, 1000
"""Draws of which predicted designs are kept, and draws that are kept themselves."""
WARM_UP = 300
"""Iterations that a refit discards at most: as many effective draws are left as after 1000."""
DESIGN = ("design_probability",)
MADE_OF = ("theory", "data_hash", "priors_hash", "seed", "draws", "tune", "chains")
"""What tells one fit from another."""

_refits: LRUCache[tuple, tuple[xr.Dataset, xr.Dataset]] = LRUCache(256)
_LOCK = threading.Lock()
_folder: ContextVar[Path | None] = ContextVar("folder of refits", default=None)


@contextmanager
def kept(folder: str | Path) -> Iterator[None]:
    """Keep refits in a folder, so that interrupted work goes on where it stopped.

    Parameters
    ----------
    folder : str or pathlib.Path
        Folder; made if it is not there. A refit is found again by the theory, the values of data
        and priors, the settings of the sampler, the versions and the cases left out.

    Yields
    ------
    None
        Within the statement, in its thread.
    """
    token = _folder.set(writable(folder))
    try:
        yield
    finally:
        _folder.reset(token)


def refit_without(
    tree: xr.DataTree,
    cases: tuple[int, ...],
    label: str = "",
    progress: Callable[[str], None] | None = None,
) -> xr.Dataset:
    """Fit again with the outcomes of some cases unrecorded, and score those cases.

    Parameters
    ----------
    tree : xarray.DataTree
        The fit with all cases.
    cases : tuple of int
        Positions of the cases to leave out.
    label : str
        What is left out, in words.
    progress : callable, optional
        Called if a refit begins; one made before in this process is not made again.

    Returns
    -------
    xarray.Dataset
        The densities of `Evaluator.run`, dims ``chain, draw, case`` (left-out cases), and
        ``design_probability_indicators`` and ``design_probability_commitments``, dims ``sample,
        episode, cell`` (episodes of the left-out cases).
    """
    return _refit(tree, cases, label, progress)[0]


def draws_without(
    tree: xr.DataTree,
    cases: tuple[int, ...],
    label: str = "",
    progress: Callable[[str], None] | None = None,
) -> tuple[xr.Dataset, xr.DataArray]:
    """Draws of the fit without some cases, some 1000 of them.

    Parameters
    ----------
    tree, cases, label, progress
        As in `refit_without`.

    Returns
    -------
    tuple of xarray.Dataset and xarray.DataArray
        Free variables, dims ``chain, draw, ...``, and the log density of the promises of the
        left-out cases at the same draws, dims ``chain, draw, case``.
    """
    scores, posterior = _refit(tree, cases, label, progress)
    return posterior, scores["promise"].isel(draw=_thinned(scores, KEPT))


def _thinned(draws: xr.Dataset, count: int) -> slice:
    """Every so many draws of a chain, so that some ``count`` are left."""
    return slice(None, None, -(-draws.sizes["chain"] * draws.sizes["draw"] // count))


def _refit(tree, cases, label, progress) -> tuple[xr.Dataset, xr.Dataset]:
    """What `refit_without` gives, and some draws of the free variables."""
    key = (*_made_of(tree), cases)
    file = _file(key)
    with _LOCK:
        found = _refits.get(key)
    if found is None and file is not None and file.exists():
        found = _read(file)
    if found is None:
        if progress:
            progress(f"exact refit without {label}")
        found = _fitted(tree, cases)
        if file is not None:
            _write(file, *found)
    found = frozen(found[0]), frozen(found[1])  # others are given the same arrays
    with _LOCK:
        _refits[key] = found
    return found[0].copy(), found[1].copy()


def _fitted(tree: xr.DataTree, cases: tuple[int, ...]) -> tuple[xr.Dataset, xr.Dataset]:
    """Fit without some cases, and score them."""
    attrs = tree.attrs
    model, log_density = model_of(tree)
    whole = arrays(data_of(tree))
    changed = whole | hold_out(whole, list(cases))
    values = {name: value for name, (_, value) in changed.items()}
    log_density = with_containers(log_density, values)
    sampled = sample_model(
        model,
        log_density,
        attrs["draws"],
        min(attrs["tune"], WARM_UP),
        attrs["chains"],
        attrs["seed"],
        "nutpie",
    )
    posterior = sampled["posterior"].to_dataset()
    scored = evaluator(model)
    nodes = scored.nodes(posterior, seed=attrs["seed"])
    alone, own = scored.only(nodes, cases)
    scores = alone.run(posterior, own)
    some = posterior.isel(draw=_thinned(posterior, PREDICTED))
    designs = _designs(evaluator(model, DESIGN, densities=False).of(alone.data), some, own)
    names = np.array(model.coords["case"])
    # they were scored in the order of the data
    scores = scores.assign_coords(case=names[sorted(cases)]).sel(case=names[list(cases)])
    rows = np.isin(scored.case_of_episode, cases)
    designs = designs.assign_coords(episode=np.array(model.coords["episode"])[rows])
    # a mixture of draws needs no chains
    designs = designs.stack(sample=("chain", "draw")).transpose("sample", ...)
    found = scores.merge(designs.drop_vars(["sample", "chain", "draw"]))
    return found, posterior.isel(draw=_thinned(posterior, KEPT)).copy(deep=True)


def frozen(dataset: xr.Dataset) -> xr.Dataset:
    """Make the arrays of a dataset that is kept read-only.

    Parameters
    ----------
    dataset : xarray.Dataset
        In memory.

    Returns
    -------
    xarray.Dataset
        A copy that shares the arrays.
    """
    for variable in dataset.data_vars.values():
        variable.to_numpy().flags.writeable = False
    return dataset.copy()


def _file(key: tuple) -> Path | None:
    """Place of a refit in the folder, if there is one."""
    folder = _folder.get()
    if folder is None:
        return None
    # settings of a fit that was saved come back as numpy's numbers
    of = [*key, versions(), code(key[MADE_OF.index("theory")])]
    text = json.dumps(of, sort_keys=True, default=int)
    return folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.nc"


def _write(file: Path, scores: xr.Dataset, draws: xr.Dataset) -> None:
    """Write a refit whole or not at all."""
    parts = {"scores": scores.drop_attrs(), "draws": draws.drop_attrs()}
    save(xr.DataTree.from_dict(parts), file)


def _read(file: Path) -> tuple[xr.Dataset, xr.Dataset] | None:
    """Read a refit; none if it is not as it was written."""
    try:
        tree = read(file)
    except InputError:
        return None
    return tree["scores"].to_dataset(), tree["draws"].to_dataset()


def _made_of(tree: xr.DataTree) -> tuple:
    """Values of `MADE_OF`, and a digest of the draws: theories of the same name may differ."""
    digest = hashlib.sha256()
    for name, values in sorted(tree["posterior"].data_vars.items()):
        digest.update(str(name).encode() + np.ascontiguousarray(values.to_numpy()).tobytes())
    return *(tree.attrs[name] for name in MADE_OF), digest.hexdigest()


@cached(LRUCache(8), key=_made_of, lock=threading.Lock())
def designs_seen(tree: xr.DataTree) -> xr.Dataset:
    """Designs that a fit predicts of the cases that it has seen.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.

    Returns
    -------
    xarray.Dataset
        ``design_probability_indicators`` and ``design_probability_commitments``, dims ``chain,
        draw, episode, cell``.
    """
    posterior = tree["posterior"].to_dataset()
    seen = evaluator(model_of(tree)[0], DESIGN, densities=False)
    return frozen(_designs(seen, posterior, seen.nodes(posterior, seed=tree.attrs["seed"])))


def _designs(seen, posterior: xr.Dataset, nodes) -> xr.Dataset:
    """Predicted designs of the cases that an evaluator has."""
    found = seen.run(posterior, nodes)
    return found[[f"design_probability_{known}" for known in INFORMATION]]


class Refit(az.SamplingWrapper):
    """Tells `arviz.reloo` how to leave a case out.

    Parameters
    ----------
    tree : xarray.DataTree
        The fit with all cases.
    information : {"indicators", "commitments"}
        What a prediction may know.
    progress : callable, optional
        Called with the name of each case that is left out.
    """

    def __init__(self, tree, information, progress=None) -> None:
        super().__init__(model=None, idata_orig=tree)
        self.information, self.progress = information, progress

    def sel_observations(self, idx):
        """Position of the case, twice: what is left out is what is scored."""
        return int(idx), int(idx)

    def sample(self, modified_observed_data):
        """Scores of the case under the fit without it."""
        case = self.idata_orig["log_likelihood"]["case"].values[modified_observed_data]
        return refit_without(self.idata_orig, (modified_observed_data,), str(case), self.progress)

    def get_inference_data(self, fitted_model):
        """Pass the scores on."""
        return fitted_model

    def log_likelihood__i(self, excluded_obs, idata__i):
        """Log density of the case."""
        case = idata__i.isel(case=0, drop=True)
        if self.information == "indicators":
            return case["indicators"]
        return case["joint"] - log_mean(idata__i["promise"])[0]


def log_mean(log_density: xr.DataArray) -> np.ndarray:
    """Log of the mean density over draws.

    Parameters
    ----------
    log_density : xarray.DataArray, dims chain, draw, case
        Log densities.

    Returns
    -------
    numpy.ndarray, shape (case,)
        Logs of means.
    """
    values = log_density.transpose("chain", "draw", "case").to_numpy()
    return logsumexp(values, axis=(0, 1)) - np.log(values.shape[0] * values.shape[1])
