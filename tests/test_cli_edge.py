"""The edge of the command line: whatever it is given ends in an answer or in one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bayes_alliance import cli
from bayes_alliance.errors import MOST, InputError
from bayes_alliance.names import NAMES

COMMANDS = {
    "data describe": ("data", "describe", "europe"),
    "theories": ("theories",),
    "scenarios": ("forecast", "--list"),
}


def run(*words: str | bytes, shell: str = "", **environment: str) -> subprocess.CompletedProcess:
    """Run the command in a process of its own; ``shell`` follows it, for redirections."""
    command = [sys.executable, "-m", "bayes_alliance.cli", *words]
    if shell:
        command = ["sh", "-c", f'"$@" {shell}', "sh", *command]
    return subprocess.run(command, capture_output=True, env=os.environ | environment, timeout=120)


def refused(done: subprocess.CompletedProcess) -> str:
    """The one line of a refusal."""
    assert done.returncode == 2, done
    assert done.stdout == b""
    text = done.stderr.decode()
    assert text.startswith("bayes-alliance: ") and text.endswith("\n") and text.count("\n") == 1
    assert len(text) <= len("bayes-alliance: \n") + MOST and text[:-1].isprintable()
    return text


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("fit",), "theory"),
        (("fit", "null"), "--out"),
        (("fit", "null", "--out", "x.nc", "--draws", "many"), "--draws"),
        (("fit", "null", "--out", "x.nc", "--seed"), "--seed"),
        (("fit", "null", "--nonsense"), "--nonsense"),
        (("nonsense",), "nonsense"),
        (("data", "nonsense"), "nonsense"),
        (("check",), "fits"),
        (("report", "a.nc"), "--out"),
        (("data", "check", "a\nb\x1b[31m.csv"), r"a\nb\x1b[31m.csv"),
        (("data", "describe", b"\xff\xfe"), "UTF-8"),
        (("data", "describe", "x" * 5000), "xxx"),
        (("forecast", "a" * 100_000, "b.nc"), "aaa"),
        (("fit", "[bold]null[/]", "--out", "x.nc"), "[bold]null[/]"),
        (("fit", "null", "--out", "x" * 300 + ".nc"), "bytes"),
        (("forecast", "quad-status-quo", "a.nc", "--out", "d.nc"), ".csv"),
        (("forecast", "quad-status-quo", "a.nc", "--out", "/tmp"), ".csv"),
        (("forecast", "--explore", "a.nc", "--out", "d.csv"), ".html"),
        (("report", "a.nc", "--out", "new/folder"), "a.nc"),
        (("data", "describe", "nowhere", "--out", "new"), "nowhere"),
    ],
)
def test_wrong_usage_is_one_line_and_writes_nothing(
    words: tuple[str, ...], part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert part in refused(run(*words))
    assert not list(tmp_path.iterdir())


def test_help_is_shown_without_a_command_and_names_all_theories() -> None:
    done = run()
    assert (done.returncode, done.stderr) == (0, b"")
    for words in (("--help",), ("fit", "--help"), ("compare", "--help")):
        text = " ".join(run(*words, COLUMNS="80").stdout.decode().split())
        for name in NAMES:
            assert name in text, words


@pytest.mark.parametrize("columns", ["1", "0", "-7", "1000000", "wide"])
def test_any_width_of_the_terminal_will_do(columns: str) -> None:
    for words in (("fit", "--help"), ("data", "describe", "europe")):
        done = run(*words, COLUMNS=columns)
        assert (done.returncode, done.stderr) == (0, b""), done


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_an_output_that_nobody_reads_is_no_fault(words: tuple[str, ...]) -> None:
    for shell, status in ((">&-", 0), (">/dev/full", 2), ("| true", 0)):
        done = run(*words, shell=shell)
        assert done.returncode == status and b"Traceback" not in done.stderr
        if status:
            refused(done)
        else:
            assert done.stderr == b""


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_a_terminal_without_accents_will_do(words: tuple[str, ...]) -> None:
    plain = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    for more in ((), ("--json",)):
        done = run(*words, *more, **plain)
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout.isascii()
        if more:
            assert json.loads(done.stdout) == json.loads(run(*words, *more).stdout)


def test_text_of_a_file_is_neither_markup_nor_an_order_to_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    import pandas as pd

    frame = pd.DataFrame({"[bold]a[/bold]": ["[red]x", "\x1b]0;title\x07", "[/]"]})
    cli._show(frame, "[link=file:///]title[/link] \x9b31m")
    said = capsys.readouterr().out
    for part in ("[bold]a[/bold]", "[red]x", r"\x1b]0;title\x07", "[/]", "[link=file:///]title"):
        assert part in said
    assert "\x1b" not in said and "\x9b" not in said


def test_a_fault_of_the_program_is_one_line_and_can_be_seen_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*args: object, **options: object) -> None:
        raise KeyError("left out\n")

    monkeypatch.setattr(cli, "app", broken)
    monkeypatch.setattr(sys, "argv", ["bayes-alliance", "theories"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    said = capsys.readouterr().err
    assert end.value.code == 1 and said.count("\n") == 1
    assert "fault of the program" in said and "KeyError" in said and "test_cli_edge.py" in said
    monkeypatch.setenv("BAYES_ALLIANCE_TRACEBACK", "1")
    with pytest.raises(KeyError):
        cli.main()


@pytest.mark.parametrize(
    ("error", "part"),
    [
        (MemoryError(), "memory"),
        (OSError(28, "No space left on device", "a\nb"), r"a\nb: expected"),
        (PermissionError(13, "Permission denied"), "Permission denied"),
        (InputError("this", file="f" * 4000, column="c" * 4000, value="v" * 4000), "expected this"),
        (InputError("x" * 10**6, file="here.csv"), "here.csv"),
    ],
)
def test_what_the_system_refuses_is_one_line(
    error: Exception,
    part: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(cli, "app", refuse)
    monkeypatch.setattr(sys, "argv", ["bayes-alliance", "theories"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    said = capsys.readouterr().err
    assert end.value.code == 2 and part in said and said.count("\n") == 1 and len(said) <= 520


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, ""),
        (0, ""),
        (7, ", about    7 s left"),
        (600, ", about   10 min left"),
        (36000, ", about   10 h left"),
        (1e9, ""),
        (float("nan"), ""),
    ],
)
def test_the_time_left_is_neither_negative_nor_absurd(seconds: float, words: str) -> None:
    assert cli._left(seconds) == words
