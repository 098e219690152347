"""Likelihood and predictions with the episode's latent variables integrated out.

Given the parameters, the latent variables of a case are independent of those of other cases, so

    p(y_i | indicators_i) = int p(y_i | e) p(e | indicators_i) de
                         ~= sum_s w_s p(y_i | e_s) / sum_s w_s

with nodes e_s from a scrambled Sobol sequence and weights
w_s = p(e_s) p(indicators_i | e_s) / g(e_s). The proposal g is a normal with the latent variable's
posterior mean and a wider posterior standard deviation. What clients promised each other is
summed out, or conditioned on.

References
----------
Merkle, Furr & Rabe-Hesketh (2019), "Bayesian comparison of latent variable models".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import xarray as xr
from pytensor.graph.replace import vectorize_graph
from scipy.special import logsumexp, ndtri
from scipy.stats import norm, qmc

from bayes_alliance.process.cells import COMMITMENTS
from bayes_alliance.process.containers import without_design

LATENT = "epsilon"
OUTCOMES = ("outcome_observed", "ended_observed")
COMMITMENT = "commitment_given"
PROPOSED = "proposal_observed"
INFORMATION = ("indicators", "commitments")
STAGES = ("proposal", "design")
"""Stages before the last, survival: their densities are of that stage and those before it."""
DENSITIES = (
    "joint",
    "indicators",
    "promise",
    *(f"{known}_{stage}" for known in ("joint", "indicators") for stage in STAGES),
)
IN_CACHE = 100_000
"""Draws times nodes times rows evaluated at once: larger arrays leave the cache and are slower."""
SPREAD = 1.2
"""How much wider than the posterior the proposal of the nodes is."""


@dataclass(frozen=True)
class Nodes:
    """Nodes of the latent variable.

    Parameters
    ----------
    values : numpy.ndarray, shape (node, unit)
        Values of the latent variable by unit (client or case).
    log_ratio : numpy.ndarray, shape (node, unit)
        Log prior density over log proposal density.
    """

    values: np.ndarray
    log_ratio: np.ndarray


def sobol_normal(nodes: int, dimensions: int, seed: int) -> np.ndarray:
    """Standard normal quasi-random numbers.

    Parameters
    ----------
    nodes : int
        Number of nodes, a power of 2.
    dimensions : int
        Number of variables.
    seed : int
        Seed of the scrambling.

    Returns
    -------
    numpy.ndarray, shape (node, dimension)
        Scrambled Sobol points through the normal quantile function.
    """
    engine = qmc.Sobol(dimensions, scramble=True, rng=np.random.default_rng(seed))
    return ndtri(engine.random(nodes).clip(1e-9, 1 - 1e-9))


def make_nodes(posterior: xr.Dataset | None, cases: np.ndarray, nodes: int, seed: int) -> Nodes:
    """Nodes for every unit; units of one case use different dimensions of the sequence.

    Parameters
    ----------
    posterior : xarray.Dataset or None
        Draws of the latent variable that place the nodes; None places them by the prior.
    cases : numpy.ndarray of int, shape (unit,)
        Case of each unit.
    nodes : int
        Number of nodes, a power of 2.
    seed : int
        Seed of the scrambling.

    Returns
    -------
    Nodes
        Values and log ratios.
    """
    within = np.zeros(len(cases), dtype=int)
    for unit in range(len(cases)):
        within[unit] = (cases[:unit] == cases[unit]).sum()
    z = sobol_normal(nodes, int(within.max(initial=0)) + 1, seed)[:, within]  # (node, unit)
    if posterior is None:
        return Nodes(z, np.zeros_like(z))
    latent = posterior[LATENT]
    mean = latent.mean(("chain", "draw")).to_numpy()
    sd = SPREAD * latent.std(("chain", "draw")).to_numpy()
    values = mean + sd * z
    return Nodes(values, norm.logpdf(values) - norm.logpdf(values, mean, sd))


def over_draws(
    model: pm.Model, outputs: dict[str, pt.TensorVariable], nodes: bool = True
) -> Callable:
    """Compile quantities of a model for many draws, and many nodes of the latent variable, at once.

    Parameters
    ----------
    model : pymc.Model
        A theory's model.
    outputs : dict of str to TensorVariable
        Graphs in terms of the model's free random variables.
    nodes : bool
        Whether the latent variable comes as nodes shared by all draws, or as its own draws.

    Returns
    -------
    callable
        Takes the free random variables by name, shape (draw, 1, ...), and the latent variable,
        shape (1, node, unit) if it comes as nodes; returns a dict of arrays whose first two
        dimensions are draw (or 1) and node (or 1).
    """
    batched = {}
    for rv in model.free_RVs:
        lead = (1, None) if nodes and rv.name == LATENT else (None, 1)
        batched[rv] = pt.tensor(rv.name, shape=(*lead, *rv.type.shape), dtype=rv.dtype)
    inputs: Any = [pytensor.In(v, name=v.name) for v in batched.values()]
    graphs: Any = vectorize_graph(list(outputs.values()), batched) if outputs else []
    lifted = [
        g if g.ndim == plain.ndim + 2 else g[None, None]
        for g, plain in zip(graphs, outputs.values(), strict=True)
    ]
    # one pass over large arrays needs no compiler, and none means no wait
    function = pytensor.function(inputs, lifted, on_unused_input="ignore", mode="FAST_COMPILE")
    return lambda **values: dict(zip(outputs, function(**values), strict=True))


class Evaluator:
    """A theory's model, ready to be evaluated at many draws.

    Parameters
    ----------
    model : pymc.Model
        A theory's model; its containers are read when it is called.
    extras : tuple of str
        Deterministics with first dimension ``episode`` to predict.
    """

    def __init__(self, model: pm.Model, extras: tuple[str, ...] = ()) -> None:
        self.model, self.extras = model, extras
        logp = {rv.name: pm.logp(rv, model.rvs_to_values[rv]) for rv in model.observed_RVs}
        per_level = {k: v for k, v in logp.items() if k in (*OUTCOMES, COMMITMENT)}
        made = model["outcome_observed"]
        per_level[PROPOSED] = pm.logp(made, without_design(model.rvs_to_values[made]))
        self.indicators = [name for name in logp if name not in per_level]
        self.levels = COMMITMENTS if COMMITMENT in logp else COMMITMENTS[:1]
        self.of_outcomes = over_draws(model, per_level | {name: model[name] for name in extras})
        self.of_indicators = over_draws(model, {name: logp[name] for name in self.indicators})
        self.free = [rv.name for rv in model.free_RVs if rv.name != LATENT]
        self.has_latent = LATENT in model.named_vars
        data = {v.name: v for v in model.data_vars}
        self.case_of_episode = data["case_index"].get_value()
        self.episode_of_year = data["year_episode"].get_value()
        self.case_of_client = data["client_case"].get_value()
        self.commitment = data["commitment_observed"]
        self.covariate = data["commitment"]
        self.n_cases = len(model.coords["case"])

    def nodes(self, posterior: xr.Dataset | None, nodes: int = 64, seed: int = 0) -> Nodes | None:
        """Nodes for this model, placed by a posterior of it or by the prior.

        Parameters
        ----------
        posterior : xarray.Dataset or None
            Draws of the latent variable.
        nodes : int
            Number of nodes, a power of 2.
        seed : int
            Seed of the scrambling.

        Returns
        -------
        Nodes or None
            None for a theory without a latent variable.
        """
        if not self.has_latent:
            return None
        return make_nodes(posterior, self._case_of(LATENT), nodes, seed)

    def run(
        self,
        posterior: xr.Dataset,
        nodes: Nodes | None,
        given: np.ndarray | None = None,
        batch: int | None = None,
    ) -> xr.Dataset:
        """Integrated log-likelihoods and predictions at every draw.

        Parameters
        ----------
        posterior : xarray.Dataset
            Draws of all free variables but the latent one, dims ``chain, draw, ...``.
        nodes : Nodes or None
            Nodes of the latent variable; None for a theory without one.
        given : numpy.ndarray, shape (episode, commitment_level), optional
            Probabilities of what clients promised each other, in place of the theory's own.
        batch : int, optional
            Draws evaluated at once; by default so many that the arrays stay in the cache.

        Returns
        -------
        xarray.Dataset
            ``joint``, ``indicators`` and ``promise`` with dims ``chain, draw, case``: log densities
            of outcomes and commitments, of outcomes alone (commitments summed out), and of
            commitments alone, each given the indicators; ``joint_proposal`` and
            ``indicators_proposal``, ``joint_design`` and ``indicators_design`` likewise of the
            proposal alone and of proposal and design without the life. ``<extra>_indicators`` and
            ``<extra>_commitments``: predictions on the two information sets, dims ``chain, draw,
            episode, ...``.
        """
        flat = posterior[self.free].stack(sample=("chain", "draw")).transpose("sample", ...)
        values = {name: flat[name].to_numpy()[:, None] for name in self.free}  # (draw, 1, ...)
        count = flat.sizes["sample"]
        if batch is None:
            points = (1 if nodes is None else len(nodes.values)) * len(self.case_of_episode)
            batch = max(1, IN_CACHE // max(points, len(self.episode_of_year)))
        parts = [
            self._batch({k: v[i : i + batch] for k, v in values.items()}, nodes, given)
            for i in range(0, count, batch)
        ]
        chains, draws = posterior.sizes["chain"], posterior.sizes["draw"]
        data = {}
        for name in parts[0]:
            value = np.concatenate([part[name] for part in parts])
            value = value.reshape(chains, draws, *value.shape[1:])
            data[name] = (("chain", "draw", *self._dims(name)), value)
        used = {d for dims, _ in data.values() for d in dims} & set(self.model.coords)
        coords = {d: list(self.model.coords[d]) for d in used}
        return xr.Dataset(data, coords={**coords, "chain": posterior.chain, "draw": posterior.draw})

    def _dims(self, name: str) -> tuple[str, ...]:
        """Dimensions of an output of `run`."""
        if name in DENSITIES:
            return ("case",)
        return tuple(self.model.named_vars_to_dims[name.rsplit("_", 1)[0]])

    def _case_of(self, name: str) -> np.ndarray:
        """Case of each unit of the latent variable or of an indicator."""
        cases = np.arange(self.n_cases)
        of_unit = {
            "client": self.case_of_client,
            "case": cases,
            "unit": np.concatenate([self.case_of_client, cases]),
        }
        return of_unit[self.model.named_vars_to_dims[name][0]]

    def _by_case(self, values: np.ndarray, case: np.ndarray) -> np.ndarray:
        """Sum over the units of each case: (draw, node, unit) to (draw, node, case)."""
        out = np.zeros((*values.shape[:2], self.n_cases))
        np.add.at(out, np.s_[:, :, case], values)  # type: ignore[arg-type]
        return out

    def _by_level(self, point: dict[str, np.ndarray]) -> list[dict[str, np.ndarray]]:
        """Outcomes with every row's commitment set to none, consult and defend in turn."""
        if len(self.levels) == 1:
            return [self.of_outcomes(**point)]
        observed, covariate = self.commitment.get_value(), self.covariate.get_value()
        out = []
        for level in range(len(self.levels)):
            self.commitment.set_value(np.full_like(observed, level))
            self.covariate.set_value(np.full_like(covariate, level))
            out.append(self.of_outcomes(**point))
        self.commitment.set_value(observed)
        self.covariate.set_value(covariate)
        return out

    def _outcomes(self, parts: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Log-likelihood after each stage: (draw, node or 1, episode) by stage, "" after all."""
        design, ended = parts["outcome_observed"], parts["ended_observed"]
        life = np.zeros((*ended.shape[:2], design.shape[2]))
        np.add.at(life, np.s_[:, :, self.episode_of_year], ended)  # type: ignore[arg-type]
        return {"_proposal": parts[PROPOSED], "_design": design, "": design + life}

    def _log_weights(self, point: dict[str, np.ndarray], nodes: Nodes | None) -> np.ndarray:
        """Log weights of the nodes given the indicators: (draw, node, case)."""
        if nodes is None:
            return np.zeros((1, 1, self.n_cases))
        total = self._by_case(nodes.log_ratio[None], self._case_of(LATENT))
        for name, values in self.of_indicators(**point).items():
            total = total + self._by_case(values, self._case_of(name))
        return total - logsumexp(total, axis=1, keepdims=True)

    def _batch(self, point, nodes, given) -> dict[str, np.ndarray]:
        """Everything at a batch of draws, first dimension the draw."""
        if nodes is not None:
            point = point | {LATENT: nodes.values[None]}
        levels = self._by_level(point)
        log_weight = self._log_weights(point, nodes)  # (draw, node, case)
        promise = self._promise(levels, given)  # (level, draw, node, episode)
        recorded = self.commitment.get_value()
        known = (recorded >= 0) & (len(levels) > 1) & (given is None)  # (episode,)
        level, row = np.where(known, recorded, 0), np.arange(len(recorded))

        def pick(values: np.ndarray, otherwise) -> np.ndarray:
            chosen = np.moveaxis(values[level, :, :, row], 0, -1)
            return np.where(known, chosen, otherwise)

        def total(values: np.ndarray) -> np.ndarray:
            return logsumexp(log_weight + self._by_case(values, self.case_of_episode), axis=1)

        promised = pick(promise, 0.0)
        out: dict[str, np.ndarray] = {}
        by_level = [self._outcomes(parts) for parts in levels]
        for stage in by_level[0]:
            both = promise + np.stack([parts[stage] for parts in by_level])
            any_level = logsumexp(both, axis=0)  # (draw, node, episode)
            out[f"joint{stage}"] = total(pick(both, any_level))
            out[f"indicators{stage}"] = total(any_level)
        out["promise"] = np.broadcast_to(total(promised), out["joint"].shape)
        informed = log_weight + self._by_case(promised, self.case_of_episode)
        informed = informed - logsumexp(informed, axis=1, keepdims=True)
        of_level = np.exp(promise)
        pinned = np.where(known, np.eye(len(levels))[:, level][:, None, None, :], of_level)
        for name in self.extras:
            values = np.stack([p[name] for p in levels])  # (level, draw, node or 1, episode, ...)
            for label, weight, share in (
                ("indicators", log_weight, of_level),
                ("commitments", informed, pinned),
            ):
                weight = np.exp(weight)[..., self.case_of_episode] * share
                weight = weight.reshape(*weight.shape, *(1,) * (values.ndim - weight.ndim))
                out[f"{name}_{label}"] = (weight * values).sum(axis=(0, 2))
        return out

    def _promise(self, levels, given) -> np.ndarray:
        """Log-probability of each level of commitment: (level, draw, node, episode)."""
        if len(levels) == 1:
            return np.zeros((1, 1, 1, len(self.case_of_episode)))
        if given is not None:
            with np.errstate(divide="ignore"):
                return np.log(given.T)[:, None, None, :]
        return np.stack([p[COMMITMENT] for p in levels])


def at_draws(
    model: pm.Model, posterior: xr.Dataset, outputs: dict[str, pt.TensorVariable], batch: int = 500
) -> xr.Dataset:
    """Evaluate quantities of a model at every draw.

    Parameters
    ----------
    model : pymc.Model
        A theory's model.
    posterior : xarray.Dataset
        Draws of all free variables.
    outputs : dict of str to TensorVariable
        Graphs named as in the model, which gives their dimensions.
    batch : int
        Draws evaluated at once.

    Returns
    -------
    xarray.Dataset
        The quantities, dims ``chain, draw, ...``.
    """
    function = over_draws(model, outputs, nodes=False)
    names = [rv.name for rv in model.free_RVs]
    flat = posterior[names].stack(sample=("chain", "draw")).transpose("sample", ...)
    values = {name: flat[name].to_numpy()[:, None] for name in names}
    count, shape = flat.sizes["sample"], (posterior.sizes["chain"], posterior.sizes["draw"])
    parts = [
        function(**{k: v[i : i + batch] for k, v in values.items()}) for i in range(0, count, batch)
    ]
    data = {}
    for name in outputs:
        value = np.concatenate([part[name][:, 0] for part in parts])
        dims = tuple(model.named_vars_to_dims.get(name, ()))
        dims = (
            dims
            if len(dims) == value.ndim - 1
            else tuple(f"{name}_dim_{i}" for i in range(value.ndim - 1))
        )
        data[name] = (("chain", "draw", *dims), value.reshape(*shape, *value.shape[1:]))
    used = {d for dims, _ in data.values() for d in dims} & set(model.coords)
    coords = {d: list(model.coords[d]) for d in used}
    return xr.Dataset(data, coords={**coords, "chain": posterior.chain, "draw": posterior.draw})
