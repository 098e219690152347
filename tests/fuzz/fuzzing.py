"""Try many seeded mutations of every subject, on all cores, and say what came of them.

    python tests/fuzz/fuzzing.py --count 50000 --seed 1 [--subject tables] [--out fuzz.json]

A fault is printed with the seed that shows it again: ``make fuzz SEED=... SUBJECT=... COUNT=1``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]


def subjects() -> dict[str, Any]:
    """All subjects by name."""
    from of_fits import Bytes, Trees
    from of_names import Names
    from of_priors import PriorChanges
    from of_scenarios import Scenarios
    from of_tables import Tables
    from of_words import Words

    made = (Tables(), Scenarios(), PriorChanges(), Names(), Words(), Bytes(), Trees())
    return {one.name: one for one in made}


def tries(count: int, chosen: str | None, known: dict[str, Any]) -> dict[str, int]:
    """How many tries each subject gets."""
    if chosen is not None:
        return {chosen: count}
    shares = {name: one.share for name, one in known.items()}
    total = sum(shares.values())
    out = {name: round(count * share / total) for name, share in shares.items()}
    first = next(iter(out))
    return out | {first: out[first] + count - sum(out.values())}


def work(asked: dict[str, int], seed: int, part: int, parts: int) -> list[dict[str, Any]]:
    """Every so-manieth try of each subject."""
    from engine import run

    known, out = subjects(), []
    for name, count in asked.items():
        with tempfile.TemporaryDirectory() as folder:
            known[name].set_up(Path(folder))
            out.append(
                asdict(run(known[name], range(seed + part, seed + count, parts), Path(folder)))
            )
        print(f"{name}: {out[-1]['tried']} tries in {out[-1]['seconds']:.0f} s", file=sys.stderr)
    return out


def together(parts: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Sums over the processes."""
    out: dict[str, dict[str, Any]] = {}
    for one in (count for part in parts for count in part):
        whole = out.setdefault(one["subject"], {k: type(v)() for k, v in one.items()})
        for key, value in one.items():
            whole[key] = value if key == "subject" else whole[key] + value
    return list(out.values())


def commit() -> str:
    """What is tested."""
    found = subprocess.run(
        ["git", "-C", str(HERE), "describe", "--always", "--dirty"], capture_output=True, text=True
    )
    return found.stdout.strip() or "unknown"


def main() -> int:
    """Run; exit status 1 if there was a fault."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=2000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--subject")
    options.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options.add_argument("--out", type=Path, help="JSON of the counts")
    options.add_argument("--part", type=int, help=argparse.SUPPRESS)
    asked = options.parse_args()
    shares = tries(asked.count, asked.subject, subjects())
    if asked.part is not None:
        print(json.dumps(work(shares, asked.seed, asked.part, asked.jobs)))
        return 0
    command = [sys.executable, __file__, "--count", str(asked.count), "--seed", str(asked.seed)]
    command += ["--jobs", str(asked.jobs), *(["--subject", asked.subject] if asked.subject else [])]
    running = [
        subprocess.Popen([*command, "--part", str(part)], stdout=subprocess.PIPE, text=True)
        for part in range(asked.jobs)
    ]
    said = [process.communicate()[0] for process in running]
    if any(process.returncode for process in running):
        print("a process ended before its work was done", file=sys.stderr)
        return 1
    counts = together([json.loads(one.splitlines()[-1]) for one in said])
    show(counts)
    if asked.out is not None:
        again = f"make fuzz COUNT={asked.count} SEED={asked.seed}"
        content = {"command": again, "commit": commit(), "counts": counts}
        asked.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return int(any(one["faults"] for one in counts))


def show(counts: list[dict[str, Any]]) -> None:
    """Print the counts, and each fault with what shows it again."""
    print(f"{'subject':<20}{'tried':>8}{'refused':>9}{'right':>8}{'faults':>8}")
    for one in counts:
        row = one["tried"], one["refused"], one["right"], len(one["faults"])
        print(f"{one['subject']:<20}{row[0]:>8}{row[1]:>9}{row[2]:>8}{row[3]:>8}")
    for one in counts:
        for seed, words in one["faults"]:
            print(f'make fuzz SUBJECT="{one["subject"]}" SEED={seed} COUNT=1  # {words[:300]}')


if __name__ == "__main__":
    sys.exit(main())
