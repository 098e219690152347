"""Words of the command line: an answer, or one line with exit status 2 and nothing written."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from random import Random

from engine import LONGEST, REFUSED, RIGHT, Fault, source, text

from bayes_alliance import cli
from bayes_alliance.bundled import bundled
from bayes_alliance.forecast.scenario import bundled_scenarios
from bayes_alliance.names import NAMES

ANSWERS = (
    ("theories",),
    ("theories", "--json"),
    ("forecast", "--list"),
    ("forecast", "--list", "--json"),
    ("data", "describe", "europe", "--json"),
    ("data", "describe", "tables", "--json"),
    ("data", "check", "tables"),
    ("data", "check", "tables/clients.csv"),
    ("--help",),
    ("fit", "--help"),
    ("data", "build", "--help"),
)
"""Commands that are quick."""
REFUSALS = (
    ("fit", "null", "--out", "fit.nc", "--data", "nowhere"),
    ("fit", "nul", "--out", "fit.nc"),
    ("fit", "null", "--out", "fit.txt"),
    ("fit", "null", "--out", "fit.nc", "--draws", "0"),
    ("fit", "null", "--out", "fit.nc", "--priors", "no.toml"),
    ("fit", "null", "--out", "tables/clients.csv"),
    ("compare", "no.nc", "tables"),
    ("compare", "tables/clients.csv"),
    ("compare", "--study", "--limit", "0"),
    ("compare", "--study", "no.nc"),
    ("check", "no.nc"),
    ("check", "tables/clients.csv", "--quantity", "x"),
    ("hypotheses", "tables"),
    ("report", "no.nc", "--out", "tables/clients.csv"),
    ("reproduce", "--out", "tables/clients.csv"),
    ("forecast", "quad-status-quo", "no.nc", "--out", "a.csv"),
    ("forecast", "tables/clients.csv", "no.nc"),
    ("forecast", "--explore", "no.nc", "--out", "page.html"),
    ("data", "describe", "nowhere"),
    ("data", "describe", "europe", "--coding", "k=3"),
    ("data", "check", "nowhere.csv"),
    ("data", "build", "--sources", "nowhere", "--out", "built"),
)
"""Commands that are refused before long work."""
ENVIRONMENT = ("COLUMNS", "LINES", "TERM", "NO_COLOR", "FORCE_COLOR", "LC_ALL", "PYTHONIOENCODING")


class Words:
    """Words, some of them changed, of the command run in this process."""

    name, share = "command line", 0.1

    def set_up(self, folder: Path) -> None:
        """A folder with tables in it; the unchanged commands do what they should."""
        self.tables = folder / "words" / "tables"
        self.tables.mkdir(parents=True)
        for name in ("episodes", "clients", "years", "codings"):
            shutil.copy(bundled("data", f"{name}.csv"), self.tables)
        for words in ANSWERS:
            assert self._try(words) == RIGHT, words
        for words in REFUSALS:
            assert self._try(words) == REFUSED, words

    def attempt(self, seed: int) -> str:
        """Change words of a command."""
        rng = source(self.name, seed)
        refusal = rng.random() < 0.6
        words = list(rng.choice(REFUSALS if refusal else ANSWERS))
        changed = rng.random() < 0.9
        if changed:
            words = spoilt(rng, words)
        before = dict(os.environ)
        if rng.random() < 0.2:
            os.environ[rng.choice(ENVIRONMENT)] = rng.choice(
                ("1", "0", "-3", "", "dumb", "wide", "9" * 30)
            )
        try:
            return self._try(tuple(words))
        finally:
            os.environ.clear()
            os.environ.update(before)

    def _try(self, words: tuple[str, ...]) -> str:
        place = self.tables.parent
        before = listing(place)
        out, err = io.StringIO(), io.StringIO()
        argv, status = sys.argv, 0
        sys.argv = ["bayes-alliance", *words]
        try:
            with chdir(place), redirect_stdout(out), redirect_stderr(err):
                cli.main()
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        finally:
            sys.argv = argv
        said, shown = err.getvalue(), out.getvalue()
        if status not in (0, 2):
            raise Fault(f"exit status {status} of {words!r}: {said[-200:]!r}")
        if (after := listing(place)) != before:
            for path in after - before:
                made = place / path[0]
                shutil.rmtree(made) if made.is_dir() else made.unlink(missing_ok=True)
            if status == 2:
                raise Fault(f"refused and written: {after ^ before} by {words!r}")
        for line in (said + shown).splitlines():
            if "\x1b" in line or "\x9b" in line or "\0" in line:
                raise Fault(f"orders to the terminal in {line!r} of {words!r}")
        if status == 2:
            lines = [line for line in said.split("\n") if line and not line.startswith("[")]
            right = len(lines) == 1 and lines[0].startswith("bayes-alliance: ")
            if not right or shown or len(lines[0]) > LONGEST + 20 or not lines[0].isprintable():
                raise Fault(
                    f"a refusal of {words!r} that is no plain line: {said[:300]!r} {shown[:80]!r}"
                )
            return REFUSED
        if "--json" in words and "--help" not in words:
            content = json.loads(shown)
            if words[0] == "theories" and list(content) != list(NAMES):
                raise Fault("other theories")
            if words[0] == "forecast" and list(content) != bundled_scenarios():
                raise Fault("other scenarios")
        return RIGHT


def listing(place: Path) -> set[tuple[str, int, int]]:
    """Files with their sizes and times."""
    found = ((path, path.lstat()) for path in place.rglob("*"))
    return {(str(path.relative_to(place)), s.st_size, s.st_mtime_ns) for path, s in found}


def spoilt(rng: Random, words: list[str]) -> list[str]:
    """Words with a few changed, left out, repeated or added."""
    for _ in range(rng.choice((1, 1, 2))):
        at, kind = rng.randrange(len(words) + 1), rng.randrange(6)
        if kind == 0 and words:
            del words[at % len(words)]
        elif kind == 1 and len(words) > 1:
            words[1 + at % (len(words) - 1)] = text(rng)
        elif kind == 2:
            words.insert(at, text(rng))
        elif kind == 3 and words:
            words.insert(at, rng.choice(words))
        elif kind == 4:
            words.insert(
                at, rng.choice(("--json", "--nonsense", "--seed", "-h", "--", "--help=1", "--out"))
            )
        elif words:
            rng.shuffle(words)
    slow = {"asymmetric", "variants", "reproduce", "--study"} & set(
        words
    ) and "--limit" not in words
    if slow and not ({"tables/clients.csv"} & set(words)):
        return ["data", *words[:1]]
    if "describe" in words and "--out" in words:  # draws
        return [*words, "nowhere"]
    return [*words, "--data", "nowhere"] if "fit" in words and "--help" not in words else words
