"""Specification curves: how the comparison and each hypothesis fare under all specifications.

References
----------
Simonsohn, Simmons & Nelson (2020), "Specification curve analysis".
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from bayes_alliance.compare.hypotheses import probability, verdict
from bayes_alliance.compare.loo import paired, told_apart
from bayes_alliance.compare.specifications import Specification
from bayes_alliance.compare.study import Study
from bayes_alliance.errors import InputError
from bayes_alliance.process.integrated import INFORMATION
from bayes_alliance.theories import NULL, get

SAID = ("estimate", "lower", "upper", "probability", "prior_probability")


def pairs(theories: list[str]) -> list[tuple[str, str]]:
    """Pairs of theories to compare.

    Parameters
    ----------
    theories : list of str
        Theories of a study.

    Returns
    -------
    list of (str, str)
        Each theory and the null, then each later theory and each earlier one.
    """
    others = [t for t in theories if t != NULL]
    against = [(t, NULL) for t in others if NULL in theories]
    return against + [(b, a) for a, b in itertools.combinations(others, 2)]


def comparison_curve(study: Study, information: str = "indicators") -> pd.DataFrame:
    """Difference in log score of each pair of theories under each specification.

    Parameters
    ----------
    study : Study
        From `bayes_alliance.compare.study.open_study`.
    information : {"indicators", "commitments"}
        What predictions may know.

    Returns
    -------
    pandas.DataFrame
        One row a pair and specification: ``estimate`` (first minus second), ``se`` as
        `bayes_alliance.compare.loo.paired` has it, ``lower`` and ``upper`` (one standard error
        to either side), ``cases``, ``high_k`` (cases of either fit whose Pareto k is too high for
        the weights), ``answer`` (the first theory is ahead, behind or not told apart), ``failed``
        and ``problems``.

    Raises
    ------
    InputError
        If the information set is unknown.
    """
    if information not in INFORMATION:
        words = f"one of {', '.join(INFORMATION)}"
        raise InputError(words, column="information", value=information)
    rows = []
    for pair in pairs(study.theories):
        for s in study.specifications:
            fits = {theory: study.results.get((s.hash, theory)) for theory in pair}
            row = {"pair": " minus ".join(pair), **_named(s), **_difference(fits, information)}
            row["answer"] = _order(row["estimate"], row["se"])
            rows.append(row | _trust(fits))
    return pd.DataFrame(rows)


def hypothesis_curve(study: Study) -> pd.DataFrame:
    """What the fits say of each hypothesis under each specification.

    Parameters
    ----------
    study : Study
        From `bayes_alliance.compare.study.open_study`.

    Returns
    -------
    pandas.DataFrame
        One row a theory, hypothesis and specification: ``estimate``, ``lower``, ``upper``,
        ``probability`` and ``prior_probability`` as `bayes_alliance.hypotheses` has them,
        ``answer`` (supported, refuted or undecided), ``failed`` and ``problems``.
    """
    rows = []
    for theory in study.theories:
        for h in get(theory).HYPOTHESES:
            for s in study.specifications:
                fit = study.results.get((s.hash, theory))
                said = fit["hypotheses"].get(h.name, {}) if fit else {}
                row = {"theory": theory, "hypothesis": h.name, "words": h.words, **_named(s)}
                row |= {c: _number(said.get(c)) for c in SAID}
                row["answer"] = _finding(row["probability"])
                rows.append(row | _trust({theory: fit}))
    return pd.DataFrame(rows)


def _order(gap: float, se: float) -> str:
    """How the first theory of a pair fares; empty without a number."""
    if math.isnan(gap):
        return ""
    return ("ahead" if gap > 0 else "behind") if told_apart(gap, se) else "not told apart"


def _finding(p: float) -> str:
    """What the data say of a hypothesis; empty without a number."""
    if math.isnan(p):
        return ""
    return verdict(p)


def _named(s: Specification) -> dict[str, Any]:
    """Columns that tell a specification."""
    return {"specification": s.hash, "label": s.label, "changes": len(s.changed)}


def _number(value: Any) -> float:
    """A number of a file, where null stands for none."""
    return math.nan if value is None else float(value)


def _difference(fits: Mapping[str, dict[str, Any] | None], information: str) -> dict[str, float]:
    """Columns of a pair of fits, paired by case."""
    by_case = [(fit or {}).get("scores", {}).get(information, {}) for fit in fits.values()]
    if not all(by_case):
        return dict.fromkeys(("estimate", "se", "lower", "upper", "cases", "high_k"), math.nan)
    first, second = (pd.Series(of, dtype=float) for of in by_case)
    gaps = first - second
    gap, se = paired(gaps)
    high = {c for fit in fits.values() if fit for c, k in fit["pareto_k"].items() if _high(k, fit)}
    ends = {"lower": gap - se, "upper": gap + se}
    return {"estimate": gap, "se": se, **ends, "cases": len(gaps), "high_k": len(high)}


def _high(k: float | None, fit: dict[str, Any]) -> bool:
    """Whether a case has a Pareto k that its weights cannot be trusted with."""
    return k is None or k > fit["good_k"]


def _trust(fits: Mapping[str, dict[str, Any] | None]) -> dict[str, Any]:
    """Whether any of the fits failed, and how."""
    problems = [
        f"{theory}: {problem}"
        for theory, fit in fits.items()
        for problem in (["not fitted"] if fit is None else fit["problems"])
    ]
    return {"failed": bool(problems), "problems": "; ".join(problems)}


def comparison_sentences(table: pd.DataFrame) -> dict[str, str]:
    """How far each comparison depends on the choices.

    Parameters
    ----------
    table : pandas.DataFrame
        From `comparison_curve`.

    Returns
    -------
    dict of str to str
        One sentence a pair.
    """
    out: dict[str, str] = {}
    for pair, rows in table.groupby("pair", sort=False) if len(table) else ():
        good = rows[~rows["failed"]]
        parts = []
        if len(good):
            clear = good["answer"].isin(["ahead", "behind"]).sum()
            parts = [
                f"over {_specifications(good)} the difference in log score is "
                f"{tenths(good['estimate'].min())} to {tenths(good['estimate'].max())}, above zero "
                f"under {(good['estimate'] > 0).sum()}, and the two are told apart under {clear}",
                *_against_default(rows, "estimate", tenths),
            ]
        out[str(pair)] = f"{pair}: {'; '.join(parts + _failures(rows))}."
    return out


def hypothesis_sentences(table: pd.DataFrame) -> dict[str, str]:
    """How far each hypothesis depends on the choices.

    Parameters
    ----------
    table : pandas.DataFrame
        From `hypothesis_curve`.

    Returns
    -------
    dict of str to str
        One sentence a hypothesis, by theory and hypothesis (``occupation H1``). Fits that failed
        are counted and otherwise left out.
    """
    out: dict[str, str] = {}
    groups = table.groupby(["theory", "hypothesis"], sort=False) if len(table) else ()
    for (theory, hypothesis), rows in groups:
        name, good = f"{theory} {hypothesis}", rows[~rows["failed"]]
        parts, grade = [], "cannot be judged"
        if len(good):
            p = good["probability"]
            supported, refuted = (
                int((good["answer"] == a).sum()) for a in ("supported", "refuted")
            )
            grade = _grade(supported, refuted, len(good))
            parts = [
                f"over {_specifications(good)} the probability of the expected direction is "
                f"{probability(p.min())} to {probability(p.max())}, above one half under "
                f"{(p > 0.5).sum()}, and the data support it under {supported} and refute "
                f"it under {refuted}",
                *_against_default(rows, "probability", probability),
            ]
        out[name] = f"{name} {grade}: {'; '.join(parts + _failures(rows))}."
    return out


def turning_sentences(table: pd.DataFrame) -> dict[str, str]:
    """Which single choices change an answer.

    Parameters
    ----------
    table : pandas.DataFrame
        From `comparison_curve` or `hypothesis_curve`.

    Returns
    -------
    dict of str to str
        One sentence a pair, or theory and hypothesis, of which a choice changed alone gives
        another answer than the defaults. Fits that failed answer nothing.
    """
    out: dict[str, str] = {}
    key = ["pair"] if "pair" in table else ["theory", "hypothesis"]
    for names, rows in table.groupby(key, sort=False) if len(table) else ():
        good = rows[~rows["failed"]]
        default = good.loc[good["changes"] == 0, "answer"]
        single = good[(good["changes"] == 1) & ~good["answer"].isin(default)]
        if len(default) and len(single):
            parts = [
                f"{answer} with {' or '.join(map(repr, turned['label']))} alone"
                for answer, turned in single.groupby("answer", sort=False)
            ]
            name = " ".join(names)
            out[name] = f"{name} is {default.iloc[0]} at the defaults, but {', '.join(parts)}."
    return out


def _grade(supported: int, refuted: int, count: int) -> str:
    """How far a finding depends on the choices, in words."""
    if supported and refuted:
        return "turns into its contrary with the choices"
    for some, words in ((supported, "is supported"), (refuted, "is refuted")):
        if some:
            return f"{words} whatever is chosen" if some == count else "depends on the choices"
    return "stays undecided whatever is chosen"


def _against_default(rows: pd.DataFrame, column: str, write: Callable[[float], str]) -> list[str]:
    """What the defaults say, and which single choice moves it most."""
    good = rows[~rows["failed"]]
    default, single = good[good["changes"] == 0], good[good["changes"] == 1]
    if not len(default):
        return ["without a fit at the defaults no choice can be measured against them"]
    base = float(default[column].iloc[0])
    said = f"it is {write(base)} at the defaults"
    if not len(single):
        return [said]
    most = single.loc[(single[column] - base).abs().idxmax()]
    if most[column] == base:
        return [f"{said}, and no choice alone moves it"]
    return [
        f"{said}, and of the choices alone {most['label']!r} moves it most, to "
        f"{write(most[column])}"
    ]


def _specifications(rows: pd.DataFrame) -> str:
    """Count of specifications."""
    return f"{len(rows)} specification{'s' * (len(rows) != 1)}"


def _failures(rows: pd.DataFrame) -> list[str]:
    """Count of the specifications that are left out, if any."""
    failed = rows[rows["failed"]]
    return [f"fits failed under {_specifications(failed)}"] if len(failed) else []


def tenths(value: float) -> str:
    """Write a difference in log score with one decimal, and no negative zero.

    Parameters
    ----------
    value : float
        Difference.

    Returns
    -------
    str
        For example ``"0.0"`` for -0.04.
    """
    return f"{round(value, 1) + 0.0:.1f}"
