"""What runs in Stan's own environment: reads a job (JSON) and prints what came of it.

A job has ``do`` (``log_density`` or ``sample``), ``program`` and ``data``; see `log_density` and
`sample` for the rest. The project itself is not imported here.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpstan.cache
import httpstan.compile
import httpstan.models
import numpy as np
import stan


def translate(text: str, name: str) -> tuple[str, str]:
    """C++ of a Stan program, as httpstan has it made, but with as much time as it takes.

    Parameters
    ----------
    text : str
        Stan program.
    name : str
        Name of the model.

    Returns
    -------
    tuple of str
        C++ and warnings.
    """
    stanc = Path(httpstan.__file__).parent / "stanc"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, f"{name}.stan")
        file.write_text(text, encoding="utf-8")
        command = [stanc, "--name", name, "--print-cpp", file]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise ValueError(done.stderr)
    return done.stdout, done.stderr


# httpstan gives the translator one second, which is not enough on a busy machine
httpstan.compile.compile = translate


def compile_program(text: str):
    """Compiled program, from the cache if it is there.

    Parameters
    ----------
    text : str
        Stan program.

    Returns
    -------
    module
        With ``log_prob`` and the rest of httpstan's services.
    """
    name = httpstan.models.calculate_model_name(text)
    try:
        return httpstan.models.import_services_extension_module(name)
    except KeyError:
        messages = asyncio.run(httpstan.models.build_services_extension_module(text))
        # PyStan reads both of a program that it finds compiled
        httpstan.cache.dump_services_extension_module_compiler_output(messages, name)
        httpstan.cache.dump_stanc_warnings("", name)
        return httpstan.models.import_services_extension_module(name)


def log_density(job: dict[str, Any]) -> dict[str, Any]:
    """Log density on the constrained scale, without Jacobians and constants.

    Parameters
    ----------
    job : dict
        ``points``: parameters by name.

    Returns
    -------
    dict
        ``log_density``: one value a point.
    """
    module = compile_program(job["program"])
    values = []
    for point in job["points"]:
        free = module.transform_inits(data=job["data"], constrained_parameters=point)
        values.append(module.log_prob(job["data"], free, False))
    return {"log_density": values}


def sample(job: dict[str, Any]) -> dict[str, Any]:
    """Draw with Stan's defaults.

    Parameters
    ----------
    job : dict
        ``draws``, ``tune``, ``chains``, ``seed`` and ``out``, an ``.npz`` for the draws.

    Returns
    -------
    dict
        ``seconds`` by part, ``gradients``, ``gradient_seconds`` and ``rss`` in kB.
    """
    began = time.perf_counter()
    compile_program(job["program"])
    # httpstan keeps fits and would give the draws of an earlier one with this seed
    name = httpstan.models.calculate_model_name(job["program"])
    shutil.rmtree(httpstan.cache.model_directory(name) / "fits", ignore_errors=True)
    compiled = time.perf_counter()
    with contextlib.redirect_stdout(sys.stderr):
        posterior = stan.build(job["program"], data=job["data"], random_seed=job["seed"])
        fit = posterior.sample(
            num_chains=job["chains"], num_samples=job["draws"], num_warmup=job["tune"]
        )
    names, sizes = fit.param_names, fit.dims
    draws = {}
    for name, size in zip(names, sizes, strict=True):
        flat = fit[name].reshape(*size, job["draws"], job["chains"])  # (..., draw, chain)
        draws[name] = np.moveaxis(flat, (-1, -2), (0, 1))
    sampled = time.perf_counter()
    np.savez(job["out"], **draws)
    steps = float(np.sum(fit["n_leapfrog__"]))
    text = b"".join(fit.stan_outputs).decode()
    own = sum(float(x) for x in re.findall(r"([\d.e+-]+) seconds \(Sampling\)", text))
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {
        "seconds": {"compile": compiled - began, "sample": sampled - compiled},
        "gradients": steps,
        "gradient_seconds": own / steps,
        "divergences": float(np.sum(fit["divergent__"])),
        "rss": max(usage.ru_maxrss for usage in both),
    }


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    print(json.dumps({"log_density": log_density, "sample": sample}[asked["do"]](asked)))
