"""The hazard beside a fit: made once, made anew when something else made it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import xarray as xr

from bayes_alliance import cli
from bayes_alliance.forecast.horizon import RUNGS
from bayes_alliance.forecast.kept import file_of, kept, settings
from bayes_alliance.forecast.sample import central, certain, settled
from bayes_alliance.forecast.scenario import bundled_scenarios, grouping, read
from bayes_alliance.storage import save


@pytest.fixture(scope="module")
def fit_file(fits: dict[str, xr.DataTree], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fit whose hazard is quick to make."""
    tree = fits["null"].copy()
    tree.attrs |= {"draws": 60, "tune": 150}
    return save(tree, tmp_path_factory.mktemp("kept") / "null.nc")


@pytest.fixture(scope="module")
def tree(fits: dict[str, xr.DataTree]) -> xr.DataTree:
    out = fits["null"].copy()
    out.attrs |= {"draws": 60, "tune": 150}
    return out


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


@pytest.mark.parametrize("spoiled", ["fit_data_hash", "data_hash", "priors_hash", "draws"])
def test_a_hazard_of_something_else_is_made_anew(
    spoiled: str, tree: xr.DataTree, tmp_path: Path
) -> None:
    path, steps = tmp_path / "null.formation.nc", []
    made = kept(tree, path)
    made.attrs[spoiled] = 7 if spoiled == "draws" else "of another"
    save(made, path)
    found = kept(tree, path, steps.append)
    assert steps, "a hazard of something else was taken for this one's"
    assert found.attrs[spoiled] not in (7, "of another")


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
