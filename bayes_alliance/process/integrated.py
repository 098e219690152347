"""Likelihood and predictions with the episode's latent variables integrated out.

Given the parameters, the latent variables of a case are independent of those of other cases, so

    p(y_i | indicators_i) = int p(y_i | e) p(e | indicators_i) de
                         ~= sum_s w_s p(y_i | e_s) / sum_s w_s

with nodes e_s and weights w_s = q_s p(e_s) p(indicators_i | e_s) / g(e_s). The proposal g is a
normal with the latent variable's posterior mean and a wider posterior standard deviation. Where a
case has one latent variable the nodes and their q_s are those of Gauss and Hermite; where it has
several, nodes are a scrambled Sobol sequence and all q_s are the same. What clients promised each
other is summed out, or conditioned on.

References
----------
Merkle, Furr & Rabe-Hesketh (2019), "Bayesian comparison of latent variable models".
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import xarray as xr
from numpy.polynomial.hermite_e import hermegauss
from pytensor.compile.ops import ViewOp
from pytensor.graph.replace import _vectorize_node, vectorize_graph
from pytensor.graph.traversal import graph_inputs
from scipy.special import ndtri
from scipy.stats import norm, qmc

from bayes_alliance.density import GRAPHS, compile_arrays, graph_of, untraced
from bayes_alliance.machine.arrays import Arrays
from bayes_alliance.process.cells import COMMITMENTS
from bayes_alliance.process.containers import only, without_design

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
NODES, QUADRATURE, ABOUT_PRIOR = 64, 64, 24
"""Nodes of several latent variables; of one, where its posterior is known; of one about its prior,
of which predictions are smooth functions."""


@dataclass(frozen=True)
class Nodes:
    """Nodes of the latent variable.

    Parameters
    ----------
    values : numpy.ndarray, shape (node, unit)
        Values of the latent variable by unit (client or case).
    log_ratio : numpy.ndarray, shape (node, unit)
        Log of the node's weight times prior density over proposal density, up to a constant.
    """

    values: np.ndarray
    log_ratio: np.ndarray


def sobol_normal(nodes: int, dimensions: int, seed: int) -> np.ndarray:
    """Standard normal quasi-random numbers.

    Parameters
    ----------
    nodes : int
        Number of nodes, a power of 2, where a case has several units.
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
    """Nodes for every unit; units of one case use different dimensions of a Sobol sequence.

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
    if within.any():
        z = sobol_normal(nodes, int(within.max()) + 1, seed)[:, within]  # (node, unit)
        log_weight = np.zeros_like(z)
    else:
        at, weight = hermegauss(ABOUT_PRIOR if posterior is None else QUADRATURE)
        z = np.repeat(at[:, None], len(cases), axis=1)
        log_weight = np.repeat(np.log(weight)[:, None], len(cases), axis=1)
    if posterior is None:
        return Nodes(z, log_weight)
    latent = posterior[LATENT]
    mean = latent.mean(("chain", "draw")).to_numpy()
    sd = SPREAD * latent.std(("chain", "draw")).to_numpy()
    values = mean + sd * z
    return Nodes(values, log_weight + norm.logpdf(values) - norm.logpdf(values, mean, sd))


@_vectorize_node.register(ViewOp)
def _view_of_batch(op, node, values):
    """A named quantity at all draws at once; PyTensor itself would copy it draw by draw."""
    return op.make_node(values)


Outputs = Mapping[str, Any]
"""Variables of a model, or what makes one when it is called, by name."""
Contents = Mapping[str, np.ndarray]
"""What the containers of a model hold, by name; a call that is given it leaves the model alone."""
BY_ROW = ("case", "episode", "client", "unit", "member", "alliance_year", "panel_year")
"""Dimensions whose labels are those of the tables that a model was made of."""


def held(model: pm.Model) -> dict[str, np.ndarray]:
    """What a model's containers hold now.

    Parameters
    ----------
    model : pymc.Model
        A model.

    Returns
    -------
    dict of str to numpy.ndarray
        Contents by name; nobody changes them in place.
    """
    return {name: v.get_value(borrow=True) for name, v in _containers(model).items()}


def _containers(model: pm.Model) -> dict[str, Any]:
    """Containers of a model by name, lengths of its dimensions among them."""
    every = [*model.dim_lengths.values(), *model.data_vars]
    return {str(v.name): v for v in every if hasattr(v, "get_value")}


@dataclass(frozen=True)
class OverDraws:
    """Quantities at many draws at once.

    Parameters
    ----------
    model : pymc.Model
        The model of which they are.
    function : callable
        Takes contents of the containers, and the free random variables by name, shape
        (draw, 1, ...), and the latent variable, shape (1, node, unit) if it comes as nodes; returns
        a dict of arrays whose first two dimensions are draw (or 1) and node (or 1).
    reads_latent : bool
        Whether anything depends on the latent variable.
    """

    model: pm.Model
    function: Callable[[Contents, Contents], dict[str, np.ndarray]]
    reads_latent: bool

    def __call__(self, contents: Contents | None = None, **values: Any) -> dict[str, np.ndarray]:
        """Evaluate the quantities, at what the model holds now or at other contents."""
        return self.function(held(self.model) if contents is None else contents, values)


def over_draws(
    model: pm.Model, outputs: Outputs, nodes: bool = True, kept_as: str | None = None
) -> OverDraws:
    """Quantities of a model for many draws, and many nodes of the latent variable, at once.

    Parameters
    ----------
    model : pymc.Model
        A theory's model.
    outputs : mapping of str to TensorVariable or callable
        Graphs in terms of the model's free random variables.
    nodes : bool
        Whether the latent variable comes as nodes shared by all draws, or as its own draws.
    kept_as : str, optional
        What the outputs of these names are of every model. Given it, they are compiled, kept and
        found again; else they are computed step by step, which needs no compiler and no wait.

    Returns
    -------
    OverDraws
        The quantities.
    """
    made_of = getattr(model, "made_of", None)
    if outputs and made_of and kept_as:
        *of, names, shapes = made_of
        # rows may differ in number, and so may what the latent variable is of
        shapes = [None if name == LATENT else s for name, s in zip(names, shapes, strict=True)]
        key = repr((*of, names, shapes, kept_as, tuple(outputs), nodes))
        found = compile_arrays(key, lambda: graph_of(*_batched(model, outputs, nodes)))
        if found is not None:
            return _kept(model, tuple(outputs), found)
    return _plain(model, outputs, nodes)


@untraced()
def _plain(model: pm.Model, outputs: Outputs, nodes: bool) -> OverDraws:
    """Quantities computed step by step."""
    lifted, batched = _batched(model, outputs, nodes)
    inputs: Any = [pytensor.In(v, name=v.name) for v in batched.values()]
    above = set(graph_inputs(lifted)) if lifted else set()
    containers = {name: v for name, v in _containers(model).items() if v in above}
    own: Any = {name: v.type(f"{name} held") for name, v in containers.items()}
    function = pytensor.function(
        [*own.values(), *inputs],
        lifted,
        givens=[(v, own[name]) for name, v in containers.items()],
        on_unused_input="ignore",
        mode="FAST_COMPILE",
    )

    def at(contents: Contents, values: Contents) -> dict[str, np.ndarray]:
        given = [np.asarray(contents[name], v.dtype) for name, v in containers.items()]
        with GRAPHS:  # a function of PyTensor serves one thread at a time
            return dict(zip(outputs, function(*given, **values), strict=True))

    return OverDraws(model, at, LATENT in {v.name for v in above})


def _batched(model: pm.Model, outputs: Outputs, nodes: bool) -> tuple[list[Any], dict[Any, Any]]:
    """Graphs at all draws and nodes, and their inputs by free variable."""
    batched = {}
    for rv in model.free_RVs:
        lead = (1, None) if nodes and rv.name == LATENT else (None, 1)
        dims = model.named_vars_to_dims.get(rv.name)
        known = dims is not None and rv.name != LATENT
        shape = [len(model.coords[d]) for d in dims or ()] if known else rv.type.shape
        batched[rv] = pt.tensor(rv.name, shape=(*lead, *shape), dtype=rv.dtype)
    plain = [make() if callable(make) else make for make in outputs.values()]
    graphs: Any = vectorize_graph(plain, batched) if plain else []
    return [
        g if g.ndim == of.ndim + 2 else g[None, None] for g, of in zip(graphs, plain, strict=True)
    ], batched


def _kept(model: pm.Model, names: tuple[str, ...], compiled: Arrays) -> OverDraws:
    """Compiled quantities with the containers of a model."""

    def at(contents: Contents, values: Contents) -> dict[str, np.ndarray]:
        return dict(zip(names, compiled({**contents, **values}), strict=True))

    return OverDraws(model, at, LATENT in {name for name, _ in compiled.inputs})


class Evaluator:
    """A theory's model, ready to be evaluated at many draws.

    Parameters
    ----------
    model : pymc.Model
        A theory's model, of which it reads what the containers hold whenever it is asked, unless it
        was given other contents (`of`). It never changes the model.
    extras : tuple of str
        Deterministics with first dimension ``episode`` to predict.
    densities : bool
        Whether densities of outcomes are asked for; predictions need none.
    """

    def __init__(
        self, model: pm.Model, extras: tuple[str, ...] = (), densities: bool = True
    ) -> None:
        self.model, self.extras = model, extras
        rows = {rv.name: rv for rv in model.observed_RVs}
        values = {name: model.rvs_to_values[rv] for name, rv in rows.items()}
        asked: dict[str, Any] = {name: model[name] for name in extras}
        if densities:
            asked |= {name: partial(pm.logp, rows[name], values[name]) for name in OUTCOMES}
            made = "outcome_observed"
            asked[PROPOSED] = lambda: pm.logp(rows[made], without_design(values[made]))
        self.densities = densities
        self.of_outcomes = over_draws(model, asked, kept_as="outcomes")
        self.indicators = [name for name in rows if name not in (*OUTCOMES, COMMITMENT)]
        self.told = {name: partial(pm.logp, rows[name], values[name]) for name in self.indicators}
        self.contents: Contents | None = None
        self._made: dict[str, OverDraws] = {}
        self.levels = COMMITMENTS if COMMITMENT in rows else COMMITMENTS[:1]
        self.promised = {}
        if COMMITMENT in rows:
            promised = values[COMMITMENT]
            self.promised = {
                level: partial(_logp_at, rows[COMMITMENT], promised, i)
                for i, level in enumerate(self.levels)
            }
        self.outcomes_have_nodes = self.of_outcomes.reads_latent
        self.free = [rv.name for rv in model.free_RVs if rv.name != LATENT]
        self.has_latent = LATENT in model.named_vars

    def of(self, contents: Contents) -> Evaluator:
        """The same evaluator of other data; what is compiled is shared, the model left alone.

        Parameters
        ----------
        contents : mapping of str to numpy.ndarray
            Contents of containers; the others are as they are.

        Returns
        -------
        Evaluator
            Gives cases, episodes and clients without labels.
        """
        known = _containers(self.model)
        cast = {n: np.asarray(v, known[n].dtype) for n, v in contents.items() if n in known}
        other = copy.copy(self)
        other.contents = {**self.data, **cast}
        return other

    @property
    def data(self) -> Contents:
        """Contents of the containers."""
        return held(self.model) if self.contents is None else self.contents

    @property
    def case_of_episode(self) -> np.ndarray:
        """Case of each episode."""
        return self.data["case_index"]

    @property
    def episode_of_year(self) -> np.ndarray:
        """Episode of each alliance-year."""
        return self.data["year_episode"]

    @property
    def n_cases(self) -> int:
        """Number of cases."""
        return len(self.data["case_row"])

    def _of_latent(self, promises: bool) -> OverDraws:
        """Log densities of the indicators, and of what clients promise each other if asked for."""
        name = "latent" if promises else "indicators"
        with GRAPHS:
            if name not in self._made:
                asked = self.told | self.promised if promises else self.told
                self._made[name] = over_draws(self.model, asked, kept_as="indicators")
            return self._made[name]

    def nodes(
        self, posterior: xr.Dataset | None, nodes: int = NODES, seed: int = 0
    ) -> Nodes | None:
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
        return make_nodes(posterior, self.case_of(LATENT), nodes, seed)

    def only(self, nodes: Nodes | None, cases: Sequence[int]) -> tuple[Evaluator, Nodes | None]:
        """Some cases alone: an evaluator whose data hold no others.

        Parameters
        ----------
        nodes : Nodes or None
            Nodes for the whole model.
        cases : sequence of int
            Positions of the cases.

        Returns
        -------
        tuple of Evaluator and Nodes
            Of these cases; it gives cases, episodes and clients without labels.
        """
        dims = self.model.named_vars_to_dims
        data = {str(v.name): self.data[str(v.name)] for v in self.model.data_vars}
        if nodes is not None:
            of = np.isin(self.case_of(LATENT), cases)
            nodes = Nodes(nodes.values[:, of], nodes.log_ratio[:, of])
        kept = only({name: (dims[name], value) for name, value in data.items()}, cases)
        return self.of({name: value for name, (_, value) in kept.items()}), nodes

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
            If densities are asked for: ``joint``, ``indicators`` and ``promise`` with dims
            ``chain, draw, case``: log densities of outcomes and commitments, of outcomes alone
            (commitments summed out), and of commitments alone, each given the indicators;
            ``joint_proposal`` and ``indicators_proposal``, ``joint_design`` and
            ``indicators_design`` likewise of the proposal alone and of proposal and design without
            the life. ``<extra>_indicators`` and ``<extra>_commitments``: predictions on the two
            information sets, dims ``chain, draw, episode, ...``.
        """
        own = self if self.contents else self.of({})  # what is held now, to the end of the call
        flat = posterior[self.free].stack(sample=("chain", "draw")).transpose("sample", ...)
        values = {name: flat[name].to_numpy()[:, None] for name in self.free}  # (draw, 1, ...)
        count = flat.sizes["sample"]
        many, rows = 1 if nodes is None else len(nodes.values), len(own.case_of_episode)
        batch = batch or max(1, IN_CACHE // max(many * rows, len(own.episode_of_year)))
        # outcomes that do not depend on the latent variable are the same at every node
        block = batch if self.outcomes_have_nodes else max(batch, IN_CACHE // many)
        parts = []
        for i in range(0, count, block):
            of_block = {name: v[i : i + block] for name, v in values.items()}
            levels = own._by_level(of_block, nodes)
            for j in range(0, min(block, count - i), batch):
                within = slice(j, j + batch)
                point = {name: v[within] for name, v in of_block.items()}
                some = [{name: v[within] for name, v in level.items()} for level in levels]
                parts.append(own._batch(point, some, nodes, given))
        chains, draws = posterior.sizes["chain"], posterior.sizes["draw"]
        data = {}
        for name in parts[0]:
            value = np.concatenate([part[name] for part in parts])
            value = value.reshape(chains, draws, *value.shape[1:])
            data[name] = (("chain", "draw", *self._dims(name)), value)
        sizes = {d: n for dims, v in data.values() for d, n in zip(dims, v.shape, strict=True)}
        told = {d: v for d, v in self.model.coords.items() if self is not own or d not in BY_ROW}
        coords = {d: list(v) for d, v in told.items() if len(v) == sizes.get(d)}
        return xr.Dataset(data, coords={**coords, "chain": posterior.chain, "draw": posterior.draw})

    def _dims(self, name: str) -> tuple[str, ...]:
        """Dimensions of an output of `run`."""
        if name in DENSITIES:
            return ("case",)
        return tuple(self.model.named_vars_to_dims[name.rsplit("_", 1)[0]])

    def case_of(self, name: str) -> np.ndarray:
        """Case of each unit of the latent variable or of an indicator.

        Parameters
        ----------
        name : str
            Name of the variable.

        Returns
        -------
        numpy.ndarray of int
            Positions.
        """
        cases, clients = np.arange(self.n_cases), self.data["client_case"]
        of_unit = {"client": clients, "case": cases, "unit": np.concatenate([clients, cases])}
        return of_unit[self.model.named_vars_to_dims[name][0]]

    def _by_case(self, values: np.ndarray, case: np.ndarray) -> np.ndarray:
        """Sum over the units of each case: (draw, node, unit) to (draw, node, case)."""
        return _sums(values, case, self.n_cases)

    def _by_level(self, point: dict[str, np.ndarray], nodes) -> list[dict[str, np.ndarray]]:
        """Outcomes with every row's commitment set to none, consult and defend in turn."""
        if nodes is not None:
            point = point | {LATENT: nodes.values[None]}
        if len(self.levels) == 1:
            return [self.of_outcomes(self.data, **point)]
        every = [np.full_like(self.data["commitment"], i) for i in range(len(self.levels))]
        return [self.of_outcomes({**self.data, "commitment": c}, **point) for c in every]

    def _outcomes(self, parts: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Log-likelihood after each stage: (draw, node or 1, episode) by stage, "" after all."""
        design, ended = parts["outcome_observed"], parts["ended_observed"]
        life = _sums(ended, self.episode_of_year, design.shape[2])
        return {"_proposal": parts[PROPOSED], "_design": design, "": design + life}

    def _log_weights(self, told: dict[str, np.ndarray], nodes: Nodes | None) -> np.ndarray:
        """Log weights of the nodes given the indicators: (draw, node, case)."""
        if nodes is None:
            return np.zeros((1, 1, self.n_cases))
        total = self._by_case(nodes.log_ratio[None], self.case_of(LATENT))
        for name in self.indicators:
            total = total + self._by_case(told[name], self.case_of(name))
        return total - _log_sum(total, 1)[:, None]

    def _batch(self, point, levels, nodes, given) -> dict[str, np.ndarray]:
        """Everything at a batch of draws, first dimension the draw, from outcomes by level."""
        if nodes is not None:
            point = point | {LATENT: nodes.values[None]}
        told = self._of_latent(given is None)(self.data, **point)
        log_weight = self._log_weights(told, nodes)  # (draw, node, case)
        promise = self._promise(told, given)  # (level, draw, node, episode)
        of_level = np.exp(promise)
        recorded = self.data["commitment_observed"]
        known = (recorded >= 0) & (len(levels) > 1) & (given is None)  # (episode,)
        level, row = np.where(known, recorded, 0), np.arange(len(recorded))

        def pick(values: np.ndarray, otherwise) -> np.ndarray:
            chosen = np.moveaxis(values[level, :, :, row], 0, -1)
            return np.where(known, chosen, otherwise)

        def total(values: np.ndarray) -> np.ndarray:
            return _log_sum(log_weight + self._by_case(values, self.case_of_episode), 1)

        promised = pick(promise, 0.0)
        out: dict[str, np.ndarray] = {}
        by_level = [self._outcomes(parts) for parts in levels] if self.densities else [{}]
        for stage in by_level[0]:
            of_stage = np.stack([parts[stage] for parts in by_level])  # (level, draw, node, ...)
            any_level = _mixed(of_level, of_stage)  # (draw, node, episode)
            out[f"joint{stage}"] = total(promised + pick(of_stage, any_level))
            out[f"indicators{stage}"] = total(any_level)
        if self.densities:
            out["promise"] = np.broadcast_to(total(promised), out["joint"].shape)
        if not self.extras:
            return out
        informed = log_weight + self._by_case(promised, self.case_of_episode)
        informed = informed - _log_sum(informed, 1)[:, None]
        pinned = np.where(known, np.eye(len(levels))[:, level][:, None, None, :], of_level)
        for name in self.extras:
            values = np.stack([p[name] for p in levels])  # (level, draw, node or 1, episode, ...)
            for label, weight, share in (
                ("indicators", log_weight, of_level),
                ("commitments", informed, pinned),
            ):
                if label == "commitments" and not known.any():
                    out[f"{name}_{label}"] = out[f"{name}_indicators"]
                    continue
                weight = np.exp(weight)[..., self.case_of_episode] * share
                if values.shape[2] == 1:  # the same at every node
                    weight = weight.sum(2, keepdims=True)
                out[f"{name}_{label}"] = np.einsum("ldne,ldne...->de...", weight, values)
        return out

    def _promise(self, told, given) -> np.ndarray:
        """Log-probability of each level of commitment: (level, draw, node, episode)."""
        if len(self.levels) == 1:
            return np.zeros((1, 1, 1, len(self.case_of_episode)))
        if given is not None:
            with np.errstate(divide="ignore"):
                return np.log(given.T)[:, None, None, :]
        return np.stack([told[level] for level in self.levels])


@functools.lru_cache(maxsize=16)
def evaluator(model: pm.Model, extras: tuple[str, ...] = (), densities: bool = True) -> Evaluator:
    """The evaluator of a model, made once.

    Parameters
    ----------
    model : pymc.Model
        A theory's model.
    extras, densities
        As of `Evaluator`.

    Returns
    -------
    Evaluator
        Ready to be evaluated.
    """
    return Evaluator(model, extras, densities)


def _logp_at(rv: Any, value: Any, level: int) -> Any:
    """Log-probability that all values are a level."""
    return pm.logp(rv, pt.full_like(value, level))


def _sums(values: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """Sum the last dimension by group; a group may be empty."""
    order = np.argsort(group, kind="stable")
    present, first = np.unique(group[order], return_index=True)
    if len(present) == len(group) == groups:
        return values[..., order] if (order[1:] < order[:-1]).any() else values
    out = np.zeros((*values.shape[:-1], groups))
    out[..., present] = np.add.reduceat(values[..., order], first, axis=-1)
    return out


def _log_sum(values: np.ndarray, axis: int) -> np.ndarray:
    """Log of the sum of exponentials."""
    largest = values.max(axis, keepdims=True)
    largest = np.where(np.isfinite(largest), largest, 0.0)
    with np.errstate(divide="ignore"):
        return np.log(np.exp(values - largest).sum(axis)) + largest.squeeze(axis)


def _mixed(share: np.ndarray, log_density: np.ndarray) -> np.ndarray:
    """Log density over the levels: (level, draw, node, episode) to (draw, node, episode)."""
    largest = log_density.max(0, keepdims=True)
    with np.errstate(divide="ignore"):
        return np.log((share * np.exp(log_density - largest)).sum(0)) + largest[0]


def at_draws(
    model: pm.Model, posterior: xr.Dataset, outputs: dict[str, pt.TensorVariable]
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

    Returns
    -------
    xarray.Dataset
        The quantities, dims ``chain, draw, ...``.
    """
    return quantities(model, outputs)(posterior)


def quantities(
    model: pm.Model,
    outputs: Outputs,
    kept_as: str | None = None,
    batch: int = 500,
) -> Callable[..., xr.Dataset]:
    """Compile quantities of a model, to be evaluated at draws of several kinds.

    Parameters
    ----------
    model : pymc.Model
        A theory's model.
    outputs : mapping of str to TensorVariable or callable
        Graphs named as in the model, which gives their dimensions.
    kept_as : str, optional
        As of `over_draws`.
    batch : int
        Draws evaluated at once.

    Returns
    -------
    callable
        From draws of all free variables, dims ``chain, draw, ...``, and contents of the containers
        if they are others than the model's, to the quantities there; of others without labels.
    """
    function = over_draws(model, outputs, nodes=False, kept_as=kept_as)
    names = [rv.name for rv in model.free_RVs]

    def at(posterior: xr.Dataset, contents: Contents | None = None) -> xr.Dataset:
        holds = held(model) if contents is None else {**held(model), **contents}
        flat = posterior[names].stack(sample=("chain", "draw")).transpose("sample", ...)
        values = {name: flat[name].to_numpy()[:, None] for name in names}
        count, shape = flat.sizes["sample"], (posterior.sizes["chain"], posterior.sizes["draw"])
        parts = [
            function(holds, **{k: v[i : i + batch] for k, v in values.items()})
            for i in range(0, count, batch)
        ]
        data = {}
        for name in outputs:
            value = np.concatenate([part[name][:, 0] for part in parts])
            dims = tuple(model.named_vars_to_dims.get(name, ()))
            if len(dims) != value.ndim - 1:
                dims = tuple(f"{name}_dim_{i}" for i in range(value.ndim - 1))
            data[name] = (("chain", "draw", *dims), value.reshape(*shape, *value.shape[1:]))
        used = {d for dims, _ in data.values() for d in dims} & set(model.coords)
        coords = {} if contents else {d: list(model.coords[d]) for d in used}
        return xr.Dataset(data, coords={**coords, "chain": posterior.chain, "draw": posterior.draw})

    return at
