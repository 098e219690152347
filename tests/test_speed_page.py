"""The page of the speed benchmark, from a small result made up by hand."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
ESS = {"ours": 1000.0, "nutpie": 100.0, "pymc": 90.0, "numpyro": 80.0, "stan": 50.0}


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    """The module of the page; it lies outside the package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield import_module("speed_page")


def fit(tool: str) -> dict[str, Any]:
    """A fit of 10 seconds when cold and of 5 when warm."""
    row = {"ess": ESS[tool], "at": "beta_1", "divergences": 0, "gradients": 4000, "rss": 500_000}
    row |= {"draws": 1000, "tune": 1000, "wall": 20.0} | (
        {"gradient_seconds": 4e-4} if tool == "stan" else {}
    )
    made = {
        "cold": row | {"seconds": {"import": 3.0, "compile": 6.0, "sample": 4.0}},
        "warm": row | {"seconds": {"import": 3.0, "compile": 1.0, "sample": 4.0, "summarise": 2.0}},
    }
    if tool == "stan":
        made["equal"] = {"points": 100, "spread": 1e-4, "largest": 1e6}
    return made


@pytest.fixture
def stored() -> dict[str, Any]:
    """A run in which every target is met."""
    results: dict[str, Any] = {
        f"fit-{theory}-{tool}": fit(tool) for theory in ("occupation", "prospect") for tool in ESS
    }
    results["gradient-occupation"] = {
        "microseconds": {"ours": [200.0, 220.0, 210.0], "floor": [100.0, 100.0, 100.0]}
    }
    steps = {"compile": 60.0, "sample": 30.0, "forecasts": 6.0, "figures": 4.0}
    results["report"] = {"cold": {"wall": 100.0, "steps": steps}, "warm": {"wall": 40.0}}
    results |= {"import": {"seconds": [0.2, 0.1, 0.9]}, "help": {"seconds": [0.4]}}
    results["many"] = {"refits": 200, "cores": 2, "use": 0.95, "compiles": 0, "beyond": [1.0, 2.0]}
    for clients in (100, 1_000, 10_000, 100_000):
        results[f"growth-{clients}"] = {
            "clients": clients,
            "microseconds": [50.0 + clients / 10],
            "megabytes": clients / 1e3,
        }
    made = {"commit": "abc", "date": "2026-01-01", "seconds": 60.0}
    return {
        "command": "make bench",
        "machine": {"platform": "Linux", "processor": "P", "cores": 2, "gigabytes": 16.0},
        "versions": {"python": "3.13", "pystan": "3"},
        **{"draws": 1000, "tune": 1000, "chains": 4, "repeats": 3},
        "parts": {name: made | {"result": result} for name, result in results.items()},
    }


BREAK = {
    "occupation, cold: effective draws a second against the best other": (
        ("fit-occupation-nutpie", "cold", "ess", 400.0),
        "short by a factor of 1.2",
    ),
    "prospect, warm: effective draws a second against the best other": (
        ("fit-prospect-pymc", "warm", "ess", 400.0),
        "short by a factor of 2",
    ),
    "prospect, warm: effective draws a second against Stan": (
        ("fit-prospect-stan", "warm", "ess", 110.0),
        "short by a factor of 1.1",
    ),
    "occupation: time of a gradient against one written by hand": (
        ("gradient-occupation", "microseconds", "ours", [600.0, 620.0, 500.0]),
        "short by a factor of 2",
    ),
    "`make report`, caches empty": (("report", "cold", "wall", 180.0), "short by a factor of 1.5"),
    "`make report`, caches full": (("report", "warm", "wall", 90.0), "short by a factor of 2"),
    '`python -c "import bayes_alliance"`': (
        ("import", "seconds", [0.6, 0.6, 0.1]),
        "short by a factor of 2",
    ),
    "`bayes-alliance --help`": (("help", "seconds", [1.0]), "short by a factor of 2"),
    "a refit with other data and priors: time beyond sampling": (
        ("many", "beyond", [1.0, 6.0]),
        "short by a factor of 2",
    ),
    "200 refits: share of the cores' time that is sampling": (
        ("many", "use", 0.45),
        "short by a factor of 2",
    ),
    "200 refits: compiled again": (("many", "compiles", 2), "missed"),
    "occupation: growth of a gradient's time with clients, slope in log-log": (
        ("growth-100000", "microseconds", [1e8]),
        "short by a factor of 2.6",
    ),
    "occupation: growth of a gradient's memory with clients, slope in log-log": (
        ("growth-100000", "megabytes", 1e4),
        "short by a factor of 1.8",
    ),
    "prospect: Stan's log density less ours, spread relative to the largest": (
        ("fit-prospect-stan", "equal", "spread", 1.0),
        "short by a factor of 1e+02",
    ),
}
"""A change to the run for each target, and the verdict that it must give."""


def test_a_run_that_meets_every_target(script: ModuleType, stored: dict[str, Any]) -> None:
    found = script.targets(stored)
    assert [t.words for t in found if t.met is not True] == []
    text = script.page(stored, [{"what": "This", "came": "That.", "kept": False}])
    assert f"Of {len(found)} targets {len(found)} are met and 0 are missed." in text
    assert "falls short" not in text
    assert "- This (not kept). That." in text
    # 1000 effective draws in 6 + 4 seconds against 100 in as many
    cold = "| occupation, cold: effective draws a second against the best other | "
    assert f"{cold}at least 3 times | 10 times (nutpie is best) | met |" in text
    assert "| 210 (200 to 220) |  |  | 400 | 100 (100 to 100) |" in text
    assert "in 19 minutes on P, 2 cores, 16 GB" in text  # 19 parts of a minute


@pytest.mark.parametrize("words", BREAK)
def test_each_verdict_can_fail(script: ModuleType, stored: dict[str, Any], words: str) -> None:
    ((part, *inner, last, value), verdict) = BREAK[words]
    place = stored["parts"][part]["result"]
    for key in inner:
        place = place[key]
    place[last] = value
    missed = [t for t in script.targets(stored) if t.met is False]
    assert words in [t.words for t in missed]
    target = next(t for t in missed if t.words == words)
    assert target.verdict == f"**{verdict}**"
    text = script.page(stored, [])
    reason, idea = script.WHY[target.kind]
    assert f"{words}. The reason: {reason} The next idea: {idea}" in text


def test_reasons_carry_what_was_measured(script: ModuleType, stored: dict[str, Any]) -> None:
    stored["parts"]["report"]["result"]["cold"]["wall"] = 200.0
    for tool, ess in (("nutpie", 400.0), ("pymc", 300.0)):
        stored["parts"][f"fit-prospect-{tool}"]["result"]["cold"]["ess"] = ess
    text = script.page(stored, [])
    # 1000 effective draws in 4 seconds without, and nutpie's 400 in 10 with compiling
    said = (
        "prospect compiles for 60% of its seconds; in none it would be 6.2 times as fast as nutpie"
    )
    assert said in text
    assert (
        "(With empty caches the largest parts are compile 60%, sample 30%, forecasts 6%.)" in text
    )
    assert "| compile | 60.0 |  |" in text


@pytest.mark.parametrize(
    ("step", "kind"),
    {
        "occupation: compile": "compile",
        "null, how often decisions arise: sample": "sample",
        "prospect, without coded frames: exact refit without asia": (
            "fits without a case or a theatre"
        ),
        "forecast quad-status-quo by year": "forecasts",
        "forecast quad-status-quo: what moves it": "forecasts",
        "yardsticks": "the rest",
    }.items(),
)
def test_steps_of_the_report_have_kinds(script: ModuleType, step: str, kind: str) -> None:
    assert import_module("speed_report").kind(step) == kind


def test_every_target_is_broken_somewhere(script: ModuleType, stored: dict[str, Any]) -> None:
    alike = ("occupation", "prospect")
    broken = {words.replace(*alike[::-1]) for words in BREAK}
    assert {t.words.replace(*alike[::-1]) for t in script.targets(stored)} == broken


def test_what_failed_misses_its_targets_and_is_named(
    script: ModuleType, stored: dict[str, Any]
) -> None:
    gone = copy.deepcopy(stored)
    gone["parts"]["growth-100000"]["result"] = {"failed": "MemoryError: no room"}
    gone["parts"]["fit-occupation-stan"]["result"] = {"failed": "Stan needs Python 3.12"}
    text = script.page(gone, [])
    slopes = [line for line in text.splitlines() if "slope in log-log |" in line]
    assert len(slopes) == 2
    assert all("1,000 to 10,000 clients" in line for line in slopes)
    assert all("**failed: 100,000 clients: MemoryError: no room**" in line for line in slopes)
    assert "(nutpie is best; without Stan)" in text
    assert "\n- occupation, Stan, cold: Stan needs Python 3.12\n" in text


def test_fewer_draws_are_said_and_do_not_make_compiling_dearer(
    script: ModuleType, stored: dict[str, Any]
) -> None:
    row = stored["parts"]["fit-occupation-stan"]["result"]["cold"]
    row |= {"draws": 250, "tune": 250, "ess": ESS["stan"] / 4}
    row["seconds"] |= {"sample": 1.0}
    assert script.rate(stored, "occupation", "stan", "cold") == pytest.approx(ESS["stan"] / 10)
    said = "Stan made only 250 draws after 250"
    assert script.page(stored, []).count(said) == 1
    row["draws"] = 1000
    assert said not in script.page(stored, [])


def test_a_part_that_is_not_there_is_not_a_verdict(
    script: ModuleType, stored: dict[str, Any]
) -> None:
    stored["parts"] = {}
    found = script.targets(stored)
    assert {t.met for t in found} == {None}
    assert f"0 are met and 0 are missed; {len(found)} were not measured." in script.page(stored, [])
    assert script.drawn(stored) == {}


def test_page_and_figures_are_written_from_the_stored_run(
    script: ModuleType, stored: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "speed.json").write_text(json.dumps(stored), encoding="utf-8")
    monkeypatch.setattr(script, "STORE", tmp_path / "speed.json")
    monkeypatch.setattr(script, "PAGE", tmp_path / "speed.md")
    monkeypatch.setattr(script, "FIGURES", tmp_path / "figures")
    script.write()
    text = (tmp_path / "speed.md").read_text(encoding="utf-8")
    names = {p.name for p in (tmp_path / "figures").iterdir()}
    assert names == {"speed-fits.svg", "speed-growth.svg"}
    assert all(f"](figures/{name})" in text for name in names)
    assert "## What was tried\n\n- " in text


def test_the_page_is_what_the_stored_run_gives(script: ModuleType) -> None:
    if not script.STORE.is_file():
        assert not script.PAGE.is_file(), "a page without a run: make bench"
        pytest.skip("the benchmark is not published yet")
    text, _ = script.composed()
    said = script.PAGE.read_text(encoding="utf-8")
    assert said == text, "benchmarks/speed.py --page writes it anew"
