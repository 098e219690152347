"""Damaged files of a study are refused, whatever became of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bayes_alliance.compare.curve import comparison_curve, hypothesis_curve
from bayes_alliance.compare.specifications import specification
from bayes_alliance.compare.study import open_study, seal
from bayes_alliance.errors import InputError

DATA, THEORIES = ["europe"], ["occupation", "null"]
SPECIFICATIONS = [specification(DATA), specification(DATA, frames=False)]


def result(theory: str) -> dict[str, Any]:
    """Plain content as a fit gives it."""
    said = dict.fromkeys(("estimate", "lower", "upper", "probability", "prior_probability"), 0.5)
    return {
        "inputs": {"theory": theory, "code": "c", "versions": {"pymc": "6"}},
        "problems": [],
        "diagnostics": {"rhat_max": 1.0},
        "scores": {known: {"a": -2.5, "b": -1.25} for known in ("indicators", "commitments")},
        "pareto_k": {"a": 0.125, "b": None},
        "good_k": 0.7,
        "hypotheses": {"H1": said},
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that is done."""
    place = tmp_path_factory.mktemp("study")
    (place / "fits").mkdir()
    changed = [dict(s.changed) for s in SPECIFICATIONS]
    asked = {"data": DATA, "theories": THEORIES, "specifications": changed}
    (place / "study.json").write_text(json.dumps(seal(asked)), encoding="utf-8")
    for s in SPECIFICATIONS:
        for theory in THEORIES:
            path = place / "fits" / f"{s.hash}-{theory}.json"
            path.write_text(json.dumps(seal(result(theory))), encoding="utf-8")
    return place


def numbers(place: Path) -> tuple[str, str]:
    """All that is shown of a study."""
    study = open_study(place)
    return comparison_curve(study).to_csv(), hypothesis_curve(study).to_csv()


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """A file after bytes were changed, lost or added."""
    at = draw(st.integers(0, len(content) - 1))
    end = draw(st.sampled_from([at, at + 1, at + draw(st.integers(1, 64)), len(content)]))
    return content[:at] + draw(st.binary(max_size=4)) + content[end:]


@given(st.data())
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_damaged_file_is_refused_in_one_line_or_reads_as_it_was(
    folder: Path, data: st.DataObject
) -> None:
    before = numbers(folder)
    path = data.draw(st.sampled_from(sorted(folder.rglob("*.json"))))
    content = path.read_bytes()
    path.write_bytes(data.draw(damaged(content)))
    try:
        assert numbers(folder) == before
    except InputError as error:
        assert path.name in str(error) and len(str(error)) <= 500
    finally:
        path.write_bytes(content)


VALUES = st.sampled_from([None, True, -1, 1e308, "", "x" * 9, [], {}, [None], {"a": {}}])


@given(st.data())
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_changed_tree_is_refused_in_one_line(folder: Path, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(folder.rglob("*.json"))))
    content = path.read_bytes()
    tree = json.loads(content)
    part = tree
    while True:
        key = data.draw(
            st.sampled_from(sorted(part) if isinstance(part, dict) else range(len(part)))
        )
        deeper = isinstance(part[key], (dict, list)) and part[key]
        if not deeper or data.draw(st.booleans()):
            break
        part = part[key]
    changed = data.draw(VALUES.filter(lambda value: value != part[key]))
    part[key] = changed
    path.write_text(json.dumps(tree), encoding="utf-8")
    try:
        with pytest.raises(InputError) as said:
            open_study(folder)
        assert path.name in str(said.value) and len(str(said.value)) <= 500
    finally:
        path.write_bytes(content)
