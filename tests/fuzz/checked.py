"""The share of each subject in the two thousand tries of the tests."""

from __future__ import annotations

from pathlib import Path

from engine import run
from fuzzing import subjects, tries

COUNT, SEED = 2000, 1
KNOWN = subjects()
SHARES = tries(COUNT, None, KNOWN)


def check_subject(name: str, folder: Path) -> None:
    """Try a subject; every fault is named with what shows it again."""
    KNOWN[name].set_up(folder)
    found = run(KNOWN[name], range(SEED, SEED + SHARES[name]), folder)
    shown = "\n".join(f"SEED={seed} COUNT=1: {words}" for seed, words in found.faults[:20])
    assert not found.faults, f'make fuzz SUBJECT="{name}"\n{shown}'
    assert found.refused + found.right == SHARES[name]
    assert found.refused > SHARES[name] / 20, "too little was spoilt"
