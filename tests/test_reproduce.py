"""The whole job, small: what it writes, and that one seed gives one summary."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SMALL = ["--draws", "150", "--tune", "300", "--chains", "2", "--seed", "3"]


def without_times(value: Any) -> Any:
    """The summary but for times."""
    if isinstance(value, dict):
        return {k: without_times(v) for k, v in value.items() if not k.startswith("seconds")}
    return value


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two runs beside each other, with different hash seeds."""
    folders, started = [], []
    for hash_seed in ("1", "2"):
        folder = tmp_path_factory.mktemp(f"run{hash_seed}")
        folders.append(folder / "report")
        command = [sys.executable, "-m", "bayes_alliance.cli", "reproduce"]
        with (folder / "said").open("w", encoding="utf-8") as said:
            started.append(
                subprocess.Popen(
                    [*command, "--out", str(folders[-1]), *SMALL],
                    stdout=said,
                    stderr=said,
                    env={**os.environ, "PYTHONHASHSEED": hash_seed},
                )
            )
    codes = [process.wait() for process in started]
    for folder, code in zip(folders, codes, strict=True):
        said = (folder.parent / "said").read_text(encoding="utf-8")
        assert code == 0, said[-3000:]
        assert "s left]" in said, "no progress was shown"
    return folders


def test_one_seed_gives_one_summary_but_for_times(runs: list[Path]) -> None:
    first, second = (
        without_times(json.loads((run / "summary.json").read_text(encoding="utf-8")))
        for run in runs
    )
    assert first == second


def test_summary_has_its_parts(runs: list[Path]) -> None:
    numbers = json.loads((runs[0] / "summary.json").read_text(encoding="utf-8"))
    assert {
        "versions", "data", "fits", "comparison", "checks", "hypotheses", "forecast", "warnings",
    } <= set(numbers)  # fmt: skip
    assert {"counts", "hash"} <= set(numbers["data"])
    for theory in ("occupation", "prospect", "null"):
        for key in (
            "rhat_max", "ess_bulk_min", "ess_tail_min", "divergences", "seconds", "verdict",
        ):  # fmt: skip
            assert key in numbers["fits"][theory]
            assert key in numbers["fits"][f"{theory}, europe alone"]
            assert key in numbers["fits"][f"{theory}, asia alone"]
    assert set(numbers["hypotheses"]["occupation"]) == {f"H{i}" for i in range(1, 8)}
    h1 = numbers["hypotheses"]["prospect"]["H1"]
    assert h1["lower"] < h1["estimate"] < h1["upper"]
    assert len(numbers["forecast"]) >= 3
    assert set(numbers["outlook"]) == set(numbers["forecast"])
    assert len({row["scenario"] for row in numbers["groupings"]}) == 18
    for by_theory in numbers["forecast"].values():
        assert set(by_theory) == {"occupation", "prospect", "null", "stacked"}
        for cells in by_theory.values():
            assert sum(c["probability"] for c in cells.values()) == pytest.approx(1, abs=1e-6)


def test_small_runs_are_reported_as_not_to_be_trusted(runs: list[Path]) -> None:
    numbers = json.loads((runs[0] / "summary.json").read_text(encoding="utf-8"))
    spoiled = [name for name, fit in numbers["fits"].items() if fit["problems"]]
    assert spoiled, "300 draws cannot reach an effective sample size of 400 everywhere"
    page = (runs[0] / "index.html").read_text(encoding="utf-8")
    assert "not to be trusted" in page


def test_files_stand_beside_the_page(runs: list[Path]) -> None:
    assert len(list((runs[0] / "figures").glob("*.svg"))) >= 10
    assert len(list((runs[0] / "fits").glob("*.nc"))) == 11 + 3  # and how often decisions arise
    assert not list(runs[0].rglob("*.part"))
    for a, b in zip(*(sorted((r / "figures").glob("*.svg")) for r in runs), strict=True):
        assert a.read_bytes() == b.read_bytes(), f"{a.name} differs between two equal runs"
