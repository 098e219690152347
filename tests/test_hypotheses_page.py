"""The page of hypotheses, composed from numbers made up by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module
from itertools import combinations
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from bayes_alliance.theories import get

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
UNFRAMED = "prospect, without coded frames"
PROSPECT = len(get("prospect").HYPOTHESES)
ALL = len(get("occupation").HYPOTHESES) + PROSPECT
WHERE = ("europe", "asia", "asymmetric")
FITS = ("occupation", "prospect", "geography", "power", "identity", "threat", "both", UNFRAMED)


@pytest.fixture(scope="module")
def pages() -> Iterator[SimpleNamespace]:
    """The two modules that compose pages; they are scripts and lie outside the package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield SimpleNamespace(fits=import_module("fits"), page=import_module("hypotheses_page"))


@pytest.fixture(scope="module")
def composer(pages) -> ModuleType:
    return pages.page


def row(where: str, fit: str, problems: tuple[str, ...] = ()) -> dict[str, Any]:
    """A stored fit in which every hypothesis is as likely as not, and the data move it."""
    found = {
        h.name: {
            "words": h.words,
            "estimate": 0.25,
            "lower": -1.5,
            "upper": 2.0,
            "expected": "above 0" if h.direction > 0 else "below 0",
            "probability": 0.5,
            "prior_mean": 0.0,
            "prior_lower": -2.0,
            "prior_upper": 2.0,
            "prior_probability": 0.51,
            "moved_prior": 0.01,
            "moved_likelihood": 0.2,
        }
        for h in get(fit.partition(",")[0]).HYPOTHESES
    }
    return {
        "dataset": where,
        "fit": fit,
        "seconds": 61.4,
        "ess_per_second": 20.04,
        "steps": 15.2,
        "rhat_max": 1.004,
        "ess_bulk_min": 1000.0,
        "ess_tail_min": 900.0,
        "ebfmi_min": 0.87,
        "divergences": 0,
        "problems": list(problems),
        "hypotheses": found,
        "commit": "abc1234",
        "date": "2026-01-02",
    }


def store(*keys: str) -> dict[str, Any]:
    """A store of these fits; without any named, of all."""
    keys = keys or tuple(f"{where}/{fit}" for where in WHERE for fit in FITS)
    fits = {key: row(*key.split("/")) for key in keys}
    about = {"command": "make fits", "versions": {"pymc": "6.1.2"}}
    return about | {"defaults": {"chains": 2, "draws": 40, "tune": 30}, "fits": fits}


def change(stored: dict[str, Any], key: str, hypothesis: str, **values: Any) -> None:
    stored["fits"][key]["hypotheses"][hypothesis] |= values


def text_of(paragraphs: list[str]) -> str:
    return "\n".join(paragraphs)


@pytest.mark.parametrize(
    ("probability", "said"),
    [
        (0.95, "supported"),
        (0.9499, "undecided"),
        (0.5, "undecided"),
        (0.0501, "undecided"),
        (0.05, "refuted"),
    ],
)
def test_verdict_by_threshold(composer, probability, said):
    stored = store("europe/occupation")
    change(stored, "europe/occupation", "H1", probability=probability)
    assert composer.said_of(stored, "europe", "occupation", "H1") == said
    assert composer.said_of(stored, "europe", "occupation", "H2") == "undecided"


def test_answers_are_counted_and_named(composer):
    stored = store()
    change(stored, "asia/occupation", "H1", probability=0.96, prior_probability=0.7)
    change(stored, "asymmetric/prospect", "H2", probability=0.03)
    first, places, *_ = composer.plain(stored)
    assert f"carried by {ALL} estimands, each asked of 3 datasets: {3 * ALL} questions." in first
    # the data support nothing in all datasets
    assert f"support 1, refute 1, and leave {3 * ALL - 2} undecided. A hypothesis is" in first
    europe, asia, rest = composer.dataset_sentences(stored)
    assert places == " ".join((europe, asia, rest))
    assert europe == (
        "**Europe**: the data support none, refute none and leave all of them undecided."
    )
    assert asia.startswith(
        "**Asia**: the data support occupation H1 (patrons want clients to commit to their own "
        "security first: 0.96, 0.70 before the data), refute none and leave "
        "occupation H2, H3"
    )
    assert "refute prospect H2 (under low threat" in rest
    assert "0.03, 0.51 before the data)" in rest


def test_what_all_datasets_hold_is_said(composer):
    stored = store()
    for where in WHERE:
        change(stored, f"{where}/occupation", "H7", probability=0.99)
        change(stored, f"{where}/prospect", "H1", probability=0.01)
    first = composer.plain(stored)[0]
    assert f"support 3, refute 3, and leave {3 * ALL - 6} undecided." in first
    assert "By all datasets supported: occupation H7." in first
    assert "By all datasets refuted: prospect H1." in first


def test_incomplete_store(composer):
    stored = store("europe/occupation")
    assert f"leave 7 undecided; not fitted yet: {3 * ALL - 7}." in composer.plain(stored)[0]
    text = composer.page(stored, composer.drawn(stored))
    assert "**Asia**: neither theory is fitted yet." in text
    assert "; not fitted yet: prospect H1, H2, " in text
    assert "Nothing can be said yet of the two theories" in text
    assert "What the coded frames change cannot be said for Europe, Asia and all" in text
    rows, rivals = ALL + PROSPECT, 5
    assert text.count("*not fitted yet*") == 3 * (rows + rivals) - 7
    assert "Not fitted yet: 15." in composer.rival_sentence(stored)


def test_store_of_an_older_theory_lacks_a_hypothesis(composer):
    stored = store()
    del stored["fits"]["asia/prospect"]["hypotheses"]["H2"]
    assert "; not fitted yet: 1." in composer.plain(stored)[0]
    assert "; not fitted yet: prospect H2." in composer.dataset_sentences(stored)[1]
    assert composer.drawn(stored) is not None


def test_empty_store(composer, pages):
    stored = store() | {"fits": {}}
    assert composer.drawn(stored) is None
    text = composer.page(stored, None)
    assert "![" not in text and "At a glance" not in text
    assert f"refute none, and leave none undecided; not fitted yet: {3 * ALL}." in text
    assert "No fit that could be trusted" in text
    assert "Not fitted yet: europe: occupation;" in pages.fits.page(stored)


def test_a_fit_that_failed_holds_nothing(composer):
    stored = store()
    stored["fits"]["asymmetric/prospect"]["problems"] = ["R-hat 1.14 at k_gain"]
    change(stored, "asymmetric/prospect", "H1", probability=0.99, moved_prior=0.3)
    change(stored, "asymmetric/prospect", "H1", moved_likelihood=0.01)
    first, places, frames, prior, together, _ = composer.plain(stored)
    trusted = 3 * ALL - PROSPECT
    assert f"support none, refute none, and leave {trusted} undecided; resting on fits" in first
    assert f"not to be trusted: {PROSPECT}." in first
    assert "; on a fit that is not to be trusted rest prospect H1, H2, " in places
    assert f"among the {2 * PROSPECT} of the prospect theory that can be compared" in frames
    assert "cannot be said for all asymmetric alliances" in frames
    assert "prospect" not in prior and "in all asymmetric alliances none (of 7)" in prior
    assert f"among the {trusted} that can be compared" in together
    cell = composer.cell(composer.answer(stored, "asymmetric", "prospect", "H1"))
    assert cell.endswith("<br>**fit not to be trusted**")
    failed = [s.label for found in composer.series(stored).values() for s in found if s.failed]
    assert failed == ["prospect in all asymmetric alliances"]
    figure = composer.drawn(stored)
    assert "Dashed intervals come from fits that are not to be trusted." in figure.caption
    assert "Dashed" not in composer.drawn(store()).caption


def test_what_changes_without_coded_frames(composer):
    stored = store()
    same = composer.frame_sentences(stored)
    among = f"among the {3 * PROSPECT} of the prospect theory that can be compared"
    assert same[0].startswith(f"Without the coded frames no answer changes {among}")
    assert len(same) == 1
    change(stored, "asia/prospect", "H1", probability=0.96)
    change(stored, f"asia/{UNFRAMED}", "H1", probability=0.8)
    assert composer.frame_sentences(stored) == [
        "Without the coded frames the answer changes for Asia, H1 (supported; without, undecided) "
        f"{among}; the probability of the "
        "expected direction moves by 0.16 at most (Asia, H1: 0.96 to 0.80)."
    ]


def test_where_only_the_prior_speaks(composer):
    stored = store()
    change(stored, "asia/occupation", "H3", moved_prior=0.1, moved_likelihood=0.01)
    change(stored, "asia/occupation", "H4", moved_prior=0.1, moved_likelihood=0.1)
    change(stored, "europe/prospect", "H1", moved_prior=None, moved_likelihood=None)
    text = text_of(composer.prior_sentences(stored))
    assert f"in Asia occupation H3 (of {ALL})" in text
    assert f"in Europe none (of {ALL}), not computed for prospect H1" in text
    moved = [composer.answer(stored, "asia", "occupation", h)["moved"] for h in ("H2", "H3", "H4")]
    assert moved == [
        "the data move it",
        "potential strong prior / weak likelihood",
        "potential prior-data conflict",
    ]
    older = stored["fits"]["asia/occupation"]["hypotheses"]["H1"]
    del older["moved_prior"], older["moved_likelihood"]
    assert composer.answer(stored, "asia", "occupation", "H1")["moved"] == "not computed"


def test_a_name_with_and_stays_one_name(composer):
    assert composer.grouped([("prospect", "H1"), ("prospect", "H1 and H2"), ("x", "A")]) == (
        "prospect H1 and H1 with H2, and x A"
    )


def test_both_theories_together(composer):
    stored = store()
    assert f"no answer changes among the {3 * ALL}" in composer.together_sentence(stored)
    change(stored, "europe/both", "occupation H6", probability=0.02)
    assert (
        "changes for Europe, occupation H6 (undecided; together, refuted) among the "
        in composer.together_sentence(stored)
    )


def test_rivals(composer):
    stored = store()
    change(stored, "asymmetric/geography", "G1", probability=0.03)
    stored["fits"]["asia/threat"]["problems"] = ["divergences"]
    assert composer.rival_sentence(stored) == (
        "The data support none and refute geography G1 (all asymmetric alliances); 12 are "
        "undecided. Resting on fits that are not to be trusted: 2."
    )


def test_tables_have_as_many_cells_in_every_row(composer):
    stored = store("asia/prospect", "asia/geography")
    articles, rivals = composer.articles_table(stored), composer.rivals_table(stored)
    for table, rows in ((articles, ALL + PROSPECT), (rivals, 5)):
        assert len({line.count("|") for line in table}) == 1
        assert len(table) == rows + 2


def test_cell_has_posterior_prior_and_what_moves_it(composer):
    stored = store("europe/occupation")
    change(stored, "europe/occupation", "H2", estimate=-0.004, probability=0.9499)
    cell = composer.cell(composer.answer(stored, "europe", "occupation", "H2"))
    assert cell.split("<br>") == [
        "0.00 (−1.50 to 2.00)",
        "Pr 0.94",
        "prior 0.00 (−2.00 to 2.00), Pr 0.51",
        "the data move it",
        "undecided",
    ]


def test_forest_tells_datasets_and_fits_apart(composer):
    stored = store()
    figure = composer.drawn(stored)
    entries = [t.get_text() for t in figure.figure.legends[0].get_texts()]
    assert entries[:4] == [
        "Europe",
        "Asia",
        "All asymmetric alliances",
        "open: without coded frames",
    ]
    found = composer.series(stored)
    assert [len(v) for v in found.values()] == [3, 6]
    looks = {(s.colour, s.marker, s.hollow) for s in found["The prospect theory"]}
    assert len(looks) == 6
    assert len({marker for _, marker, _ in looks}) == 3
    part = composer.drawn(store("asia/occupation"))
    assert part.figure.legends[0].get_texts()[0].get_text() == "Asia"
    # deuteranopia as of Machado, Oliveira & Fernandes (2009), severity 1
    seen = np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]])
    for (one, _), (two, _) in combinations(composer.LOOKS.values(), 2):
        assert np.linalg.norm(seen @ (np.array(to_rgb(one)) - np.array(to_rgb(two)))) > 0.25


def test_writes_the_same_files_every_time(composer, tmp_path, monkeypatch):
    (tmp_path / "store.json").write_text(json.dumps(store()), encoding="utf-8")
    contents = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(composer, "PAGE", tmp_path / name / "hypotheses.md")
        monkeypatch.setattr(composer, "FIGURE", tmp_path / name / "hypotheses.svg")
        assert composer.write(tmp_path / "store.json") == 0
        contents.append({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()})
    assert set(contents[0]) == {"hypotheses.md", "hypotheses.svg"}  # nothing half written
    assert contents[0] == contents[1]
    assert b"figures/hypotheses.svg" in contents[0]["hypotheses.md"]


def test_page_of_diagnostics(pages):
    stored = store("europe/occupation", "asia/prospect")
    stored["fits"]["asia/prospect"]["problems"] = ["R-hat 1.14 at k_gain", "bulk ESS 19 at rho"]
    text = pages.fits.page(stored)
    assert "(hypotheses.md)" in text
    assert "| europe | occupation | 1.004 | 1000 | 900 | 0 | 0.87 | 15 | 61 | 20.0 | ok |" in text
    assert "| **R-hat 1.14 at k_gain; bulk ESS 19 at rho** |" in text
    assert "Not fitted yet: europe: prospect; europe: null;" in text
    assert "E-BFMI | steps" in text
    assert "Patrons want" not in text
