"""The Stan programs of the theories, and the data that they read.

Nothing here needs Stan: the programs are text, the data plain numbers. `benchmarks/stan_run.py`
has what runs in Stan's own environment.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from bayes_alliance.data.load import Data
from bayes_alliance.process.containers import arrays, coords
from bayes_alliance.process.priors import load_priors

FOLDER = Path(__file__).parent / "stan"
ENVIRONMENT = Path(os.environ.get("STAN_ENVIRONMENT", Path(__file__).parent.parent / ".cache/stan"))
"""Where `make bench` puts PyStan: its packages are apart from those of the project."""
PYTHON = ENVIRONMENT / "bin/python"
VERSION = "3.12"
"""Python of that environment: what httpstan brings ready compiled loads in no newer one."""
PACKAGES = ("pystan==3.14.0", "httpstan==4.17.0")
THEORIES = ("occupation", "prospect")
FROM_ONE = (
    "theatre_index",
    "patron_index",
    "era_index",
    "cell_of_design",
    "year_episode",
    "year_age",
    "year_panel",
    "case_index",
    "case_row",
)
"""Positions, which Stan counts from 1."""


def install() -> None:
    """Make Stan's environment where there is none.

    Raises
    ------
    RuntimeError
        If it cannot be made, with the reason.
    """
    if PYTHON.exists():
        return
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    tried = [f"python{VERSION}", *sorted(pyenv.glob(f"{VERSION}*/bin/python"), reverse=True)]
    # a name on PATH proves nothing: pyenv has shims for versions that are switched off
    found = next((python for python in tried if _runs([python, "-c", "import venv"])), None)
    if found is None:
        raise RuntimeError(f"Stan needs Python {VERSION}, which is not here")
    half = ENVIRONMENT.with_name(f"{ENVIRONMENT.name}-half")
    pip = [half / "bin/python", "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    # moved when it is whole; only its own Python is run, whose place does not matter
    if not (_runs([found, "-m", "venv", "--clear", half]) and _runs([*pip, *PACKAGES])):
        raise RuntimeError(f"{' and '.join(PACKAGES)} could not be installed")
    half.rename(ENVIRONMENT)


def _runs(command: list) -> bool:
    """Whether a command is there and succeeds."""
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False


def program(theory: str) -> str:
    """Stan program of a theory, with what it includes.

    Parameters
    ----------
    theory : str
        One of `THEORIES`.

    Returns
    -------
    str
        The program. Its parameters have the names and shapes of the PyMC model's.
    """
    lines = []
    for line in (FOLDER / f"{theory}.stan").read_text(encoding="utf-8").splitlines():
        included = line.removeprefix("#include ")
        lines.append(line if included == line else (FOLDER / included).read_text(encoding="utf-8"))
    return "\n".join(lines) + "\n"


def stan_data(theory: str, data: Data) -> dict[str, Any]:
    """What the program of a theory reads.

    Parameters
    ----------
    theory : str
        One of `THEORIES`.
    data : Data
        Validated tables.

    Returns
    -------
    dict
        Numbers and nested lists; what a program does not declare does no harm.
    """
    labels, values = coords(data), {name: value for name, (_, value) in arrays(data).items()}
    of_episode = np.bincount(values["member_episode"])  # (episode,)
    sizes = {
        "episodes": "episode",
        "cases": "case",
        "clients": "client",
        "alliance_years": "alliance_year",
        "panel_years": "panel_year",
        "theatres": "theatre",
        "patrons": "patron",
        "eras": "era",
    }
    return {
        **{name: len(labels[of]) for name, of in sizes.items()},
        **load_priors(theory).options,
        **{name: (v + (name in FROM_ONE)).tolist() for name, v in values.items()},
        "places": len(values["member_client"]),
        "client_of_place": (values["member_client"] + 1).tolist(),
        "first_place": (np.cumsum([0, *of_episode]) + 1).tolist(),
    }


def ask(job: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Let Stan's environment do something.

    Parameters
    ----------
    job : dict
        See `benchmarks/stan_run.py`.
    **options
        For `subprocess.run`.

    Returns
    -------
    dict
        What it answers.
    """
    script = Path(__file__).parent / "stan_run.py"
    done = subprocess.run(
        [PYTHON, script], input=json.dumps(job), capture_output=True, text=True, **options
    )
    if done.returncode:
        raise RuntimeError(f"Stan failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])
