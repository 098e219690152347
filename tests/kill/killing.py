"""Commands ended at random moments, as real processes, and what must hold afterwards."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import xarray as xr

import bayes_alliance as ba
from bayes_alliance.data.build import sources

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
MARK = "BAYES_ALLIANCE_KILL"
SMALL = ("--draws", "20", "--tune", "20", "--chains", "2")
READY = 6
"""Seconds in which Python has read what the command needs to end in good order."""
PATIENCE = 120
"""Seconds in which everything has ended after a signal."""


@dataclass(frozen=True)
class Command:
    """A command, its longest time until the signal, and whether it is run again to the end."""

    name: str
    words: tuple[str, ...]
    longest: float
    again: bool = True


def commands() -> list[Command]:
    """The commands that write; ``OUT`` stands for a fresh place."""
    study = ("compare", "--study", "--data", "europe", "--theories", "null", "--limit", "1")
    found = [
        Command("fit", ("fit", "null", "--data", "europe", *SMALL, "--out", "OUT/fit.nc"), 15),
        Command("compare --study", (*study, "--workers", "1", *SMALL, "--out", "OUT/study"), 30),
        Command("reproduce", ("reproduce", *SMALL, "--out", "OUT/report"), 40, again=False),
    ]
    if sources().is_dir():
        found.append(Command("data build", ("data", "build", "--out", "OUT/tables"), 25))
    return found


@dataclass
class Result:
    """What came of one try."""

    command: str
    signal: str
    after: float
    finished: bool
    faults: list[str] = field(default_factory=list)


def attempt(command: Command, seed: int) -> Result:
    """Start a command, end it by a signal at a random moment, and look at what is left."""
    rng = random.Random(f"{command.name} {seed}")
    number, after = rng.choice(SIGNALS), rng.uniform(0.2, command.longest)
    to_group = number == signal.SIGINT and rng.random() < 0.5  # as a terminal does
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out")
        out.mkdir()
        result = Result(command.name, signal.Signals(number).name, round(after, 2), False)
        mark = uuid.uuid4().hex
        process = start(command, out, mark)
        try:
            process.wait(after)
            result.finished = True
        except subprocess.TimeoutExpired:
            (os.killpg if to_group else os.kill)(process.pid, number)
        said = ended(process, result, number, after)
        orphans(mark, result)
        whole(out, number == signal.SIGKILL, result)
        if command.again and not result.faults:
            run = start(command, out, uuid.uuid4().hex)
            words = run.communicate(timeout=300)[0].decode()
            if run.returncode:
                result.faults.append(f"run again: exit status {run.returncode}: {words[-300:]!r}")
            whole(out, number == signal.SIGKILL, result, complete=True)
        if result.faults:
            result.faults.append(f"it said: {said[-300:]!r}")
    return result


def start(command: Command, out: Path, mark: str) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own; processes that it starts carry the mark."""
    words = [word.replace("OUT", str(out)) for word in command.words]
    return subprocess.Popen(
        [sys.executable, "-m", "bayes_alliance.cli", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        # a shell's background has interruptions ignored, and hands that on
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        cwd=out,
        env=os.environ | {MARK: mark},
    )


def ended(process: subprocess.Popen[bytes], result: Result, number: int, after: float) -> str:
    """Wait for the end, and judge how it was said."""
    try:
        said = process.communicate(timeout=PATIENCE)[0].decode(errors="replace")
    except subprocess.TimeoutExpired:
        result.faults.append(
            f"still there {PATIENCE} s after the signal, or something that it started"
        )
        os.killpg(process.pid, signal.SIGKILL)
        return process.communicate()[0].decode(errors="replace")
    # ended by the signal itself before its handler is there, or as Python ends after the last line
    allowed = {0, -number, 128 + number}
    if process.returncode not in allowed:
        result.faults.append(f"exit status {process.returncode} after {result.signal}")
    if "Traceback" in said and after >= READY:
        result.faults.append("a traceback")
    return said


def orphans(mark: str, result: Result) -> None:
    """Nothing that the command started lives on."""
    deadline = time.monotonic() + PATIENCE
    while (alive := marked(mark)) and time.monotonic() < deadline:
        time.sleep(0.2)
    if alive:
        result.faults.append(f"{len(alive)} processes live on: {sorted(alive.values())[:3]}")
        for pid in alive:
            os.kill(pid, signal.SIGKILL)


def marked(mark: str) -> dict[int, str]:
    """Processes that carry a mark, with their command lines."""
    out = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (place / "environ").read_bytes().split(b"\0"):
                out[int(place.name)] = (
                    (place / "cmdline").read_bytes().replace(b"\0", b" ").decode()[-150:]
                )
        except OSError:  # it has ended
            continue
    return out


def whole(out: Path, killed: bool, result: Result, complete: bool = False) -> None:
    """Every file with a name that was asked for can be read; the rest lies under hidden names."""
    files = [p for p in out.rglob("*") if p.is_file()]
    for path in files:
        if any(part.startswith(".") for part in path.relative_to(out).parts):
            if not killed:
                result.faults.append(f"left behind: {path.relative_to(out)}")
            continue
        try:
            if path.suffix == ".nc" and ".formation" not in path.name and "study" not in path.parts:
                ba.open(path)
            elif path.suffix in (".json", ".csv", ".html", ".svg"):
                content = path.read_text(encoding="utf-8")
                ends = {".json": "}\n", ".csv": "\n", ".html": "</html>\n", ".svg": "</svg>\n"}
                right = content.rstrip().endswith(ends[path.suffix].rstrip())
                if not right:
                    raise ValueError(f"ends in {content[-20:]!r}")
        except Exception as error:
            result.faults.append(f"{path.relative_to(out)} is not whole: {error}"[:300])
    if complete and not files:
        result.faults.append("run again, and nothing is written")


def spoilt_cache(folder: Path, seed: int) -> int:
    """Cut, flip, empty or exchange every file that was kept of compilations: how many."""
    rng = random.Random(seed)
    kept = sorted(p for p in folder.rglob("*") if p.is_file() and p.parent.name == "bayes_alliance")
    contents = [path.read_bytes() for path in kept]
    for i, path in enumerate(kept):
        content, kind = contents[i], (i + seed) % 4
        if kind == 0:
            path.write_bytes(content[: rng.randrange(len(content))])
        elif kind == 1:
            at = rng.randrange(len(content))
            path.write_bytes(content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :])
        elif kind == 2:
            path.write_bytes(contents[(i + 1) % len(contents)])  # made for something else
        else:
            path.write_bytes(b"")
    return len(kept)


def fit_with_cache(cache: Path, out: Path) -> xr.DataTree:
    """A fit by a process that keeps what it compiles in a folder of its own."""
    flags = {"PYTENSOR_FLAGS": f"base_compiledir={cache}"}
    words = ["fit", "null", "--data", "europe", *SMALL, "--out", str(out)]
    command = [sys.executable, "-m", "bayes_alliance.cli", *words]
    done = subprocess.run(command, capture_output=True, env=os.environ | flags, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    return ba.open(out)


def free() -> bool:
    """Whether signals and processes are as these tests need them."""
    return Path("/proc/self/environ").exists() and shutil.which("sh") is not None
