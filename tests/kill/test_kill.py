"""A command that is ended at any moment leaves whole files or none, no process and no lock."""

from __future__ import annotations

from pathlib import Path

import pytest
from killing import attempt, commands, fit_with_cache, free, spoilt_cache

pytestmark = pytest.mark.skipif(not free(), reason="processes are looked for in /proc")
KNOWN = {one.name: one for one in commands()}


@pytest.mark.parametrize("seed", range(2, 7))
def test_a_fit_that_is_ended_leaves_nothing_half_done(seed: int) -> None:
    found = attempt(KNOWN["fit"], seed)  # make kill has the other commands too
    assert not found.faults, found


def test_garbled_machine_code_is_made_again_and_never_run(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    whole = fit_with_cache(cache, tmp_path / "whole.nc")
    assert spoilt_cache(cache, seed=1)
    again = fit_with_cache(cache, tmp_path / "again.nc")
    for group in ("posterior", "log_likelihood", "posterior_predictive"):
        assert whole[group].to_dataset().equals(again[group].to_dataset())
