"""What a report collects, without a fit."""

from __future__ import annotations

from importlib import import_module

import pandas as pd
import xarray as xr

from bayes_alliance.data.load import load

results = import_module("bayes_alliance.report.results")


def test_unseen_cases_stand_in_reading_order(monkeypatch):
    """All theatres left out before single cases, cases as they are asked, theories as given."""

    def said(tree, case, by, progress):
        return pd.DataFrame({"probability": [0.5]}, index=pd.Index(["strong"], name="design"))

    data = load("europe", "asia")
    monkeypatch.setattr(results, "unseen", said)
    monkeypatch.setattr(results, "data_of", lambda tree: data)
    trees = [xr.DataTree() for _ in range(2)]
    for tree, theory in zip(trees, ("occupation", "null"), strict=True):
        tree.attrs["theory"] = theory
    found = results._by_case([results._unseen(tree, print) for tree in trees])
    theatre = data.episodes.set_index("episode")["theatre"]
    cases = [case for case in results.ASKED if case in theatre.index]
    assert len(cases) > 1 and theatre[cases].nunique() > 1
    order = [(case, theatre[case]) for case in cases] + [(case, "episode") for case in cases]
    assert list(zip(found["case"], found["without"], found["theory"], strict=True)) == [
        (*pair, name) for pair in order for name in ("occupation", "null")
    ]
