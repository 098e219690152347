"""A robustness study: theories fitted under many specifications, on workers, into a folder.

The folder holds ``study.json``, what was asked, and in ``fits/`` a file a specification and theory,
named ``<specification>-<theory>.json``. A file is written whole or not at all as soon as its fit is
done, and one that is there is not made again while all that it depends on is the same.
`compact` makes one small file of a folder, which `open_study` reads as it reads the folder. Each
file ends with a digest of what it holds: one that was damaged or changed by hand is refused.
"""

from __future__ import annotations

import ast
import asyncio
import functools
import hashlib
import itertools
import json
import logging
import math
import os
import pickle
import threading
import time
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pandas as pd

from bayes_alliance import sampling
from bayes_alliance.compare.hypotheses import hypotheses
from bayes_alliance.compare.loo import elpd, pointwise
from bayes_alliance.compare.specifications import Specification, specification
from bayes_alliance.data.load import Data
from bayes_alliance.diagnostics import diagnose
from bayes_alliance.errors import InputError
from bayes_alliance.files import writable, write_text
from bayes_alliance.fit import _log_densities, _models, fit, versions
from bayes_alliance.process.integrated import INFORMATION, evaluator
from bayes_alliance.process.priors import load_priors
from bayes_alliance.theories import get

if TYPE_CHECKING:
    from distributed import Client, Future

PACKAGE = "bayes_alliance"

PATIENCE = 10
"""Seconds in which a scheduler must answer."""

CODE = ("fit", "compare.loo", "compare.hypotheses")
"""Modules that decide the numbers of a fit, with all that they import of the package."""

ALONE = threading.Lock()
"""A process makes one fit at a time, whatever the number of its threads."""

KEPT = ("inputs", "problems", "diagnostics", "scores", "pareto_k", "good_k", "hypotheses")
"""What every result has."""
ASKED = ("data", "theories", "specifications")
SEAL = "digest"


@dataclass(frozen=True)
class Study:
    """What a folder holds.

    Parameters
    ----------
    specifications : list of Specification
        What was asked; the first is what the others are measured against.
    theories : list of str
        What is fitted under each.
    results : dict of (str, str) to dict
        Results by hash of the specification and theory. What is missing is not fitted yet.
    place : str
        Folder or file that it was read from, as it was named.
    """

    specifications: list[Specification]
    theories: list[str]
    results: dict[tuple[str, str], dict[str, Any]]
    place: str = ""


@dataclass(frozen=True)
class Task:
    """A fit to make, for one specification or for several that come to the same.

    Parameters
    ----------
    theory : str
        Theory to fit.
    tables : bytes
        The data, packed.
    priors : dict
        Changes to the priors.
    inputs : dict
        What the result depends on.
    size : tuple of int
        Rows of the tables: fits of one size can use one compiled model.
    specifications : list of Specification
        What it is for.
    """

    theory: str
    tables: bytes
    priors: dict[str, dict[str, float]]
    inputs: dict[str, Any]
    size: tuple[int, ...]
    specifications: list[Specification]

    @property
    def group(self) -> tuple:
        """What fits must share to use one compiled model."""
        return self.theory, self.size


def run(
    specifications: Sequence[Specification],
    theories: Sequence[str],
    store: str | Path,
    *,
    scheduler: str | None = None,
    workers: int | None = None,
    draws: int = 1000,
    tune: int = 500,
    chains: int = 4,
    seed: int = 1,
    tell: Callable[[int, int, str], None] | None = None,
) -> int:
    """Make the fits of a study that are not in its folder yet.

    A script that calls this does so under ``if __name__ == "__main__":``, as whatever starts
    processes must.

    Parameters
    ----------
    specifications : sequence of Specification
        Specifications of the same data; the first is what the others are measured against.
    theories : sequence of str
        Theories to fit under each.
    store : str or pathlib.Path
        Folder of the study.
    scheduler : str, optional
        Address of a running dask scheduler; by default a cluster of processes on this machine.
    workers : int, optional
        Processes of the cluster on this machine, by default one a core.
    draws, tune, chains, seed : int
        As for `bayes_alliance.fit`.
    tell : callable, optional
        Called with how many fits are done, how many this run makes, and words on the last.

    Returns
    -------
    int
        How many fits were to be made.

    Raises
    ------
    InputError
        If an argument cannot be used, the folder has another study or a file that is no result,
        or the scheduler is not there or computes with other versions.
    """
    settings = sampling.settings(draws, tune, chains, seed)
    _check(specifications, theories, scheduler, workers)
    folder = _claim(Path(store), specifications, theories, settings)
    tell = tell or (lambda done, total, words: None)
    tell(0, 0, f"read the tables of {len(specifications)} specifications")
    tasks = _left(folder, specifications, theories, settings)
    if not tasks:
        return 0
    with _client(scheduler, workers) as client:
        from distributed import as_completed

        count = len(client.nthreads())
        tell(0, len(tasks), f"fit and score, {count} at a time" if count else "wait for a worker")
        lost = 0
        tasks_of = {
            client.submit(one, t.theory, t.tables, t.priors, settings, t.inputs, pure=False): t
            for t in tasks
        }
        for done, future in enumerate(as_completed(tasks_of, loop=client.loop), 1):
            task, (result, words) = tasks_of[future], _result(future, scheduler)
            if result is not None:
                _store(folder, task, result)
            lost += result is None
            tell(done, len(tasks), f"{task.theory}, {task.specifications[0].label}: {words}")
    if lost:
        warnings.warn(
            f"{lost} of {len(tasks)} fits are missing: their workers were killed, probably for "
            "want of memory; run again to go on, with fewer workers or on a larger machine",
            stacklevel=2,
        )
    return len(tasks)


def open_study(store: str | Path) -> Study:
    """Read a study.

    Parameters
    ----------
    store : str or pathlib.Path
        Folder that `run` wrote, or file with what `compact` makes of it.

    Returns
    -------
    Study
        What was asked last, with the results that are there.

    Raises
    ------
    InputError
        If it is no study, holds something that is no result, or results of several versions.
    """
    place = Path(store)
    one_file = place.is_file()
    asked = _read(place if one_file else place / "study.json", ASKED + ("results",) * one_file)
    specifications = [specification(asked["data"], **s) for s in asked["specifications"]]
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for s, theory in itertools.product(specifications, asked["theories"]):
        path = _place(place, s, theory)
        if one_file and path.stem in asked["results"]:
            found[s.hash, theory] = _whole(asked["results"][path.stem], KEPT, place)
        elif path.exists():
            found[s.hash, theory] = _read(path, KEPT)
    made = {(t, r["inputs"]["code"], _text(r["inputs"]["versions"])) for (_, t), r in found.items()}
    if len(made) > len({theory for _, theory in found}):
        words = "results of one version of the package: run the study again"
        raise InputError(words, file=str(place))
    return Study(specifications, asked["theories"], found, str(store))


def complete(study: Study) -> Study:
    """Keep the specifications whose fits are all made.

    Parameters
    ----------
    study : Study
        A study, perhaps in part.

    Returns
    -------
    Study
        The same with fewer specifications.
    """
    made = [
        s
        for s in study.specifications
        if all((s.hash, theory) in study.results for theory in study.theories)
    ]
    return replace(study, specifications=made)


def compact(folder: str | Path) -> dict[str, Any]:
    """Make one value of a study's folder, for a file to publish.

    Parameters
    ----------
    folder : str or pathlib.Path
        Folder that `run` wrote.

    Returns
    -------
    dict
        What ``study.json`` has, and ``results`` by the names of their files, rounded; of Pareto k
        those alone that are too high, of scores those given the indicators.
    """
    place = Path(folder)
    study = open_study(place)
    asked = _read(place / "study.json", ASKED)
    return seal(asked | {"results": {f"{h}-{t}": _small(r) for (h, t), r in study.results.items()}})


def seal(content: dict[str, Any]) -> dict[str, Any]:
    """Add the digest that every file of a study ends with.

    Parameters
    ----------
    content : dict
        Plain content, with or without a digest.

    Returns
    -------
    dict
        The content, then its ``digest``.
    """
    bare = {key: value for key, value in content.items() if key != SEAL}
    text = json.dumps(bare, sort_keys=True, separators=(",", ":"))
    return bare | {SEAL: hashlib.sha256(text.encode()).hexdigest()}


def _small(result: dict[str, Any]) -> dict[str, Any]:
    """What the curves need of a result."""
    first, good = INFORMATION[0], result["good_k"]
    scores = result["scores"].get(first, {})
    high = {c: k for c, k in result["pareto_k"].items() if k is None or k > good}
    hypotheses = {
        name: {key: value for key, value in said.items() if not isinstance(value, str)}
        for name, said in result["hypotheses"].items()
    }
    return {
        **{name: result[name] for name in ("inputs", "problems", "good_k")},
        "diagnostics": _rounded(result["diagnostics"], 4),
        "scores": {first: _rounded(scores, 3)} if scores else {},
        "pareto_k": _rounded(high, 2),
        # all that 4000 draws tell of a probability: none is rounded over a threshold
        "hypotheses": _rounded(hypotheses, 5),
        "seconds": _rounded(result.get("seconds", {}), 1),
        "cores": result.get("cores", 1),
    }


def _rounded(value: Any, digits: int) -> Any:
    """Numbers of plain values, rounded."""
    if isinstance(value, dict):
        return {key: _rounded(v, digits) for key, v in value.items()}
    return round(value, digits) if isinstance(value, float) else value


def one(
    theory: str,
    tables: bytes,
    priors: dict[str, dict[str, float]],
    settings: dict[str, int],
    wanted: dict[str, Any],
) -> dict[str, Any]:
    """Fit, diagnose and score; what a worker does.

    Parameters
    ----------
    theory : str
        Theory to fit.
    tables : bytes
        The data, packed.
    priors : dict
        Changes to the priors.
    settings : dict
        Draws, tune, chains and seed.
    wanted : dict
        What the result must depend on.

    Returns
    -------
    dict
        The result, plain; ``differs`` alone where the worker has other versions.
    """
    data = pickle.loads(zlib.decompress(tables))
    here = inputs(theory, data, priors, settings)
    if here != wanted:
        return {"differs": [name for name in here if here[name] != wanted.get(name)]}
    empty: dict[str, Any] = {name: {} for name in KEPT}
    empty |= {"inputs": wanted, "problems": [], "good_k": None}
    with ALONE:
        try:
            return empty | _fitted(theory, data, priors, settings)
        except (MemoryError, InterruptedError):
            raise  # the machine's fault: another worker may do it
        except Exception as error:  # the specification's: it is shown as failed
            return empty | {"problems": [f"no fit: {type(error).__name__}: {error}"]}
        finally:
            _forget()


def _fitted(theory, data, priors, settings) -> dict[str, Any]:
    """What a fit adds to a result."""
    began = time.perf_counter()
    tree = fit(theory, data, priors=priors, **settings)
    if tree.attrs["interrupted"]:
        raise InterruptedError
    fitted = time.perf_counter()
    # by weights alone: refits of single cases would cost more than the study
    scores = {known: elpd(tree, known, exact=False) for known in INFORMATION}
    found = diagnose(tree)
    table = hypotheses(tree).drop(
        columns=["estimand", "article_finding", "problems"], errors="ignore"
    )
    by_case = {known: pointwise(score) for known, score in scores.items()}
    first = scores[INFORMATION[0]]
    finite = pd.DataFrame(by_case).map(math.isfinite).all(axis=1)
    seconds = {step: tree.attrs[f"seconds_{step}"] for step in ("compile", "sample")}
    seconds["summarise"] = fitted - began - sum(seconds.values())
    seconds["score"] = time.perf_counter() - fitted
    return {
        "problems": [*found.pop("problems"), *(f"no score of {c}" for c in finite.index[~finite])],
        "diagnostics": found,
        "scores": {known: of.to_dict() for known, of in by_case.items()},
        "pareto_k": dict(zip(finite.index, first.pareto_k.values, strict=True)),
        "good_k": first.good_k,
        "hypotheses": table.to_dict(orient="index"),
        "seconds": seconds,
        "cores": min(settings["chains"], os.cpu_count() or 1),
    }


def _forget() -> None:
    """Keep the last compiled model alone: each takes some 150 MB, and a study has hundreds."""
    _models.clear()
    evaluator.cache_clear()
    for key in list(_log_densities)[:-1]:
        del _log_densities[key]


def inputs(
    theory: str, data: Data, priors: dict[str, dict[str, float]], settings: dict[str, int]
) -> dict[str, Any]:
    """All that the numbers of a result depend on.

    Parameters
    ----------
    theory : str
        Theory.
    data : Data
        Tables.
    priors : dict
        Changes to the priors.
    settings : dict
        Draws, tune, chains and seed.

    Returns
    -------
    dict
        Hashes, settings and versions, plain.
    """
    return {
        "theory": theory,
        "data": data.hash,
        "priors": load_priors(theory, priors).hash,
        **settings,
        "versions": versions(),
        "code": _code(theory),
    }


@functools.cache
def _code(theory: str) -> str:
    """Digest of the code that decides the numbers; comments and layout do not count."""
    of_theory = Path(str(get(theory).__file__))
    digest = hashlib.sha256()
    for file in imported([module_file(name) for name in CODE] + [of_theory]):
        digest.update(ast.dump(ast.parse(file.read_text(encoding="utf-8"))).encode())
    return digest.hexdigest()


def module_file(name: str) -> Path:
    """File of a module of the package."""
    whole = Path(__file__).parent.parent.joinpath(*name.split("."))
    return whole / "__init__.py" if whole.is_dir() else whole.with_suffix(".py")


def imported(roots: Sequence[Path]) -> list[Path]:
    """Modules and all that they import of this package, at their head or later, sorted."""
    found: set[Path] = set()
    left = list(roots)
    while left:
        file = left.pop()
        if file in found or not file.is_file():
            continue
        found.add(file)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE):
                base = str(node.module)[len(PACKAGE) :].lstrip(".")
                named = [f"{base}.{a.name}".lstrip(".") for a in node.names]
                left += [module_file(name) for name in (base, *named) if name]
    return sorted(found)


def _check(specifications, theories, scheduler, workers) -> None:
    """Refuse what no study can be made of."""
    if not specifications or len({s.data for s in specifications}) > 1:
        raise InputError("specifications of the same data", column="specifications")
    if not theories or len(set(theories)) < len(theories):
        words = "theories, each once"
        raise InputError(words, column="theories", value=list(theories))
    for theory in theories:
        get(theory)
    if workers is not None:
        sampling.whole(workers, "workers", 1)
    if scheduler is not None and workers is not None:
        words = "no number of workers: those of the scheduler do the work"
        raise InputError(words, column="workers", value=workers)


def _claim(folder: Path, specifications, theories, settings) -> Path:
    """Note what is asked, in a folder that is empty or has the same study."""
    writable(folder / "fits")
    path = folder / "study.json"
    asked = {"data": list(specifications[0].data), **settings, "theories": list(theories)}
    asked["specifications"] = [dict(s.changed) for s in specifications]
    if path.exists():
        there = _read(path, tuple(asked))
        for name in ("data", *settings):
            if there[name] != asked[name]:
                words = f"{asked[name]!r}, as asked; a study with another {name} needs a folder"
                raise InputError(
                    f"{words} of its own", file=str(path), column=name, value=there[name]
                )
    write_text(path, _text(seal(asked)))
    return folder


def _left(folder: Path, specifications, theories, settings) -> list[Task]:
    """What is not in the folder; fits that can use one compiled model stand together."""
    tasks: dict[str, Task] = {}
    made: dict[str, dict[str, Any]] = {}
    for s in specifications:
        data = s.load()
        tables, size = zlib.compress(pickle.dumps(data)), (len(data.episodes), len(data.clients))
        for theory in theories:
            priors = s.priors(theory)
            wanted = inputs(theory, data, priors, settings)
            key, place = _text(wanted), _place(folder, s, theory)
            if place.exists() and (there := _read(place, KEPT))["inputs"] == wanted:
                made[key] = there
                continue
            task = Task(theory, tables, priors, wanted, size, [])
            tasks.setdefault(key, task).specifications.append(s)
    for key in made.keys() & tasks.keys():  # the same fit, made for another specification
        _store(folder, tasks.pop(key), made[key])
    groups = list(dict.fromkeys(t.group for t in tasks.values()))
    return sorted(tasks.values(), key=lambda t: groups.index(t.group))


def _store(folder: Path, task: Task, result: dict[str, Any]) -> None:
    """Write a result under the name of each specification that it is for."""
    for s in task.specifications:
        named = result | {"specification": dict(s.changed), "theory": task.theory}
        # what is not finite is null in the file, so also in its digest
        write_text(_place(folder, s, task.theory), _text(seal(json.loads(_text(named)))))


def _result(future: Future, scheduler: str | None) -> tuple[dict[str, Any] | None, str]:
    """A result, None where workers were lost over it, and words on it."""
    if future.status in ("cancelled", "lost"):
        words = "a scheduler that stays: run again to go on"
        raise InputError(words, column="scheduler", value=scheduler or "local")
    if future.status == "error":
        error = future.exception()
        killed = type(error).__name__ == "KilledWorker" or isinstance(error, MemoryError)
        why = "its worker was killed, probably for want of memory"
        return None, f"not fitted: {why if killed else type(error).__name__}"
    result = future.result()
    if "differs" in result:
        words = f"workers with the same {', '.join(result['differs'])} as here"
        raise InputError(words, column="scheduler", value=scheduler)
    seconds = sum(result.get("seconds", {}).values())
    return result, "; ".join(result["problems"]) or f"ok ({seconds:.0f} s)"


def _reach(scheduler: str) -> None:
    """Refuse what is no scheduler within seconds: a client of it would try on, and then hang."""
    from distributed import Security, rpc

    async def ask() -> None:
        known = Security().get_connection_args("client")
        async with rpc(scheduler, timeout=PATIENCE, connection_args=known) as asked:
            await asked.identity()

    words = "the address of a running dask scheduler, such as tcp://host:8786"
    try:
        if scheduler.partition("://")[0] not in ("tcp", "tls") or not urlsplit(scheduler).port:
            raise ValueError("no such address")
        asyncio.run(asyncio.wait_for(ask(), PATIENCE))
    except Exception as error:
        why = type(error).__name__
        raise InputError(f"{words} ({why})", column="scheduler", value=scheduler) from None


@contextmanager
def _client(scheduler: str | None, workers: int | None) -> Iterator[Client]:
    """A client of the scheduler, or of a cluster made for the while.

    It is nobody's default: whoever opens a file with dask afterwards must not look for it.
    """
    import dask
    from distributed import Client, LocalCluster, Security

    if scheduler is not None:
        _reach(scheduler)
        with Client(scheduler, timeout=PATIENCE, set_as_default=False) as client:
            yield client
        return
    cores = os.cpu_count() or 1
    count = workers or cores
    # a fit samples its chains on as many cores as it sees
    seen = {"distributed.nanny.pre-spawn-environ.PYTHON_CPU_COUNT": str(max(1, cores // count))}
    with (
        dask.config.set(seen),
        LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            memory_limit=None,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",  # else its pages listen to everybody
            worker_dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
            security=Security.temporary(),  # others on this machine have no key
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


def _place(folder: Path, s: Specification, theory: str) -> Path:
    """File of a result."""
    return folder / "fits" / f"{s.hash}-{theory}.json"


def _read(path: Path, keys: Sequence[str]) -> dict[str, Any]:
    """A file of the study, or one message why not."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"a study's file ({error.strerror})", file=str(path)) from None
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict) and seal(found)[SEAL] != found.pop(SEAL, None):
        found = None
    return _whole(found, keys, path)


def _whole(found: Any, keys: Sequence[str], path: Path) -> dict[str, Any]:
    """Refuse what lacks a part."""
    if not isinstance(found, dict) or not set(keys) <= set(found):
        words = "a file as the study writes it; without the file it is made again"
        raise InputError(words, file=str(path))
    return found


def _text(value: Any) -> str:
    """JSON; what is not finite is null."""

    def plain(x: Any) -> Any:
        if isinstance(x, dict):
            return {str(k): plain(v) for k, v in x.items()}
        if isinstance(x, (list, tuple)):
            return [plain(v) for v in x]
        x = x.item() if hasattr(x, "item") else x
        return None if isinstance(x, float) and not math.isfinite(x) else x

    return json.dumps(plain(value), indent=1, ensure_ascii=False) + "\n"
