"""A theory of the user's own: one module and one TOML, and no change to the package."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from bayes_alliance.compare.hypotheses import hypotheses
from bayes_alliance.compare.loo import compare
from bayes_alliance.diagnostics import diagnose
from bayes_alliance.errors import InputError
from bayes_alliance.fit import fit
from bayes_alliance.storage import open_fit, save
from bayes_alliance.theories import theories

NAME = "own_theories.crowd"


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))


def test_it_is_fitted_compared_and_saved(data, fits, tmp_path):
    tree = fit(NAME, data, draws=200, tune=300, chains=2, seed=1)
    assert diagnose(tree)["divergences"] == 0
    found = hypotheses(tree)
    assert list(found.index) == ["C1"]
    assert found.loc["C1", "estimate"] == pytest.approx(
        float(tree["posterior"]["crowd_partners"].mean())
    )
    table = compare({"null": fits["null"], "crowd": tree}, exact=False)
    assert np.isfinite(table["elpd"]).all()
    save(tree, tmp_path / "crowd.nc")
    with pytest.raises(InputError, match="theory of your own to open it with"):
        open_fit(tmp_path / "crowd.nc", data)
    for given in (NAME, sys.modules[NAME]):
        assert open_fit(tmp_path / "crowd.nc", data, theory=given).attrs["theory"] == NAME
    assert NAME not in theories()


def test_its_priors_can_be_changed_and_are_checked(data):
    with pytest.raises(InputError, match="a number above 0"):
        fit(NAME, data, priors={"crowd_partners": {"sigma": -1}})


def test_a_module_without_terms_is_refused(data, tmp_path, monkeypatch):
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "baked.py").write_text("DESCRIPTION = ''\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(InputError, match="a module with terms"):
        fit("half.baked", data)
