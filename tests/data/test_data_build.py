"""The computed columns follow from the published data."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bayes_alliance.bundled import bundled
from bayes_alliance.data import build
from bayes_alliance.errors import InputError

needs_sources = pytest.mark.skipif(
    not (build.sources() / "cow_nmc.csv").is_file(),
    reason="no source data here; BAYES_ALLIANCE_SOURCES names its folder",
)


@pytest.fixture(scope="module")
def published() -> build.Sources:
    return build.Sources.read(build.sources(), bundled("data"))


@needs_sources
def test_tables_are_as_the_sources_have_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert build.main(["--check"]) == 0, capsys.readouterr().out


@needs_sources
def test_a_changed_number_is_reported_and_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("episodes.csv", "clients.csv", "years.csv", "states.csv"):
        shutil.copy(bundled("data", name), tmp_path / name)
    path = tmp_path / "clients.csv"
    right = path.read_text(encoding="utf-8")
    path.write_text(right.replace("dunkirk-1947,FRN,4.152", "dunkirk-1947,FRN,5"), newline="\n")
    monkeypatch.setenv("BAYES_ALLIANCE_SOURCES", str(build.sources()))
    monkeypatch.setattr(build, "bundled", lambda *parts: tmp_path)
    assert build.main(["--check"]) == 1
    assert "clients.csv row 2" in capsys.readouterr().out
    assert build.main([]) == 0
    assert path.read_text(encoding="utf-8") == right


@needs_sources
def test_hand_checked_numbers(published: build.Sources) -> None:
    assert build.capability_ratio(published, "RUS", "FRN", 1947) == pytest.approx(
        0.145217 / 0.034979, rel=1e-3
    )
    assert build.distance(published, "RUS", "TUR", 1952) == 0
    assert build.distance(published, "CHN", "ROK", 1953) == 0  # Chinese forces in North Korea
    assert build.distance(published, "RUS", "FRN", 1939) > 900  # before the army stood in Germany
    assert build.territorial_disputes(published, "RUS", "TUR", 1952) == 1  # the Straits
    assert build.begun_disputes(published, ["RUS"], ["USA"], 1949) == 1  # Berlin
    assert build.begun_disputes(published, ["RUS"], ["USA", "UKG", "FRN"], 1949) == 1


def test_missing_sources_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BAYES_ALLIANCE_SOURCES", str(tmp_path))
    assert build.main(["--check"]) == 2
    assert "cow_nmc.csv" in capsys.readouterr().err


def test_nearest_year() -> None:
    values = {(1,): {1948: 2.0, 1952: 3.0}}
    assert build.nearest(values, (1,), 1950, 3) == 2.0
    assert build.nearest(values, (1,), 1951, 3) == 3.0
    assert build.nearest(values, (1,), 1960, 3) is None
    assert build.nearest(values, (2,), 1950, 3) is None


def test_states_without_capabilities_are_refused(tmp_path: Path) -> None:
    empty = build.Sources({"RUS": 365, "FRN": 220}, {}, {}, {}, {}, None, None)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="RUS and FRN within 3 years of 1947"):
        build.capability_ratio(empty, "RUS", "FRN", 1947)
