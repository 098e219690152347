"""How far the answers depend on the choices of those who code and model."""

from __future__ import annotations

from typing import Any

from bayes_alliance.compare.curve import (
    comparison_curve,
    comparison_sentences,
    hypothesis_curve,
    hypothesis_sentences,
    turning_sentences,
)
from bayes_alliance.compare.specifications import choices
from bayes_alliance.compare.study import complete
from bayes_alliance.report.page.marks import Said
from bayes_alliance.report.page.words import count, opening
from bayes_alliance.report.results import Results
from bayes_alliance.report.words import listed


def robust_section(results: Results) -> dict[str, Any] | None:
    """Sentences of the robustness study; None without one.

    Parameters
    ----------
    results : Results
        What the report shows.

    Returns
    -------
    dict or None
        ``said``, and lists of ``comparisons`` and ``hypotheses``.
    """
    if results.study is None:
        return None
    part = complete(results.study)
    compared, table = comparison_curve(part), hypothesis_curve(part)
    turned = turning_sentences(compared) | turning_sentences(table)
    marks = stale(results)
    said = [Said(asked(results), marks)]
    if part.specifications:
        words = " ".join(turned.values()) or "No choice alone turns an answer."
        said.append(Said(opening(words), marks))
    return {
        "said": said,
        "comparisons": [opening(text) for text in comparison_sentences(compared).values()],
        "hypotheses": [opening(text) for text in hypothesis_sentences(table).values()],
    }


def asked(results: Results) -> str:
    """Say what was varied, and how much of it is done."""
    study = results.study
    assert study is not None
    part = complete(study)
    varied = listed(choices(study.specifications[0].data))
    fits = [study.results[s.hash, t] for s in part.specifications for t in study.theories]
    failed = sum(bool(fit["problems"]) for fit in fits)
    text = (
        f"Varied were: {varied}. {count(len(part.specifications), 'specification')} of "
        f"{len(study.specifications)} are done, each choice alone and combinations drawn at "
        f"random, {count(len(fits), 'fit')}"
    )
    return f"{text}, {failed} of which failed a diagnostic." if failed else f"{text}."


def stale(results: Results) -> tuple[str, ...]:
    """Whether the study is of other tables or priors than the fits of this page."""
    study = results.study
    assert study is not None
    default = study.specifications[0].hash
    for theory, tree in results.trees.items():
        found = study.results.get((default, theory))
        if found is None:
            continue
        for part in ("data", "priors"):
            if found["inputs"][part] != tree.attrs[f"{part}_hash"]:
                return (f"the study is of other {part}; run it again",)
    return ()
