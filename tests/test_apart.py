"""Work in processes of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bayes_alliance.apart import crew

Tell = Callable[[str], None]


@pytest.fixture(autouse=True)
def found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the processes import what is here."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))


def whose(tell: Tell) -> int:
    """Number of the process."""
    tell("asked")
    return os.getpid()


def long(tell: Tell) -> int:
    """The same, after a while."""
    time.sleep(1)
    return os.getpid()


def fails(tell: Tell) -> None:
    """Nothing but an error."""
    print("this is no answer")
    raise ValueError("so it goes")


def test_jobs_of_a_group_go_to_one_process_and_tell_their_steps() -> None:
    said: list[str] = []
    with crew(said.append, 2) as hands:
        jobs = [
            hands.submit(group, what)
            for group, what in zip("aba", (whose, long, whose), strict=True)
        ]
        first, other, again = (job.result() for job in jobs)
    assert first == again != other
    assert os.getpid() not in (first, other)
    assert said == ["asked"] * 2


def test_who_has_nothing_to_do_takes_what_is_left() -> None:
    with crew(print, 2) as hands:
        jobs = [hands.submit("a", long) for _ in range(2)]
        assert len({job.result() for job in jobs}) == 2


def test_an_error_reaches_all_who_wait() -> None:
    with crew(print, 1) as hands:
        jobs = [hands.submit("a", function) for function in (fails, whose)]
        for job in jobs:
            with pytest.raises(RuntimeError, match="so it goes"):
                job.result()


def test_leaving_ends_what_is_done() -> None:
    began = time.monotonic()
    with crew(print, 1) as hands:
        hands.submit("a", long)
    assert time.monotonic() - began < 1
    assert all(process.poll() is not None for process in hands.processes)
