"""Write docs/reliability.md from what `make fuzz` and `make kill` found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HOME = Path(__file__).parents[1]
STORED = HOME / "benchmarks" / "reliability"
PAGE = HOME / "docs" / "reliability.md"
HEAD = """# What happens to bad input, and when something ends a command

Whatever is given to a public function or to the command line ends in an answer, or in one line of
at most 500 characters that says what was expected. This page says how often that was tried and
what came of it. `make fuzz` and `make kill` write its numbers; no number is typed by hand.
"""
FUZZ = """
## Spoilt input

Tables, scenarios, changes of priors, names, saved fits and words of the command line are spoilt by
a seed: other bytes, cells, rows, columns, keys, values and words, from bits that are turned over to
contradictions between tables. A try is *refused* (one line, nothing written), *right* (accepted,
and rules that are written out in `tests/fuzz/`, apart from the code that is tested, find the input
allowed and the result as it stands in the input), or a *fault*: anything else, such as a traceback,
more than five seconds of work, a process that ends, a file written although refused, or an accepted
input that is wrong.
"""
KILL = """
## Commands that are ended

Commands are started as processes and get SIGKILL, SIGTERM or SIGINT at a random moment. Afterwards
every file with a name that was asked for is whole or is not there, nothing that the command started
lives on, and the same command run again ends well (`reproduce` is not run again: it takes minutes).
"""
MISSING = "\nNot run yet.\n"


def table(header: list[str], rows: list[list[Any]]) -> str:
    """A table in Markdown; numbers to the right."""
    numbers = [all(isinstance(row[i], int) for row in rows) for i in range(len(header))]
    lines = [header, ["---:" if number else "---" for number in numbers]]
    lines += [[f"{v:,}" if isinstance(v, int) else v for v in row] for row in rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def of(name: str) -> dict[str, Any] | None:
    """What a run found, if there was one."""
    path = STORED / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def page() -> str:
    """The whole page."""
    out = HEAD + FUZZ
    if (fuzz := of("fuzz")) is None:
        out += MISSING
    else:
        rows = [
            [c["subject"], c["tried"], c["refused"], c["right"], len(c["faults"])]
            for c in fuzz["counts"]
        ]
        rows.append(["all", *(sum(row[i] for row in rows) for i in range(1, 5))])
        header = ["subject", "tried", "refused", "accepted and right", "faults"]
        out += f"\n`{fuzz['command']}` at {fuzz['commit']}:\n\n{table(header, rows)}"
        for count in fuzz["counts"]:
            for seed, _ in count["faults"][:3]:
                again = f'make fuzz SUBJECT="{count["subject"]}" SEED={seed} COUNT=1'
                out += f"\nAn open fault: `{again}`.\n"
    out += KILL
    if (kill := of("kill")) is None:
        out += MISSING
    else:
        rows = [[c["command"], c["signal"], c["tried"], c["faults"]] for c in kill["counts"]]
        rows.append(["all", "", sum(r[2] for r in rows), sum(r[3] for r in rows)])
        header = ["command", "signal", "tried", "faults"]
        out += f"\n`{kill['command']}` at {kill['commit']}:\n\n{table(header, rows)}"
    return out


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
