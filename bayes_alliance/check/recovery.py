"""Recovery of theories: whether data made by a theory are best predicted by that theory.

Parameters drawn from a theory's prior make data of the real design, every theory is fitted to
them, and their scores on unseen cases are compared as those of real fits are: PSIS-LOO on the
outcomes, given the indicators, latent variables integrated out, cases left out one at a time.
There are no exact refits; cases with too high a Pareto k are counted instead.

A theory generates outcomes, lives and its *own* indicators: occupation fear, disputes and what
clients promised each other; prospect statements and frames; threat statements; both all of them;
the rest none. A rival may read indicators that the true theory does not generate. These stay as
they are in the real data, and so do all covariates: they are of the right kind and number, but
unrelated to the simulated outcomes. That is what a rival's indicators would be if the true theory
were all there is. Simulating them from the rival's prior would instead give the rival's latent
variable good measurements, still unrelated to the outcomes.

Many draws from a prior have weak effects and make data that tell nothing apart. They count like
all others: the study says how often a theory would be recovered if its prior were right.

References
----------
Navarro (2019), "Between the devil and the deep blue sea", on model recovery; Vehtari, Gelman &
Gabry (2017); Sivula, Magnusson, Matamoros & Vehtari (2020), "Uncertainty in Bayesian leave-one-out
cross-validation based model comparison", on standard errors from few cases.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import arviz as az
import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr
from pymc.pytensorf import find_rng_nodes, reseed_rngs
from scipy.stats import binomtest

from bayes_alliance.check.calibration import Calibration
from bayes_alliance.compare.hypotheses import CI_PROB
from bayes_alliance.compare.loo import ERRORS, SCORED, difference, elpd, told_apart
from bayes_alliance.errors import InputError
from bayes_alliance.fit import sample_model, with_containers
from bayes_alliance.process.integrated import Evaluator

CHAINS = 2


@contextmanager
def filled(model: pm.Model, values: Mapping[str, np.ndarray]) -> Iterator[None]:
    """Other contents of a model's containers, for the length of a with statement.

    Parameters
    ----------
    model : pymc.Model
        The model.
    values : mapping of str to numpy.ndarray
        Contents by container.

    Yields
    ------
    None
        The contents before are put back in any case.
    """
    before = {name: model[name].get_value() for name in values}
    try:
        for name, value in values.items():
            model[name].set_value(value.astype(before[name].dtype))
        yield
    finally:
        for name, value in before.items():
            model[name].set_value(value)


class Recovery:
    """Compiled theories of one design, each of them simulator and rival.

    Parameters
    ----------
    theories : mapping of str to Calibration
        Compiled models of the same data by name of the theory.

    Raises
    ------
    InputError
        If there are fewer than two theories or they are of different data.
    """

    def __init__(self, theories: Mapping[str, Calibration]) -> None:
        if len(theories) < 2:
            raise InputError("two theories or more", column="theories", value=list(theories))
        self.theories = dict(theories)
        first = next(iter(self.theories.values())).data
        for name, calibration in self.theories.items():
            if calibration.data.hash != first.hash:
                words = f"theories of the same data, {first.name}"
                raise InputError(words, row=name, column="data", value=calibration.data.name)
        self.evaluators = {name: Evaluator(c.model) for name, c in self.theories.items()}

    def simulate(self, truth: str, seed: int) -> dict[str, np.ndarray]:
        """Make one dataset; it depends on nothing but the theory, its priors and the seed.

        Parameters
        ----------
        truth : str
            Theory that makes the data.
        seed : int
            Seed of parameters and data.

        Returns
        -------
        dict of str to numpy.ndarray
            Contents of the containers that differ from the real ones.
        """
        source = self.theories[truth]
        entropy = [*truth.encode(), seed]  # theories do not share their random numbers
        reseed_rngs(find_rng_nodes(source.model.basic_RVs), entropy)
        source.rng = np.random.default_rng(entropy)
        return source.simulate(source.prior_point())

    def score(
        self, theory: str, values: Mapping[str, np.ndarray], seed: int, draws: int, tune: int
    ) -> tuple[az.ELPDDataLOO, int]:
        """Fit a theory to a simulated dataset and score it on unseen cases.

        Parameters
        ----------
        theory : str
            Theory that is fitted.
        values : mapping of str to numpy.ndarray
            What `simulate` gave; all else is as in the real data.
        seed : int
            Seed of the sampler and of the nodes of the latent variable.
        draws, tune : int
            Draws kept and discarded by each of two chains.

        Returns
        -------
        tuple of arviz.ELPDDataLOO and int
            Scores by case, given the indicators, and the number of divergences.
        """
        fitted, evaluator = self.theories[theory], self.evaluators[theory]
        whole = fitted.real | dict(values)
        log_density = with_containers(fitted.log_density, whole)
        sampled = sample_model(fitted.model, log_density, draws, tune, CHAINS, seed, "nutpie")
        posterior = sampled["posterior"].to_dataset()
        with filled(fitted.model, values):
            densities = evaluator.run(posterior, evaluator.nodes(posterior, seed=seed))
        dims = fitted.model.named_vars_to_dims
        scored = xr.Dataset({name: (dims[name], whole[name]) for name in SCORED})
        tree = xr.DataTree.from_dict(
            {"posterior": posterior, "log_likelihood": densities, "constant_data": scored}
        )
        tree.attrs["theory"] = theory
        return elpd(tree, exact=False), int(sampled["sample_stats"]["diverging"].sum())

    def once(self, truth: str, seed: int, draws: int = 400, tune: int = 400) -> dict[str, Any]:
        """Simulate from one theory and score all of them.

        Parameters
        ----------
        truth : str
            Theory that makes the data.
        seed : int
            Seed of the data and of the samplers.
        draws, tune : int
            Draws kept and discarded by each of two chains.

        Returns
        -------
        dict
            ``truth``, ``seed`` and the number of ``cases``; by theory ``elpd``, ``high_k`` (cases
            with too high a Pareto k) and ``divergences``; by rival ``lead`` (elpd of the true
            theory minus the rival's) and ``error`` (its standard error over cases); ``winner``;
            and ``within``: whether the truth wins or lies less than `ERRORS` standard errors
            behind the winner.
        """
        if truth not in self.theories:
            raise InputError(f"one of {', '.join(self.theories)}", column="truth", value=truth)
        values = self.simulate(truth, seed)
        scores, divergences = {}, {}
        for name in self.theories:
            scores[name], divergences[name] = self.score(name, values, seed, draws, tune)
        pairs = {n: difference(scores[truth], s)[:2] for n, s in scores.items() if n != truth}
        winner = max(scores, key=lambda name: scores[name].elpd)
        lead, error = pairs.get(winner, (0.0, 0.0))
        return {
            "truth": truth,
            "seed": seed,
            "cases": int(scores[truth].n_data_points),
            "elpd": {name: float(score.elpd) for name, score in scores.items()},
            "high_k": {n: int((s.pareto_k > s.good_k).sum()) for n, s in scores.items()},
            "divergences": {n: int(count) for n, count in divergences.items()},
            "lead": {name: pair[0] for name, pair in pairs.items()},
            "error": {name: pair[1] for name, pair in pairs.items()},
            "winner": winner,
            "within": bool(winner == truth or -lead < ERRORS * error),
        }


def confusion(runs: list[dict[str, Any]]) -> pd.DataFrame:
    """Which theory scores best on data of which theory.

    Parameters
    ----------
    runs : list of dict
        What `Recovery.once` gave.

    Returns
    -------
    pandas.DataFrame
        Number of datasets: one row a theory that made them, one column a theory that won.
    """
    names = list(runs[0]["elpd"])
    made = [name for name in names if any(run["truth"] == name for run in runs)]
    table = pd.DataFrame(0, index=made, columns=names).rename_axis(index="truth", columns="winner")
    for run in runs:
        table.loc[run["truth"], run["winner"]] += 1
    return table


def wilson(count: int, total: int, prob: float = CI_PROB) -> tuple[float, float]:
    """Interval of a share.

    Parameters
    ----------
    count, total : int
        Successes and trials.
    prob : float
        Probability of the interval.

    Returns
    -------
    tuple of float
        Lower and upper end.

    References
    ----------
    Wilson (1927), "Probable inference, the law of succession, and statistical inference".
    """
    interval = binomtest(count, total).proportion_ci(prob, method="wilson")
    return float(interval.low), float(interval.high)


def summary(runs: list[dict[str, Any]], prob: float = CI_PROB) -> pd.DataFrame:
    """How often each theory is recovered.

    Parameters
    ----------
    runs : list of dict
        What `Recovery.once` gave.
    prob : float
        Probability of the intervals.

    Returns
    -------
    pandas.DataFrame
        One row a theory that made data: ``datasets``; ``won``, the number in which it scored
        best; ``share``, with its interval ``lower`` to ``upper``; ``within``, the share in which
        it won or lay less than `ERRORS` standard errors behind the winner; ``named``, the number in
        which a report would name it (`bayes_alliance.compare.loo.told_apart` from all rivals), and
        ``misnamed``, the number in which a report might name another, as some rival is told ahead
        of it; in the rest a report says that it cannot tell; ``high_k``, the share
        of scored cases, of all theories, with too high a Pareto k; and ``divergences``.
    """
    rows = {}
    for truth, winners in confusion(runs).iterrows():
        own = [run for run in runs if run["truth"] == truth]
        won = int(winners[truth])
        lower, upper = wilson(won, len(own), prob)
        high = [count / run["cases"] for run in own for count in run["high_k"].values()]
        rows[truth] = {
            "datasets": len(own),
            "won": won,
            "share": won / len(own),
            "lower": lower,
            "upper": upper,
            "within": float(np.mean([run["within"] for run in own])),
            "named": sum(all(_ahead(run, rival) > 0 for rival in run["lead"]) for run in own),
            "misnamed": sum(any(_ahead(run, rival) < 0 for rival in run["lead"]) for run in own),
            "high_k": float(np.mean(high)),
            "divergences": sum(sum(run["divergences"].values()) for run in own),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("truth")


def _ahead(run: dict[str, Any], rival: str) -> int:
    """1 where the truth is told ahead of a rival, -1 where behind it, 0 where not told apart."""
    lead = run["lead"][rival]
    return int(np.sign(lead)) if told_apart(lead, run["error"][rival]) else 0


def pairs(runs: list[dict[str, Any]]) -> pd.DataFrame:
    """How far each theory leads each rival on data of its own making.

    Parameters
    ----------
    runs : list of dict
        What `Recovery.once` gave.

    Returns
    -------
    pandas.DataFrame
        One row a true theory and a rival: ``datasets``; ``lead``, the mean difference in elpd,
        and ``error``, its standard error over datasets (not a number for one dataset); and the
        shares of datasets in which the truth is told ``ahead`` of the rival or ``behind`` it, by
        `ERRORS` standard errors over cases or more, or is not told apart from it (``alike``).
    """
    rows = {}
    for truth in confusion(runs).index:
        own = [run for run in runs if run["truth"] == truth]
        for rival in own[0]["lead"]:
            lead = pd.Series([run["lead"][rival] for run in own], dtype=float)
            error = pd.Series([run["error"][rival] for run in own], dtype=float)
            alike = lead.abs() < ERRORS * error
            rows[truth, rival] = {
                "datasets": len(own),
                "lead": lead.mean(),
                "error": lead.sem(),
                "ahead": (~alike & (lead > 0)).mean(),
                "alike": alike.mean(),
                "behind": (~alike & (lead < 0)).mean(),
            }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["truth", "rival"])
