"""One measurement of the speed benchmark, in a process of its own: prints JSON on its last line.

``python speed_one.py fit occupation pymc 1000 1000 4 1 draws.npz`` is a fit by one tool; the other
measurements are functions of the same names below.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

BEGAN = time.perf_counter()
DATA = "asymmetric"
TOOLS = ("ours", "numpyro", "nutpie", "stan", "pymc")
"""What fits, the fast ones first."""
SIZES = (100, 1_000, 10_000, 100_000)
"""Clients for which the growth of a gradient is measured."""
REFITS = 200
SMALL = {"draws": 250, "tune": 250, "chains": 2}
"""Numbers of draws and chains of each of the many refits: half of those of the calibration."""


class Clock(dict):
    """Seconds by part."""

    @contextmanager
    def time(self, part: str) -> Iterator[None]:
        """Add the seconds of a with statement to a part.

        Parameters
        ----------
        part : str
            Name of the part.
        """
        began = time.perf_counter()
        yield
        self[part] = self.get(part, 0.0) + time.perf_counter() - began


def fit(theory: str, tool: str, draws: int, tune: int, chains: int, seed: int) -> dict[str, Any]:
    """One fit from nothing to its summaries.

    Parameters
    ----------
    theory : str
        Theory.
    tool : {"ours", "pymc", "nutpie", "numpyro", "stan"}
        What fits it; all but ours with their own defaults.
    draws, tune, chains, seed : int
        The same for every tool.

    Returns
    -------
    dict
        ``seconds`` by part, ``ess`` (least bulk effective sample size over the free variables, on
        their own scale), ``at`` (where), ``divergences``, and ``gradients`` of the kept draws.
    """
    counts = {"draws": draws, "tune": tune, "chains": chains}
    made = _stan(theory, counts, seed) if tool == "stan" else _python(theory, tool, counts, seed)
    return made


def _least(posterior) -> dict[str, Any]:
    """Least bulk effective sample size, and where."""
    import arviz as az
    import numpy as np

    found = az.ess(posterior, method="bulk")
    least = {str(name): float(np.nanmin(values)) for name, values in found.data_vars.items()}
    at = min(least, key=lambda name: least[name])
    return {"ess": least[at], "at": at}


def _python(theory: str, tool: str, counts: dict[str, int], seed: int) -> dict[str, Any]:
    """Fit with what runs in this process."""
    clock = Clock()
    import bayes_alliance as ba

    ba.fit, ba.build  # noqa: B018  public names are imported when they are asked for
    import arviz as az
    import nutpie
    import pymc as pm

    warnings.simplefilter("ignore")
    clock["import"] = time.perf_counter() - BEGAN
    with clock.time("build"):
        data = ba.load(DATA)
    if tool == "ours":
        steps: list[tuple[str, float]] = []
        tree = ba.fit(
            theory,
            data,
            **counts,
            seed=seed,
            progress=lambda step: steps.append((step, time.perf_counter())),
        )
        steps.append(("", time.perf_counter()))
        for (name, began), (_, ended) in itertools.pairwise(steps):
            clock[name] = clock.get(name, 0.0) + ended - began
        with clock.time("summaries"):
            ba.diagnose(tree)
            ba.hypotheses(tree)
    else:
        with clock.time("build"):
            model = ba.build(theory, data)
        if tool == "nutpie":
            with clock.time("compile"):
                compiled = nutpie.compile_pymc_model(model)
            with clock.time("sample"):
                tree = nutpie.sample(compiled, **counts, seed=seed, progress_bar=False)
        else:
            with model, clock.time("sample"):
                tree = pm.sample(**counts, random_seed=seed, nuts_sampler=tool, progressbar=False)
            own = float(tree["posterior"].attrs.get("sampling_time", clock["sample"]))
            clock["compile"], clock["sample"] = clock["sample"] - own, own
        if tool == "pymc":  # what the others would do, too
            with model:
                with clock.time("log likelihood"):
                    pm.compute_log_likelihood(tree, progressbar=False)
                with clock.time("predictive"):
                    pm.sample_posterior_predictive(tree, random_seed=seed, progressbar=False)
            with clock.time("summaries"):
                az.summary(tree, var_names=[rv.name for rv in model.free_RVs])
    known = _free(theory, data)
    free = [str(v) for v in tree["posterior"].data_vars if str(v) in known]
    steps_of = tree["sample_stats"]
    return {
        "seconds": dict(clock),
        **_least(tree["posterior"].to_dataset()[free]),
        "divergences": int(steps_of["diverging"].sum()),
        "gradients": int(steps_of["n_steps"].sum()) if "n_steps" in steps_of else None,
    }


def _free(theory: str, data) -> set[str]:
    """Names of the free variables of a theory's model."""
    from bayes_alliance.theories import build

    return {rv.name for rv in build(theory, data).free_RVs}


def _stan(theory: str, counts: dict[str, int], seed: int) -> dict[str, Any]:
    """Fit with Stan, in its own environment; what is done here before and after is not counted."""
    import tempfile
    from pathlib import Path

    import numpy as np
    import xarray as xr
    from stan_model import ask, program, stan_data

    import bayes_alliance as ba

    job = {"program": program(theory), "data": stan_data(theory, ba.load(DATA)), **counts}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "draws.npz")
        began = time.perf_counter()
        made = ask({"do": "sample", "seed": seed, "out": str(out), **job})
        wall = time.perf_counter() - began
        with np.load(out) as draws:
            posterior = xr.Dataset(
                {
                    name: (("chain", "draw", *(f"{name}_{k}" for k in range(v.ndim - 2))), v)
                    for name, v in draws.items()
                }
            )
    made["seconds"]["import"] = wall - sum(made["seconds"].values())
    return made | _least(posterior) | {"wall": wall}


def gradient(theory: str, repeats: int) -> dict[str, Any]:
    """Time of a gradient: of our compiled log density, of PyMC's, of JAX's and by hand.

    Parameters
    ----------
    theory : str
        Theory.
    repeats : int
        Number of timings of each.

    Returns
    -------
    dict
        Microseconds by tool, one a repeat; by hand (``floor``) where it is written.
    """
    import jax
    import numpy as np
    from pymc.sampling.jax import get_jaxified_logp

    import bayes_alliance as ba
    from bayes_alliance.fit import compiled
    from bayes_alliance.process.priors import load_priors

    warnings.simplefilter("ignore")
    data = ba.load(DATA)
    model, ours = compiled(theory, data, load_priors(theory))
    start = model.initial_point()
    flat = np.concatenate([np.ravel(start[v.name]) for v in model.value_vars])
    out = {"ours": _times(_direct(ours), repeats)}
    plain = model.logp_dlogp_function(ravel_inputs=True)
    plain.set_extra_values({})
    out["pymc"] = _times(lambda: plain(flat), repeats)
    jax.config.update("jax_enable_x64", True)
    density = get_jaxified_logp(model)
    both = jax.jit(jax.value_and_grad(density))
    point = [jax.numpy.asarray(start[v.name]) for v in model.value_vars]
    out["numpyro"] = _times(lambda: jax.block_until_ready(both(point)), repeats)
    import floor

    if theory == floor.THEORY:
        by_hand = floor.log_density(model, data)
        out["floor"] = _times(lambda: by_hand(flat), repeats)
    return {"microseconds": out}


def _direct(compiled) -> Callable[[], None]:
    """Call of the log density and gradient that nutpie compiled, as its sampler calls it."""
    import numpy as np

    x = np.ascontiguousarray(compiled.initial_point_func(1), dtype=float)
    out, value = np.zeros_like(x), np.zeros(1)
    pointers = [v.ctypes.data_as(ctypes.POINTER(ctypes.c_double)) for v in (x, out, value)]
    call, user = compiled.compiled_logp_func.ctypes, compiled.user_data.ctypes.data
    return lambda: call(x.size, *pointers, user)


def _times(call: Callable, repeats: int, least: float = 0.2) -> list[float]:
    """Microseconds a call, one figure a repeat; each repeat lasts about ``least`` seconds."""
    call()
    began = time.perf_counter()
    call()
    once = max(time.perf_counter() - began, 1e-7)
    count = max(3, int(least / once))
    out = []
    for _ in range(repeats):
        began = time.perf_counter()
        for _ in range(count):
            call()
        out.append((time.perf_counter() - began) / count * 1e6)
    return out


def repeated(data, clients: int):
    """Cases of a dataset again and again under new names, until there are so many clients.

    Parameters
    ----------
    data : Data
        Tables.
    clients : int
        Number of clients to reach, about.

    Returns
    -------
    Data
        Tables of as many cases as are needed.
    """
    import math
    from dataclasses import replace

    import pandas as pd

    episodes = data.episodes[data.episodes["episode"] == data.episodes["case"]]
    episodes = episodes[episodes["accession_to"].isna()]
    own = data.clients[data.clients["episode"].isin(set(episodes["episode"]))]
    running = own.groupby("episode", sort=False).size().reindex(episodes["episode"]).cumsum()
    if clients < len(own):
        episodes = episodes[(running <= clients).to_numpy()]
        own = own[own["episode"].isin(set(episodes["episode"]))]
    copies = max(1, math.ceil(clients / len(own)))

    def again(table: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
        parts = []
        for k in range(copies):
            part = table.copy()
            for column in columns:
                part[column] = part[column].astype(str) + (f" #{k}" if k else "")
            parts.append(part)
        return pd.concat(parts, ignore_index=True)

    return replace(
        data,
        episodes=again(episodes, ("episode", "case")),
        clients=again(own, ("episode",)),
        codings=data.codings.iloc[:0],
    )


def growth(theory: str, clients: int, repeats: int) -> dict[str, Any]:
    """Time and memory of a gradient on data of some size.

    Parameters
    ----------
    theory : str
        Theory.
    clients : int
        Number of clients, about.
    repeats : int
        Number of timings.

    Returns
    -------
    dict
        ``clients``, ``microseconds`` (one a repeat) and ``megabytes`` of what the data take and
        what the gradient adds, as the process grew.
    """
    import os
    import resource

    import bayes_alliance as ba
    from bayes_alliance.fit import compiled
    from bayes_alliance.process.containers import arrays
    from bayes_alliance.process.priors import load_priors

    warnings.simplefilter("ignore")
    # data that do not fit fail here, before the machine ends whatever it likes
    most = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    whole, priors = ba.load(DATA), load_priors(theory)
    data = repeated(whole, clients)
    arrays(data)  # if these do not fit, say so before minutes are spent on building the model
    _, log_density = compiled(theory, data, priors)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times = _times(_direct(log_density), repeats)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    held = sum(v.nbytes for v in log_density.shared_data.values())
    return {
        "clients": len(data.clients),
        "microseconds": times,
        "megabytes": held / 1e6 + max(after - before, 0) / 1e3,
    }


def many(theory: str, refits: int) -> dict[str, Any]:
    """Many refits, one process a core: the share of the cores' time that is sampling.

    Times of sampling are the processor's: chains of two refits share the cores.

    Parameters
    ----------
    theory : str
        Theory.
    refits : int
        How many.

    Returns
    -------
    dict
        ``seconds``, ``sampling`` (of all refits), ``cores``, ``compiles`` after the first of
        each process, ``beyond`` (seconds of each refit beyond its sampling) and ``use``.
    """
    import multiprocessing
    import os
    from concurrent.futures import ProcessPoolExecutor

    cores = os.cpu_count() or 1
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(cores, mp_context=spawn) as pool:
        ready = [pool.submit(refit, theory, 0) for _ in range(cores)]
        [future.result() for future in ready]
        began = time.perf_counter()
        done = list(pool.map(refit, [theory] * refits, range(1, refits + 1)))
        seconds = time.perf_counter() - began
    sampling = sum(row["sampling"] for row in done)
    return {
        "refits": refits,
        **SMALL,
        "seconds": seconds,
        "sampling": sampling,
        "cores": cores,
        "compiles": sum(row["compiles"] for row in done),
        "beyond": [row["beyond"] for row in done],
        "use": sampling / (seconds * cores),
    }


@functools.cache
def tables():
    """The data and their arrays, loaded and laid out once a process."""
    import bayes_alliance as ba
    from bayes_alliance.process.containers import arrays

    data = ba.load(DATA)
    return data, arrays(data)


def refit(theory: str, number: int) -> dict[str, Any]:
    """One refit with other priors and one case held out, in a process that has compiled before.

    Parameters
    ----------
    theory : str
        Theory.
    number : int
        Which refit; decides the prior, the case and the seed.

    Returns
    -------
    dict
        ``sampling`` and ``beyond`` (seconds), and ``compiles``.
    """
    from bayes_alliance import density
    from bayes_alliance.fit import compiled, sample_model, with_containers
    from bayes_alliance.process.containers import hold_out
    from bayes_alliance.process.priors import load_priors

    warnings.simplefilter("ignore")
    began, compiles, plain = time.perf_counter(), 0, density.write

    def counted(*args, **kwargs):
        nonlocal compiles
        compiles += 1
        return plain(*args, **kwargs)

    density.write = counted
    try:
        data, values = tables()
        changed = load_priors(theory, {"hazard_0": {"sigma": 1.0 + number % 7 / 10}})
        model, log_density = compiled(theory, data, changed)
        held = values | hold_out(values, [number % int(values["case_index"][1].max() + 1)])
        other = with_containers(log_density, {name: v for name, (_, v) in held.items()})
        ready, used = time.perf_counter(), time.process_time()
        sample_model(model, other, seed=number, sampler="nutpie", **SMALL)
        sampling = time.process_time() - used
    finally:
        density.write = plain
    return {"sampling": sampling, "beyond": ready - began, "compiles": compiles}


def equal(theory: str, count: int) -> dict[str, Any]:
    """Whether Stan's log density is the model's.

    Parameters
    ----------
    theory : str
        Theory.
    count : int
        Number of points.

    Returns
    -------
    dict
        ``points``, ``spread`` of the differences, which are one constant if it is, and ``largest``
        absolute log density.
    """
    import numpy as np
    from equal import differences

    import bayes_alliance as ba

    found = differences(theory, ba.load(DATA), count)
    return {
        "points": count,
        "spread": float(np.ptp(found["difference"])),
        "largest": float(np.abs(found["log_density"]).max()),
    }


DO = {"fit": fit, "gradient": gradient, "growth": growth, "many": many, "equal": equal}

if __name__ == "__main__":
    values = [int(v) if v.isdigit() else v for v in sys.argv[2:]]
    print(json.dumps(DO[sys.argv[1]](*values)))
