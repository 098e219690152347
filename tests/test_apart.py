"""Work in processes of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from bayes_alliance.apart import crew
from bayes_alliance.errors import InputError

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


def very_long(tell: Tell) -> None:
    """Far longer than anybody waits."""
    tell("asked")
    time.sleep(600)


def refuses(tell: Tell) -> None:
    """Bad input, found by the work."""
    raise InputError("something else", file="a.csv")


def runs_out(tell: Tell) -> None:
    """More memory than there is."""
    raise MemoryError


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


@pytest.mark.parametrize(("function", "kind"), [(refuses, InputError), (runs_out, MemoryError)])
def test_bad_input_and_want_of_memory_arrive_as_they_are(function, kind) -> None:
    with crew(print, 1) as hands, pytest.raises(kind) as said:
        hands.submit("a", function).result()
    assert "Traceback" not in str(said.value)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_a_killed_process_is_said_in_one_line(number: signal.Signals) -> None:
    with crew(print, 1) as hands:
        job, other = (hands.submit("a", very_long) for _ in range(2))
        os.kill(hands.processes[0].pid, number)
        for one in (job, other):
            with pytest.raises(InputError) as said:
                one.result(timeout=30)
            words = str(said.value)
            assert "\n" not in words and len(words) <= 500
            assert ("terminated" if number == signal.SIGTERM else "memory") in words


ASKS = """
import signal, sys, time
import test_apart
from bayes_alliance.apart import crew
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background has it ignored
if __name__ == "__main__":
    with crew(lambda step: print(step, flush=True), 2) as hands:
        for group in "ab":
            hands.submit(group, test_apart.very_long)
        time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_no_process_outlives_whoever_asks(number: signal.Signals) -> None:
    asks = subprocess.Popen(
        [sys.executable, "-c", ASKS], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert asks.stdout is not None
    assert [asks.stdout.readline() for _ in range(2)] == ["asked\n"] * 2
    workers = psutil.Process(asks.pid).children(recursive=True)
    assert len(workers) == 2
    asks.send_signal(number)
    asks.wait(60)
    asks.stdout.close()
    assert psutil.wait_procs(workers, timeout=30)[1] == [], "its processes live on"
