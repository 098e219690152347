"""Everything a report shows, computed once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import arviz as az
import pandas as pd
import xarray as xr

from bayes_alliance.check.quantities import checks
from bayes_alliance.compare.hypotheses import hypotheses, hypothesis_draws
from bayes_alliance.compare.loo import check_comparable, elpd, table, told_apart
from bayes_alliance.compare.predictions import exactly, predictions
from bayes_alliance.compare.scores import score_table
from bayes_alliance.compare.stages import stages
from bayes_alliance.compare.study import Study, open_study
from bayes_alliance.compare.unseen import unseen
from bayes_alliance.compare.weights import stacking
from bayes_alliance.compare.yardsticks import yardsticks
from bayes_alliance.data.load import Data
from bayes_alliance.diagnostics import diagnose
from bayes_alliance.errors import InputError
from bayes_alliance.forecast.beyond import warnings as scenario_warnings
from bayes_alliance.forecast.decided import decision_year
from bayes_alliance.forecast.forecast import by_cell
from bayes_alliance.forecast.formation import formation
from bayes_alliance.forecast.kept import settings
from bayes_alliance.forecast.scenario import Scenario, read
from bayes_alliance.given import fits_given
from bayes_alliance.process.integrated import INFORMATION
from bayes_alliance.report.outlook import Foreseen, Outlook, foresee, groupings, outlooks_of
from bayes_alliance.storage import data_of, priors_of
from bayes_alliance.theories import NULL

STRONG_PRIOR = "potential strong prior / weak likelihood"
CONFLICT = "potential prior-data conflict"
"""What ArviZ's power-scaling says where the prior moves a posterior, and the data hardly or too."""
MAIN = ("indicators", "episode")
"""The comparison whose weights stack the forecasts."""
NO_FRAMES, NO_STATEMENTS = "without coded frames", "without coded frames and statements"
"""Names of the fits that do not read what was coded knowing the outcome."""
DECISIONS = "how often decisions arise"
"""Name of the hazard of decisions of a theory, after the theory's."""
ASKED = (
    "north-atlantic-1949",
    "pacific-pact-1951",
    "united-action-1954",
    "southeast-asia-1954",
)
"""Cases that the articles ask about: the designs of 1949, 1951 and 1954."""
FORECAST = ("quad-status-quo", "quad-credible-occupation", "quad-de-escalation")
"""Scenarios of a report that names none."""


@dataclass(frozen=True)
class Results:
    """What a report shows.

    Parameters
    ----------
    trees : dict of str to xarray.DataTree
        Fits by theory.
    data : Data
        What they were fitted to.
    diagnostics : dict of str to dict
        `diagnose` of every fit, extra ones included, with ``seconds``.
    scores : dict of (information, by) to dict of str to arviz.ELPDDataLOO
        Scores by theory.
    comparison : dict of (information, by) to pandas.DataFrame
        Tables of theories.
    stacked : dict of (information, by) to pandas.DataFrame
        Stacking weights with intervals, by theory.
    stages : dict of str to dict of str to pandas.DataFrame
        Scores by case and stage, by information and theory.
    predicted : dict of str to dict of str to xarray.Dataset
        Predictions of each case by the fit without it, by theory and information, as
        `bayes_alliance.compare.predictions.predictions` gives them.
    proper : dict of str to pandas.DataFrame
        Proper scores of theories and yardsticks, by information.
    unseen : pandas.DataFrame
        What each theory says of the cases that the articles ask about, without having seen them:
        ``case``, ``without`` (what was left out with it), ``theory``, ``design``,
        ``probability``, ``lower``, ``upper``; in reading order, theatres before cases.
    hypotheses : dict of str to pandas.DataFrame
        By theory, and by fit that does not read what was coded knowing the outcome.
    sensitivity, checks : dict of str to pandas.DataFrame
        By theory.
    scenarios : dict of str to Scenario
        Scenarios by name, in reading order.
    forecasts : dict of str to pandas.DataFrame
        By scenario.
    outlooks : dict of str to Outlook
        By scenario: the grouping by year, against the status quo, and what moves it.
    groupings : pandas.DataFrame
        All bundled scenarios in short, as `bayes_alliance.report.outlook.groupings` gives them;
        empty where a report names its scenarios.
    study : Study or None
        A robustness study of the same data.
    warnings : list of str
        What a reader must know before trusting a number.
    """

    trees: dict[str, xr.DataTree]
    data: Data
    diagnostics: dict[str, dict[str, Any]]
    scores: dict[tuple[str, str], dict[str, az.ELPDDataLOO]]
    comparison: dict[tuple[str, str], pd.DataFrame]
    hypotheses: dict[str, pd.DataFrame]
    sensitivity: dict[str, pd.DataFrame]
    checks: dict[str, pd.DataFrame]
    scenarios: dict[str, Scenario]
    forecasts: dict[str, pd.DataFrame]
    stacked: dict[tuple[str, str], pd.DataFrame] = field(default_factory=dict)
    stages: dict[str, dict[str, pd.DataFrame]] = field(default_factory=dict)
    predicted: dict[str, dict[str, xr.Dataset]] = field(default_factory=dict)
    proper: dict[str, pd.DataFrame] = field(default_factory=dict)
    unseen: pd.DataFrame = field(default_factory=pd.DataFrame)
    outlooks: dict[str, Outlook] = field(default_factory=dict)
    groupings: pd.DataFrame = field(default_factory=pd.DataFrame)
    study: Study | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def weights(self) -> dict[str, float]:
        """Stacking weights of the theories in the main comparison."""
        return self.comparison[MAIN]["weight"].reindex(list(self.trees)).to_dict()


def sensitivity(tree: xr.DataTree) -> pd.DataFrame:
    """Power-scaling sensitivity of every hypothesis' estimand.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.

    Returns
    -------
    pandas.DataFrame
        ``prior`` and ``likelihood`` (change of the posterior as either is raised to a power near
        1; above 0.05 it matters) and ``diagnosis``.

    References
    ----------
    Kallioinen, Paananen, Buerkner & Vehtari (2024), "Detecting and diagnosing prior and
    likelihood sensitivity with power-scaling".
    """
    draws = hypothesis_draws(tree)
    if not draws.data_vars:
        return pd.DataFrame(columns=["prior", "likelihood", "diagnosis"])
    names = [n for n in tree["log_prior"].data_vars if n in priors_of(tree).parameters]
    scaled = xr.DataTree.from_dict(
        {
            "posterior": draws.assign_coords(tree["posterior"].to_dataset().coords),
            "log_prior": tree["log_prior"].to_dataset()[names],
            "log_likelihood": tree["log_likelihood"].to_dataset()[["joint"]],
        }
    )
    log = logging.getLogger("arviz_stats.psense")
    level = log.level
    log.setLevel(logging.ERROR)  # it says in general what the report shows beside each number
    try:
        return az.psense_summary(scaled, round_to=6).rename_axis(index="hypothesis")
    finally:
        log.setLevel(level)


@dataclass(frozen=True)
class Part:
    """What a report shows of one fit by itself.

    Parameters
    ----------
    diagnostics : dict
        `diagnose` with ``seconds``.
    scores : dict of (information, by) to arviz.ELPDDataLOO
        None of a fit of other cases.
    hypotheses : pandas.DataFrame
        What `bayes_alliance.compare.hypotheses.hypotheses` gives.
    """

    diagnostics: dict[str, Any]
    scores: dict[tuple[str, str], az.ELPDDataLOO]
    hypotheses: pd.DataFrame


@dataclass(frozen=True)
class Whole(Part):
    """What a report shows of a theory by itself: all that `Results` has by theory.

    Parameters
    ----------
    stages : dict of str to pandas.DataFrame
        By information.
    predicted : dict of str to xarray.Dataset
        By information.
    unseen, sensitivity, checks : pandas.DataFrame
        Tables.
    hazard : dict or None
        Diagnostics of its hazard of decisions.
    foreseen : Foreseen or None
        Forecasts.
    """

    stages: dict[str, pd.DataFrame]
    predicted: dict[str, xr.Dataset]
    unseen: pd.DataFrame
    sensitivity: pd.DataFrame
    checks: pd.DataFrame
    hazard: dict[str, Any] | None
    foreseen: Foreseen | None


def score(tree: xr.DataTree, tell: Callable[[str], None]) -> dict[tuple[str, str], az.ELPDDataLOO]:
    """Score a fit on both information sets, leaving out each case, theatre and patron.

    Theatres where there are two or more, patrons where there are three or more: of two, one has
    hardly a case that the other does not lead to.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.
    tell : callable
        Called with the name of each refit.

    Returns
    -------
    dict of (information, by) to arviz.ELPDDataLOO
        Refits are made once a process, so that asking again costs little.
    """
    episodes = data_of(tree).episodes
    wanted = {
        "theatre": episodes["theatre"].nunique() > 1,
        "patron": episodes["patron"].nunique() > 2,
    }
    return {
        (information, by): elpd(tree, information, by, progress=tell)
        for by in ("episode", *(by for by, asked in wanted.items() if asked))
        for information in INFORMATION
    }


def part(tree: xr.DataTree, scored: bool, tell: Callable[[str], None]) -> Part:
    """What a report shows of a fit beside the theories.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.
    scored : bool
        Whether it is of the same cases, and is scored with the theories.
    tell : callable
        Called with the name of each step.

    Returns
    -------
    Part
        See there.
    """
    scores = score(tree, tell) if scored else {}
    return Part(_diagnosed(tree), scores, hypotheses(tree) if scored else pd.DataFrame())


def whole(
    tree: xr.DataTree,
    scenarios: list[str] | None,
    form: Callable[[], xr.DataTree] | xr.DataTree,
    tell: Callable[[str], None],
) -> Whole:
    """What a report shows of a theory by itself.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.
    scenarios : list of str or None
        Scenarios to forecast; `FORECAST` by default, and then all bundled ones in short.
    form : xarray.DataTree or callable
        The theory's hazard of decisions, or what fits it; asked for where there are scenarios.
    tell : callable
        Called with the name of each step.

    Returns
    -------
    Whole
        See there.
    """
    first = part(tree, True, tell)
    by_stage = {known: stages(tree, known, progress=tell) for known in INFORMATION}
    tell("predict each case without it")
    predicted = predictions(tree, exactly(tree, tell))
    said = _unseen(tree, tell)
    tell("check")
    tables = {"sensitivity": sensitivity(tree), "checks": checks(tree)}
    asked, hazard, foreseen = _read(scenarios), None, None
    if asked:
        made = form() if callable(form) else form
        hazard = _diagnosed(made)
        foreseen = foresee(tree, made, asked, scenarios is None, tell)
    return Whole(
        first.diagnostics,
        first.scores,
        first.hypotheses,
        stages=by_stage,
        predicted=predicted,
        unseen=said,
        hazard=hazard,
        foreseen=foreseen,
        **tables,
    )


def _read(scenarios: list[str] | None) -> dict[str, Scenario]:
    """Scenarios by name."""
    found = {name: read(name) for name in (FORECAST if scenarios is None else scenarios)}
    for one in found.values():
        decision_year(one)
    return found


def _diagnosed(tree: xr.DataTree) -> dict[str, Any]:
    """Diagnostics and seconds of a fit."""
    return diagnose(tree) | {"seconds": tree.attrs["seconds"]}


def is_unread(label: str) -> bool:
    """Tell whether a fit does not read what was coded knowing the outcome, by its name.

    Parameters
    ----------
    label : str
        Name of a fit.

    Returns
    -------
    bool
        Whether it is of the same cases as those that do, and is compared with them.
    """
    return label.endswith((NO_FRAMES, NO_STATEMENTS))


def collect(
    trees: Mapping[str, xr.DataTree],
    extra: Mapping[str, xr.DataTree] | None = None,
    scenarios: list[str] | None = None,
    progress: Callable[[str], None] | None = None,
    study: str | Path | None = None,
    forms: Mapping[str, xr.DataTree] | None = None,
) -> Results:
    """Compute everything that a report shows.

    Parameters
    ----------
    trees : mapping of str to xarray.DataTree
        Fits of the same data by theory.
    extra : mapping of str to xarray.DataTree, optional
        Further fits: those of the same cases join the comparison; all show their diagnostics.
    scenarios : list of str, optional
        Scenarios to forecast; `FORECAST` by default.
    progress : callable, optional
        Called with the name of each step.
    study : str or pathlib.Path, optional
        A robustness study of the same data, as `bayes_alliance.compare.study.open_study` reads it.
    forms : mapping of str to xarray.DataTree, optional
        Hazards of decisions by theory; fitted if not given.

    Returns
    -------
    Results
        See there.
    """
    tell = progress or (lambda step: None)
    check(trees, study, extra, scenarios, forms)
    parts: dict[str, Whole] = {}
    for name, tree in trees.items():
        own = partial(labelled, tell, name)
        form = forms[name] if forms is not None else partial(_form, name, tree, tell)
        parts[name] = whole(tree, scenarios, form, own)
    beside = {
        name: part(tree, is_unread(name), partial(labelled, tell, name))
        for name, tree in (extra or {}).items()
    }
    tell("yardsticks")
    measured = measure(data_of(next(iter(trees.values()))))
    return together(trees, parts, beside, measured, scenarios, study)


def _form(name: str, tree: xr.DataTree, tell: Callable[[str], None]) -> xr.DataTree:
    """Hazard of decisions of a theory."""
    own = partial(labelled, tell, f"{name}, {DECISIONS}")
    return formation(tree, **settings(tree), progress=own)


def check(
    trees: Mapping[str, xr.DataTree],
    study: str | Path | None,
    extra: Mapping[str, xr.DataTree] | None = None,
    scenarios: list[str] | None = None,
    forms: Mapping[str, xr.DataTree] | None = None,
) -> None:
    """Refuse fits, or a study, that cannot be shown together.

    Parameters
    ----------
    trees : mapping of str to xarray.DataTree
        Fits by theory.
    study : str or pathlib.Path or None
        A robustness study.
    extra, scenarios, forms
        As in `collect`.

    Raises
    ------
    InputError
        If there are fewer than two fits, they are of different cases or named otherwise than
        their theories, a scenario or a hazard is not there, or the study is of other data.
    """
    trees, extra = fits_given(trees, least=2), fits_given(extra or {}, least=0)
    for name, tree in trees.items():
        if name != tree.attrs["theory"]:
            words = f"{tree.attrs['theory']!r}, the name of its theory, as key"
            raise InputError(words, column="fits", value=name)
    for name in extra.keys() & trees.keys():
        raise InputError("another key than those of the fits", column="extra", value=name)
    check_comparable({**trees, **{n: t for n, t in extra.items() if is_unread(n)}}, *MAIN)
    first = next(iter(trees.values()))
    for name, tree in trees.items():
        if list(data_of(tree).episodes["episode"]) != list(data_of(first).episodes["episode"]):
            words = "fits of tables whose rows stand in one order"
            raise InputError(words, row=name, column="fits")
    asked = _read(scenarios)
    if forms is not None and asked:
        for name in trees.keys() - fits_given(forms, least=0).keys():
            words = f"the hazard of every theory, {name} too"
            raise InputError(words, column="forms", value=list(forms))
    if study is not None:
        _study_of(study, data_of(next(iter(trees.values()))))


def measure(data: Data) -> dict[str, dict[str, xr.Dataset]]:
    """Predictions of the yardsticks.

    Parameters
    ----------
    data : Data
        What the theories are fitted to.

    Returns
    -------
    dict of str to dict of str to xarray.Dataset
        By information and yardstick.
    """
    return {known: yardsticks(data, known) for known in INFORMATION}


def together(
    trees: Mapping[str, xr.DataTree],
    parts: Mapping[str, Whole],
    beside: Mapping[str, Part],
    measured: Mapping[str, Mapping[str, xr.Dataset]],
    scenarios: list[str] | None = None,
    study: str | Path | None = None,
) -> Results:
    """Put together what a report shows.

    Parameters
    ----------
    trees : mapping of str to xarray.DataTree
        Fits by theory.
    parts : mapping of str to Whole
        What is shown of each of them.
    beside : mapping of str to Part
        What is shown of further fits.
    measured : mapping
        What `measure` gave.
    scenarios, study
        As in `collect`.

    Returns
    -------
    Results
        See there.
    """
    data, asked = data_of(next(iter(trees.values()))), _read(scenarios)
    scored = {**parts, **{name: one for name, one in beside.items() if one.scores}}
    keys = next(iter(parts.values())).scores
    scores = {key: {name: one.scores[key] for name, one in scored.items()} for key in keys}
    # the tables compare what was asked for; the fit without frames is shown beside them
    comparison = {key: table({n: s[n] for n in trees}) for key, s in scores.items()}
    weights = comparison[MAIN]["weight"].to_dict()
    predicted = {name: one.predicted for name, one in parts.items()}
    hazards = {
        f"{name}, {DECISIONS}": one.hazard for name, one in parts.items() if one.hazard is not None
    }
    foreseen = {name: one.foreseen for name, one in parts.items() if one.foreseen is not None}
    results = Results(
        trees=dict(trees),
        data=data,
        diagnostics={n: one.diagnostics for n, one in {**parts, **beside}.items()} | hazards,
        scores=scores,
        comparison=comparison,
        hypotheses={name: one.hypotheses for name, one in scored.items()},
        sensitivity={name: one.sensitivity for name, one in parts.items()},
        checks={name: one.checks for name, one in parts.items()},
        scenarios=asked,
        forecasts={
            name: by_cell({n: of.designs[name] for n, of in foreseen.items()}, weights, one.year)
            for name, one in asked.items()
        },
        stacked={key: stacking({n: s[n] for n in trees}) for key, s in scores.items()},
        stages={
            known: {name: one.stages[known] for name, one in parts.items()} for known in INFORMATION
        },
        predicted=predicted,
        proper=_proper(predicted, measured, data),
        unseen=_by_case([one.unseen for one in parts.values()]),
        outlooks=outlooks_of(foreseen, asked, weights),
        groupings=groupings(foreseen, weights) if scenarios is None else pd.DataFrame(),
        study=None if study is None else _study_of(study, data),
    )
    results.warnings.extend(_warnings(results))
    return results


def _study_of(store: str | Path, data: Data) -> Study:
    """Open a study, and refuse one of other data."""
    found = open_study(store)
    name = "+".join(found.specifications[0].data)
    if name != data.name:
        raise InputError(f"a study of {data.name}", file=str(store), column="data", value=name)
    return found


def _proper(
    predicted: Mapping[str, Mapping[str, xr.Dataset]],
    measured: Mapping[str, Mapping[str, xr.Dataset]],
    data: Data,
) -> dict[str, pd.DataFrame]:
    """Proper scores of what fits and yardsticks predict of left-out cases, by information."""
    reference = NULL if NULL in predicted else next(iter(predicted))
    return {
        known: score_table(
            {**{name: by[known] for name, by in predicted.items()}, **measured[known]},
            data,
            reference,
        )
        for known in INFORMATION
    }


def _unseen(tree: xr.DataTree, tell: Callable[[str], None]) -> pd.DataFrame:
    """What a fit says of the cases that are asked about, without them and without their theatre."""
    known = data_of(tree).episodes.set_index("episode")["theatre"]
    several = known.nunique() > 1
    parts = [
        unseen(tree, case, by, progress=tell)
        .reset_index()
        .assign(
            case=case,
            without=by if by == "episode" else known[case],
            theory=tree.attrs["theory"],
        )
        for by in (("theatre", "episode") if several else ("episode",))
        for case in ASKED
        if case in known.index
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _by_case(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Tables of theories in one, in reading order: all that is said of a case stands together."""
    if all(part.empty for part in parts):
        return pd.DataFrame()
    rows = pd.concat(parts)
    groups = rows.groupby(["without", "case"], sort=False, observed=True)
    return pd.concat([group for _, group in groups], ignore_index=True)


def labelled(tell: Callable[[str], None], label: str, step: str) -> None:
    """Tell a step with the fit that it belongs to.

    Parameters
    ----------
    tell : callable
        Where to.
    label : str
        Name of the fit.
    step : str
        Name of the step.
    """
    tell(f"{label}: {step}")


def _warnings(results: Results) -> list[str]:
    """What a reader must know, in the order of its weight."""
    out = []
    for name, found in results.diagnostics.items():
        out += [f"The fit of {name} is not to be trusted: {p}." for p in found["problems"]]
    for (information, by), scores in results.scores.items():
        for name, score in scores.items():
            high = score.pareto_k.where(score.pareto_k > score.good_k, drop=True)
            out += [
                f"Pareto k of {name} is {float(k):.2f} at {case} ({information}, by {by})."
                for case, k in zip(high["case"].values, high.values, strict=True)
            ]
    main = results.comparison[MAIN]
    for name, row in main.iloc[1:].iterrows():
        if not told_apart(row["elpd_diff"], row["dse"]):
            out.append(
                f"{main.index[0]} and {name} predict alike: a difference of "
                f"{abs(row['elpd_diff']):.1f} in log score, standard error {row['dse']:.1f}."
            )
    cases = len(main) and results.scores[MAIN][main.index[0]].n_data_points
    out.append(
        f"The comparison rests on {cases} cases; standard errors of differences are themselves "
        "unsure below about 100."
    )
    for name, table_ in results.sensitivity.items():
        for hypothesis, row in table_.iterrows():
            if row["prior"] > 0.05 and row["likelihood"] < 0.05:
                out.append(f"{name} {hypothesis}: {STRONG_PRIOR}.")
    for name, scenario in results.scenarios.items():
        out += [f"Scenario {name}: {w}" for w in scenario_warnings(scenario, results.data)]
    return out
