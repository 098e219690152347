"""The hazard beside a fit: made once, made anew when something else made it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import xarray as xr

from bayes_alliance import cli
from bayes_alliance.data import Data
from bayes_alliance.data.panel import panel
from bayes_alliance.fit import fit
from bayes_alliance.forecast.horizon import RUNGS
from bayes_alliance.forecast.kept import file_of, kept, made_of, settings
from bayes_alliance.forecast.sample import central, certain, settled
from bayes_alliance.forecast.scenario import bundled_scenarios, grouping, read
from bayes_alliance.process.priors import load_priors
from bayes_alliance.storage import save


@pytest.fixture(scope="module")
def tree(data: Data) -> xr.DataTree:
    """A fit whose hazard is quick to make."""
    return fit("null", data, draws=60, tune=150, chains=2)


@pytest.fixture(scope="module")
def fit_file(tree: xr.DataTree, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tree, tmp_path_factory.mktemp("kept") / "null.nc")


def test_it_lies_beside_the_fit() -> None:
    assert file_of("reports/prospect.nc") == Path("reports/prospect.formation.nc")
    assert file_of("prospect.zarr") == Path("prospect.formation.nc")


def test_a_hazard_is_made_once(tree: xr.DataTree, tmp_path: Path) -> None:
    path, steps = tmp_path / "null.formation.nc", []
    first = kept(tree, path, steps.append)
    assert steps == ["compile", "sample", "summarise"]
    again = kept(tree, path, steps.append)
    assert len(steps) == 3, "the kept hazard was made again"
    xr.testing.assert_identical(again["posterior"].to_dataset(), first["posterior"].to_dataset())
    assert first.attrs["chains"] == settings(tree)["chains"] == tree.attrs["chains"]


def test_a_hazard_of_other_draws_is_made_anew(tree: xr.DataTree, tmp_path: Path) -> None:
    path, steps = tmp_path / "null.formation.nc", []
    kept(tree, path)
    refitted = tree.copy(deep=True)  # the same data, priors and settings
    draws = refitted["posterior"].to_dataset()
    refitted["posterior"] = draws.assign(hazard_0=draws["hazard_0"] + 1e-12)
    kept(refitted, path, steps.append)
    assert steps, "the hazard of the fit as it was before was taken for this one's"


def test_all_that_a_hazard_comes_from_is_in_its_digest(
    tree: xr.DataTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [made_of(tree)]
    for name in tree.children:
        changed = tree.copy(deep=True)
        group = changed[name].to_dataset()
        key = sorted(map(str, group.data_vars))[0]
        text = name == "tables"
        changed[name] = (
            group.assign({key: group[key] + ("x" if text else 1)})
            if (group[key].dtype.kind != "b")
            else group.assign({key: ~group[key]})
        )
        found.append(made_of(changed))
    for name in settings(tree):
        changed = tree.copy()
        changed.attrs[name] += 1
        found.append(made_of(changed))
    for name, value in (
        ("versions", lambda: {"pymc": "7"}),
        ("code", lambda theory: ["other code"]),
        ("panel", lambda: panel().iloc[1:]),
        ("load_priors", lambda model: load_priors(model, {"b": {"sigma": 0.1}})),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(sys.modules[made_of.__module__], name, value)
            found.append(made_of(tree))
    assert len(set(found)) == len(found)
    again = tree.copy(deep=True)
    again.attrs["seconds"] = 0.5
    assert made_of(again) == found[0], "how long it took does not matter"


def test_a_theory_of_ones_own_is_in_the_digest_with_its_code(
    tree: xr.DataTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    code = "DESCRIPTION = REFERENCE = ''\nHYPOTHESES = ()\ndef terms(x, priors): return {}\n"
    (tmp_path / "mine" / "theory.py").write_text(code.format("1"))
    monkeypatch.syspath_prepend(str(tmp_path))
    changed = tree.copy()
    changed.attrs["theory"] = "mine.theory"
    before = made_of(changed)
    (tmp_path / "mine" / "theory.py").write_text(code.format("2"))
    assert made_of(changed) != before


def test_a_file_that_is_no_hazard_is_replaced(tree: xr.DataTree, tmp_path: Path) -> None:
    path = tmp_path / "null.formation.nc"
    path.write_text("nothing", encoding="utf-8")
    assert kept(tree, path).attrs["model"] == "formation"
    assert path.stat().st_size > 1000
    assert not list(tmp_path.glob("*.part"))


def test_the_command_line_gives_the_rungs_by_year(
    fit_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["forecast", "quad-status-quo", str(fit_file), "--by-year"]
    monkeypatch.setattr("sys.argv", ["bayes-alliance", *words, "--json"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert not end.value.code
    said = capsys.readouterr()
    rows = json.loads(said.out)["by_year"]
    assert {row["rung"] for row in rows} == {*RUNGS, "multilateral", "decision"}
    assert {row["year"] for row in rows} == set(range(2027, 2036))
    assert "null, how often decisions arise: compile" in said.err
    assert file_of(fit_file).exists()


# --- what the outlook of all groupings rests on ---------------------------------------------------


def test_groupings_are_the_longest_that_begin_a_name() -> None:
    assert grouping("quad-plus-de-escalation") == "quad-plus"
    assert grouping("quad-credible-occupation") == "quad"
    assert grouping("two-islands") is None
    assert len({grouping(name) for name in bundled_scenarios()}) == 6


@pytest.mark.parametrize("name", bundled_scenarios())
def test_a_settled_scenario_holds_its_middle(name: str) -> None:
    scenario = read(name)
    found = settled(scenario)
    assert certain(found)
    xr.testing.assert_identical(central(found), central(scenario))
    assert found.share == scenario.share
