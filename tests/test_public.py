"""The public names: there, callable, and free of cost until used."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import bayes_alliance as ba

DOCUMENTED = {
    "build",
    "check",
    "compare",
    "diagnose",
    "fit",
    "forecast",
    "formation",
    "horizon",
    "hypotheses",
    "load",
    "open",
    "report",
    "save",
    "theories",
}
SHADOWED = ["check", "compare", "data", "fit", "forecast", "report", "theories"]


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_documented_names_are_there():
    assert DOCUMENTED <= set(ba.__all__)
    assert set(ba.__all__) <= set(dir(ba))


@pytest.mark.parametrize("name", ba.__all__)
def test_every_public_name_is_callable_and_documented(name):
    value = getattr(ba, name)
    assert callable(value) and len(value.__doc__) > 10


def test_names_stay_functions_after_importing_folders_of_the_same_name():
    for module in SHADOWED:
        import_module(f"bayes_alliance.{module}")
    of_forecast = ("forecast.forecast", "forecast.formation", "forecast.horizon")
    for module in ("compare.loo", "check.quantities", *of_forecast, "fit"):
        import_module(f"bayes_alliance.{module}")
    for name in ba.__all__:
        assert callable(getattr(ba, name)), name
    out = run(
        "import bayes_alliance.compare.loo, bayes_alliance.forecast.scenario, bayes_alliance.fit\n"
        "import bayes_alliance.check.quantities, bayes_alliance.theories\n"
        "import bayes_alliance as ba\n"
        "print(all(callable(getattr(ba, n)) for n in ba.__all__))"
    )
    assert out == "True"


def test_importing_costs_nothing():
    out = run(
        "import sys, bayes_alliance\n"
        "heavy = {'pymc', 'arviz', 'pandas', 'numpy', 'pytensor', 'xarray'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert out == "[]"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        ba.no_such_name  # noqa: B018


def test_a_home_that_cannot_be_written_does_no_harm(tmp_path: Path) -> None:
    code = "import bayes_alliance, pytensor; print(pytensor.config.base_compiledir)"
    (tmp_path / "file").write_text("no folder")
    given = os.environ | {"HOME": str(tmp_path / "file"), "TMPDIR": str(tmp_path)}
    given.pop("PYTENSOR_FLAGS", None)
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr
    assert Path(done.stdout.strip()).parent == tmp_path
    assert os.listdir(tmp_path) == ["file"], "the folder goes with the process"
