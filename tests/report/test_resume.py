"""A whole job that goes on where an interruption ended it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bayes_alliance.data.load import load
from bayes_alliance.report.reproduce import _fitted

SMALL = {"draws": 20, "tune": 20, "chains": 1, "seed": 1}


def test_a_fit_that_is_whole_is_used_again_and_no_other(tmp_path: Path) -> None:
    data, file = load("europe"), tmp_path / "null.nc"

    def made(**other: int) -> tuple[bool, np.ndarray]:
        told: list[str] = []
        tree = _fitted("null", data, file, SMALL | other, told.append)
        return "null: sample" in told, tree["posterior"]["hazard_0"].to_numpy()

    fresh, first = made()
    assert fresh
    again, second = made()
    assert not again and np.array_equal(first, second)
    assert made(seed=2)[0], "another seed is another fit"
    assert made()[0], "the file has the other seed's"
    file.write_bytes(file.read_bytes()[:-9])
    after, third = made()
    assert after and np.array_equal(first, third), "a damaged file is made anew"
