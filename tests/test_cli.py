"""The command line, end to end: answers, JSON, and one message for each bad input."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bayes_alliance import cli
from bayes_alliance.bundled import bundled

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command in this process: exit status, output, messages."""

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["bayes-alliance", *map(str, words)])
        status = 0
        try:
            cli.main()
        except SystemExit as end:
            status = int(end.code or 0)
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """A copy of the coded tables that a test may spoil."""
    folder = tmp_path / "tables"
    folder.mkdir()
    for name in ("episodes", "clients", "years", "codings"):
        shutil.copy(bundled("data", f"{name}.csv"), folder)
    return folder


def edit(path: Path, old: str, new: str, count: int = 1) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, count), encoding="utf-8")


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    command = [sys.executable, "-m", "bayes_alliance.cli", "--help"]
    took = []
    for _ in range(5):
        began = time.perf_counter()
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        took.append(time.perf_counter() - began)
    assert min(took) < 0.5, f"--help took {min(took):.2f} s at best"
    for name in ("data", "fit", "compare", "check", "forecast", "report", "reproduce"):
        assert f"  {name} " in said
    heavy = "import sys, bayes_alliance.cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True).stdout
    assert not {"pymc", "arviz", "pandas", "numpy", "matplotlib"} & set(loaded.split())


def test_data_as_json(run: Run) -> None:
    status, out, _ = run("data", "describe", "europe", "--json")
    assert status == 0
    assert json.loads(out)["counts"]["europe"]["episodes"] == 5


def test_asymmetric_data_are_described_and_drawn(run: Run, tmp_path: Path) -> None:
    words = ("data", "describe", "asymmetric", "--json", "--coding", "recent=no")
    status, out, _ = run(*words, "--out", tmp_path)
    assert status == 0
    found = json.loads(out)
    assert found["name"] == "asymmetric[recent=False]"
    assert found["agreement"]["clients"]["share"] == 1
    assert found["overrides"]["strong"]["judgements"] > 100
    assert {"bound.svg", "survival-commitment.svg"} <= {p.name for p in tmp_path.iterdir()}


def test_tables_of_ones_own_are_checked(run: Run, tables: Path) -> None:
    status, out, _ = run("data", "check", tables)
    assert status == 0 and "15 episodes" in out
    file = tables / "episodes.csv"
    status, out, _ = run("data", "check", file)
    assert status == 0 and "15 rows" in out
    file.write_text(file.read_text(encoding="utf-8").replace("1947-03-04", "1947-13-04"))
    status, out, message = run("data", "check", file)
    assert (status, out) == (2, "")
    assert "row 2" in message and "1947-13-04" in message


def test_theories_as_json(run: Run) -> None:
    status, out, _ = run("theories", "--json")
    assert status == 0
    assert len(json.loads(out)["occupation"]["hypotheses"]) == 7


SPOILED = {
    "missing file": (lambda f: (f / "clients.csv").unlink(), ["clients.csv"]),
    "missing column": (
        lambda f: edit(f / "episodes.csv", ",frame", ""),
        ["episodes.csv", "frame"],
    ),
    "misspelt column": (
        lambda f: edit(f / "clients.csv", "capability_ratio", "capabilty_ratio"),
        ["clients.csv", "capabilty_ratio", "capability_ratio"],
    ),
    "unknown code": (
        lambda f: edit(f / "episodes.csv", "multilateral_weak,multilateral_weak", "loose,none"),
        ["episodes.csv", "row 15", "'proposal'", "'loose'"],
    ),
    "ends before it begins": (
        lambda f: edit(f / "episodes.csv", "1977-06-30", "1951-06-30"),
        ["episodes.csv", "row 15", "end", "1951-06-30"],
    ),
    "duplicate episode": (
        lambda f: edit(f / "episodes.csv", "brussels-1948,", "dunkirk-1947,"),
        ["episodes.csv", "row 3", "episode", "dunkirk-1947"],
    ),
    "client without an episode": (
        lambda f: edit(f / "clients.csv", "us-taiwan-1954,TAW", "us-taiwan-1955,TAW"),
        ["clients.csv", "episode", "us-taiwan-1955"],
    ),
    "empty table": (
        lambda f: (f / "episodes.csv").write_text(
            (f / "episodes.csv").read_text(encoding="utf-8").splitlines()[0] + "\n",
            encoding="utf-8",
        ),
        ["episodes.csv"],
    ),
    "not UTF-8": (
        lambda f: (f / "episodes.csv").write_bytes(
            (f / "episodes.csv").read_bytes() + "Å".encode("latin-1")
        ),
        ["episodes.csv", "UTF-8"],
    ),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_spoiled_table_gives_one_message_and_writes_nothing(
    name: str, run: Run, tables: Path, tmp_path: Path
) -> None:
    spoil, parts = SPOILED[name]
    spoil(tables)
    out = tmp_path / "fit.nc"
    status, said, message = run("fit", "null", "--data", tables, "--out", out)
    assert status == 2
    assert said == ""
    assert len(message.splitlines()) == 1, message
    for part in [*parts, "expected"]:
        assert part in message
    assert not out.exists()


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("AUL", "XYZ", ["XYZ"]),
        ("none = 0.27", "none = 1.27", ["commitment", "1.27"]),
    ],
)
def test_a_spoiled_scenario_gives_one_message(
    old: str, new: str, parts: list[str], run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "mine.toml"
    shutil.copy(bundled("data", "scenarios", "quad-status-quo.toml"), file)
    edit(file, old, new, count=-1)
    status, said, message = run("forecast", file, tmp_path / "no.nc")
    assert (status, said) == (2, "")
    assert len(message.splitlines()) == 1
    for part in [*parts, "mine.toml", "expected"]:
        assert part in message


def test_forecast_lists_the_scenarios_with_their_titles(run: Run) -> None:
    status, said, message = run("forecast", "--list")
    assert (status, message) == (0, "")
    lines = said.splitlines()
    assert len(lines) == len(list(bundled("data", "scenarios").glob("*.toml"))) == 18
    assert lines[0].split(maxsplit=1) == ["quad-status-quo", "Quad 2027: status quo"]
    status, said, _ = run("forecast", "--list", "--json")
    assert status == 0
    assert json.loads(said)["sahel-status-quo"].startswith("Russia and the Alliance of Sahel")


def test_forecast_without_a_fit_gives_one_message(run: Run) -> None:
    status, said, message = run("forecast", "quad-status-quo")
    assert (status, said) == (2, "")
    assert "one fit or more" in message and len(message.splitlines()) == 1


def test_a_missing_fit_gives_one_message(run: Run, tmp_path: Path) -> None:
    status, said, message = run("check", tmp_path / "no.nc")
    assert (status, said) == (2, "")
    assert "no.nc" in message and len(message.splitlines()) == 1


@pytest.mark.parametrize("command", ["fit", "report", "reproduce"])
def test_a_folder_that_cannot_be_written_is_refused_before_any_work(
    command: str, run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("kept", encoding="utf-8")
    words = {
        "fit": ("fit", "null", "--out", file / "sub" / "fit.nc"),
        "report": ("report", tmp_path / "a.nc", "--out", file / "sub"),
        "reproduce": ("reproduce", "--out", file / "sub"),
    }[command]
    began = time.perf_counter()
    status, said, message = run(*words)
    assert (status, said) == (2, "")
    assert "can be written" in message and len(message.splitlines()) == 1
    assert time.perf_counter() - began < 10
    assert file.read_text(encoding="utf-8") == "kept"


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("fit", "occupatoin", "--out", "x.nc"), "occupatoin"),
        (("fit", "null", "--out", "x.txt"), "x.txt"),
        (("fit", "null", "--out", "x.nc", "--draws", "-5"), "draws"),
        (("fit", "null", "--out", "x.nc", "--sampler", "gibbs"), "gibbs"),
        (("fit", "null", "--out", "x.nc", "--data", "asymetric"), "asymmetric"),
        (("fit", "null", "--out", "x.nc", "--priors", "no.toml"), "no.toml"),
        (("data", "describe", "europa"), "europe"),
        (("data", "describe", "asymmetric", "--coding", "k=1"), "coding.k"),
        (("data", "describe", "asymmetric", "--coding", "kk=3"), "kk"),
        (("data", "describe", "asymmetric", "--coding", "treaty"), "name=value"),
        (("data", "describe", "europe", "--coding", "k=3"), "coding"),
        (("data", "check", "nothing.csv"), "nothing.csv"),
        (("data", "build", "--check", "--sources", "nowhere"), "nowhere"),
    ],
)
def test_a_wrong_word_is_named(
    words: tuple[str, ...],
    part: str,
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    status, said, message = run(*words)
    assert (status, said) == (2, "")
    assert part in message and "Traceback" not in message
    assert list(tmp_path.iterdir()) == []
