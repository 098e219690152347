"""What all subjects of the fuzz suite share: a try, its limit of time, and the count of what came.

A subject spoils something by a seed, hands it to the package and says what came of it. Whether an
accepted input was right is decided by rules that are written out in the subject, from the codebook
and the documents, and not by the code that is tested.
"""

from __future__ import annotations

import random
import signal
import string
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from bayes_alliance.errors import InputError

REFUSED, RIGHT = "refused", "accepted and right"
LIMIT = 5
"""Seconds that a try may take."""
WAITING = 12
"""How many times as long the clock may run, on a machine that does other things."""
LONGEST = 500
"""Characters of a refusal."""

NASTY = (
    "",
    " ",
    "\t",
    "\n",
    "\r\n",
    "\0",
    "a\0b",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x9b31m",
    "\u202eright to left",
    "\u200b",
    "\ud800",
    "\ufeff",
    "[bold]",
    "[/]",
    "[link=file:///etc]x[/link]",
    "<script>alert(1)</script>",
    "</script>",
    "'\"><svg onload=x>",
    "{{7*7}}",
    "$x$",
    "$\\frac{1}$",
    "\\",
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "%s%n",
    "../../etc/passwd",
    "/",
    ".",
    "..",
    "~",
    "-",
    "--",
    "--help",
    "null",
    "None",
    "nan",
    "inf",
    "true",
    "0",
    "1e309",
    "9" * 400,
    "x" * 5000,
    "é" * 300,
    "日本",
    "🜚",
    "\U0010ffff",
    "this",
    "antigravity.x",
    "os.path",
)
NUMBERS: tuple[Any, ...] = (
    *(0, 1, -1, 2, 3, 10, 2**31, 2**32, 2**63, -(2**63), 10**400),
    *(0.0, -0.0, 0.5, 1.5, -1.5, 1e-320, 1e308, float("inf"), float("-inf"), float("nan")),
)


class Fault(AssertionError):
    """Something other than an answer or a refusal of one line, or an answer that is wrong."""


class Late(BaseException):
    """A try that took too long; no library catches it on the way."""


class Subject(Protocol):
    """Something that is spoilt."""

    name: str
    share: float
    """Part of all tries."""

    def set_up(self, folder: Path) -> None:
        """Make what all tries share."""

    def attempt(self, seed: int) -> str:
        """Spoil and try: REFUSED or RIGHT; an InputError is a refusal, a Fault a fault."""


@dataclass
class Count:
    """What came of the tries of a subject."""

    subject: str
    tried: int = 0
    refused: int = 0
    right: int = 0
    seconds: float = 0.0
    faults: list[tuple[int, str]] = field(default_factory=list)
    """Seed and words of each fault."""


def source(subject: str, seed: int) -> random.Random:
    """Everything random of a try."""
    return random.Random(f"{subject} {seed}")


def text(rng: random.Random) -> str:
    """A text that somebody might try."""
    kind = rng.randrange(4)
    if kind == 0:
        return rng.choice(NASTY)
    if kind == 1:
        return "".join(rng.choices(string.printable, k=rng.randrange(1, 20)))
    if kind == 2:
        return "".join(chr(rng.randrange(0x110000)) for _ in range(rng.randrange(1, 8)))
    return rng.choice(NASTY) + rng.choice(NASTY)


def spoilt_bytes(rng: random.Random, content: bytes) -> bytes:
    """A file with a few bytes that are other ones, more or fewer."""
    out = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 5, 50))):
        at, length = rng.randrange(len(out) + 1), rng.choice((1, 1, 2, 16, 512))
        kind = rng.randrange(6)
        if kind == 0:
            out[at : at + 1] = bytes([rng.randrange(256)])
        elif kind == 1:
            for place in range(at, min(at + length, len(out))):
                out[place] ^= 1 << rng.randrange(8)
        elif kind == 2:
            del out[at : at + length]
        elif kind == 3:
            out[at:at] = rng.randbytes(length)
        elif kind == 4:
            out[at : at + length] = bytes(length)
        elif rng.random() < 0.3:
            del out[at:]
    return bytes(out)


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """A fault if it takes longer: of the processor's time, and of the clock's if it waits."""

    def late(number: int, frame: object) -> None:
        raise Late(f"took longer than {seconds} s")

    before = {number: signal.signal(number, late) for number in (signal.SIGALRM, signal.SIGPROF)}
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.alarm(WAITING * seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def check_refusal(error: InputError) -> None:
    """A refusal is one line that does nothing to a terminal."""
    said = str(error)
    if len(said) > LONGEST:
        raise Fault(f"a refusal of {len(said)} characters: {said[:100]!r}")
    if not said.isprintable() or "expected" not in said:
        raise Fault(f"a refusal that is no plain line: {said!r}")


def outcome(attempt: Callable[[], str]) -> str:
    """What comes of a try; all but an answer and a refusal is a Fault."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            found = attempt()
        except InputError as error:
            check_refusal(error)
            found = REFUSED
        except (Fault, KeyboardInterrupt):
            raise
        except Late as late:
            raise Fault(str(late)) from None
        except BaseException as error:
            where = error.__traceback__
            while where is not None and where.tb_next is not None:
                where = where.tb_next
            at = (
                f"{Path(where.tb_frame.f_code.co_filename).name}:{where.tb_lineno}" if where else ""
            )
            raise Fault(f"{type(error).__name__} at {at}: {str(error)[:150]!r}") from error
    for one in warned:
        if not issubclass(one.category, UserWarning):  # the package's own are meant to be read
            raise Fault(f"{one.category.__name__} leaks: {str(one.message)[:150]!r}")
    if found not in (REFUSED, RIGHT):
        raise Fault(f"neither refused nor right: {found!r}")
    return found


def run(subject: Subject, seeds: Iterator[int] | range, folder: Path) -> Count:
    """Try a subject, already set up, at each seed."""
    count, began = Count(subject.name), time.monotonic()
    for seed in seeds:
        count.tried += 1
        try:
            with limited(LIMIT * 3 if subject.name.startswith("saved") else LIMIT):
                found = outcome(lambda seed=seed: subject.attempt(seed))
            count.refused += found == REFUSED
            count.right += found == RIGHT
        except (Fault, Late) as fault:
            count.faults.append((seed, str(fault)))
    count.seconds = time.monotonic() - began
    return count
