"""End commands at many random moments and say what came of it.

python tests/kill/kill.py --count 100 --seed 1 --out kill.json
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]


def main() -> int:
    """Run; exit status 1 if there was a fault."""
    from killing import attempt, commands

    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=100)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--command", help="one command only")
    options.add_argument("--out", type=Path, help="JSON of the results")
    asked = options.parse_args()
    known = [one for one in commands() if asked.command in (None, one.name)]
    results = []
    for seed in range(asked.seed, asked.seed + asked.count):
        found = attempt(known[seed % len(known)], seed)
        results.append(found)
        words = "; ".join(found.faults) or ("had finished" if found.finished else "as it should be")
        print(f"{seed}: {found.command}, {found.signal} after {found.after} s: {words}", flush=True)
    rows = Counter((one.command, one.signal) for one in results)
    bad = Counter((one.command, one.signal) for one in results if one.faults)
    counts = [
        {"command": name, "signal": sent, "tried": n, "faults": bad[name, sent]}
        for (name, sent), n in sorted(rows.items())
    ]
    if asked.out is not None:
        at = ["git", "-C", str(HERE), "describe", "--always", "--dirty"]
        commit = subprocess.run(at, capture_output=True, text=True).stdout.strip() or "unknown"
        again = f"make kill COUNT={asked.count} SEED={asked.seed}"
        content = {"command": again, "commit": commit, "counts": counts}
        content |= {"faults": [asdict(one) for one in results if one.faults]}
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        asked.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(f"{len(results)} tried, {sum(bad.values())} with faults")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
