"""Simulation-based calibration: whether the posteriors mean what they say.

Parameters drawn from the prior make data of the real design (the same episodes, clients, years and
gaps), the model is fitted to them, and the rank of the true value among the posterior draws is
kept. If everything is right, ranks are uniform. One compiled model serves all simulations; that
is why the loop is here and not that of a package that builds the model anew each time.

References
----------
Talts et al. (2018), "Validating Bayesian inference algorithms with simulation-based calibration";
Modrak et al. (2023), "Simulation-based calibration checking for Bayesian computation".
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt
from pytensor.graph.replace import graph_replace

from bayes_alliance.data.load import Data
from bayes_alliance.fit import compiled, sample_model, with_containers
from bayes_alliance.process.cells import REFUSED
from bayes_alliance.process.containers import encode
from bayes_alliance.process.designs import open_ended
from bayes_alliance.process.integrated import LATENT
from bayes_alliance.process.priors import Priors, load_priors
from bayes_alliance.theories import build

INDICATORS = {
    "fear": ("client_indicators", 0),
    "disputes": ("client_indicators", 1),
    "statement_coded": ("statement", None),
    "frame_coded": ("frame", None),
    "commitment_given": ("commitment_observed", None),
}
"""Container, and its column, of each indicator; -1 in the real data stays unrecorded."""

KEPT = 100
"""Posterior draws among which the true value is ranked: thinned, so that they are independent."""


def template(data: Data) -> Data:
    """The design of a dataset, ready to be filled with simulated outcomes.

    Parameters
    ----------
    data : Data
        Real tables.

    Returns
    -------
    Data
        Proposals only, as what they fell back to is part of their simulated outcome; every design
        is followed to the end of observation, so that any simulated life fits in; where threat
        is not recorded its last values go on.
    """
    data = open_ended(data)
    roots = data.episodes["episode"] == data.episodes["case"]
    episodes = data.episodes[roots].copy()
    episodes["outcome"] = episodes["outcome"].replace("refused", "none")
    names = set(episodes["episode"])
    clients = data.clients[data.clients["episode"].isin(names)]
    return replace(
        data,
        name=f"{data.name}, simulated",
        episodes=episodes.reset_index(drop=True),
        clients=clients.reset_index(drop=True),
    )


class Calibration:
    """One compiled model and its simulator.

    Parameters
    ----------
    theory : str
        Name of the theory.
    data : Data
        Real tables; their design is kept.
    priors : Priors, optional
        Bundled ones by default.
    seed : int
        Seed of the simulations.
    """

    def __init__(
        self, theory: str, data: Data, priors: Priors | None = None, seed: int = 1
    ) -> None:
        self.data = template(data)
        spec = priors or load_priors(theory)
        self.log_density = compiled(theory, self.data, spec)[1]
        self.model = build(theory, self.data, spec)  # its own: nobody else changes what it holds
        free, observed = self.model.free_RVs, self.model.observed_RVs
        self.draw_prior = pm.compile([], free, random_seed=seed, mode="FAST_COMPILE")
        self.rng = np.random.default_rng(seed)
        inputs = {rv: pt.tensor(rv.name, shape=rv.type.shape, dtype=rv.dtype) for rv in free}
        outputs = {rv.name: rv for rv in observed} | {"hazard": self.model["hazard"]}
        graphs = graph_replace(list(outputs.values()), inputs, strict=False)
        run = pm.compile(
            list(inputs.values()),
            graphs,
            random_seed=seed,
            mode="FAST_COMPILE",
            on_unused_input="ignore",
        )
        self.forward = lambda point: dict(
            zip(outputs, run(*[point[rv.name] for rv in free]), strict=True)
        )
        self.real = {v.name: v.get_value().copy() for v in self.model.data_vars}

    def _set(self, values: dict[str, np.ndarray]) -> None:
        for name, value in values.items():
            self.model[name].set_value(value.astype(self.real[name].dtype))

    def prior_point(self) -> dict[str, np.ndarray]:
        """Draw all free variables from the prior.

        Returns
        -------
        dict of str to numpy.ndarray
            Values by name.
        """
        return dict(zip([rv.name for rv in self.model.free_RVs], self.draw_prior(), strict=True))

    def simulate(self, point: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Make data of the real design: indicators, then promises, outcomes and lives in turn.

        Parameters
        ----------
        point : dict of str to numpy.ndarray
            Values of the free variables.

        Returns
        -------
        dict of str to numpy.ndarray
            Contents of the containers that differ from the real ones.
        """
        real = self.real
        out: dict[str, np.ndarray] = {}
        drawn = self.forward(point)
        for name, (container, column) in INDICATORS.items():
            if name not in drawn:
                continue
            values = out.setdefault(container, real[container].copy())
            place = values if column is None else values[:, column]
            place[:] = np.where(place >= 0, drawn[name], -1)
        if "commitment_given" in drawn:
            out["commitment"] = np.asarray(drawn["commitment_given"])
            self._set({"commitment": out["commitment"]})
        code = np.asarray(self.forward(point)["outcome_observed"])
        unit = REFUSED + 2
        proposal, design = code // unit - 1, code % unit - 1
        recorded = real["outcome"] // unit - 1 >= 0
        out["outcome"] = encode(np.where(recorded, proposal, -1), design)
        out["cell_of_design"] = design
        self._set({"cell_of_design": design})
        out |= self._lives(self.forward(point), design)
        self._set({name: real[name] for name in ("commitment", "cell_of_design")})
        return out

    def _lives(self, drawn: dict[str, np.ndarray], design: np.ndarray) -> dict[str, np.ndarray]:
        """End each life at a time drawn within the stretch in which it ends."""
        episode = self.real["year_episode"]
        exposure, hazard = self.real["exposure"].copy(), np.asarray(drawn["hazard"])
        ended = np.asarray(drawn["ended_observed"]).copy()
        for unit in np.unique(episode):
            rows = np.flatnonzero(episode == unit)
            first = np.flatnonzero(ended[rows])
            over = rows if design[unit] == 0 else rows[first[0] + 1 :] if first.size else rows[:0]
            exposure[over], ended[over] = 0.0, 0
            if design[unit] > 0 and first.size:
                row = rows[first[0]]
                within = self.rng.uniform() * -np.expm1(-hazard[row] * exposure[row])
                exposure[row] = -np.log1p(-within) / hazard[row]
        return {"exposure": exposure, "ended": ended}

    def ranked(self) -> list[str]:
        """Parameters whose ranks are kept: all but residuals and standardised effects."""
        return [
            rv.name
            for rv in self.model.free_RVs
            if rv.name != LATENT and not rv.name.startswith(("z_", "risk_z"))
        ]

    def once(self, seed: int, draws: int = 500, tune: int = 500) -> dict[str, Any]:
        """Simulate, fit and rank once.

        Parameters
        ----------
        seed : int
            Seed of the sampler.
        draws, tune : int
            Draws kept and discarded by each of two chains.

        Returns
        -------
        dict
            ``ranks`` (0 to `KEPT`) and ``z`` (true value minus posterior mean, over the posterior
            standard deviation) by parameter, and ``divergences``.
        """
        point = self.prior_point()
        values = self.simulate(point)
        log_density = with_containers(self.log_density, self.real | values)
        tree = sample_model(self.model, log_density, draws, tune, 2, seed, "nutpie")
        posterior = tree["posterior"].to_dataset().stack(sample=("chain", "draw"))
        step = max(1, posterior.sizes["sample"] // KEPT)
        ranks, z = {}, {}
        for name in self.ranked():
            drawn = posterior[name].transpose("sample", ...).to_numpy()
            drawn = drawn.reshape(len(drawn), -1)
            for k, true in enumerate(np.ravel(point[name])):
                label = name if drawn.shape[1] == 1 else f"{name}[{k}]"
                ranks[label] = int((drawn[::step, k][:KEPT] < true).sum())
                z[label] = float((true - drawn[:, k].mean()) / drawn[:, k].std())
        return {
            "ranks": ranks,
            "z": z,
            "divergences": int(tree["sample_stats"]["diverging"].sum()),
        }


def summary(
    runs: list[dict[str, Any]], probs: tuple[float, ...] = (0.5, 0.8, 0.95)
) -> pd.DataFrame:
    """Uniformity of the ranks and coverage of central intervals, by parameter.

    Parameters
    ----------
    runs : list of dict
        What `Calibration.once` gave.
    probs : tuple of float
        Probabilities of the intervals.

    Returns
    -------
    pandas.DataFrame
        One row a parameter: ``distance``, the largest distance between the ranks' empirical
        distribution and the uniform one; ``critical``, the distance that 95 % of uniform samples
        of this size stay below; ``critical, all``, the distance that all parameters together stay
        below with that probability (Bonferroni); the share of true values in each central
        interval; and ``mean_z``, ``sd_z``.
    """
    ranks = pd.DataFrame([run["ranks"] for run in runs])
    z = pd.DataFrame([run["z"] for run in runs])
    grid = np.arange(KEPT + 1)
    expected = (grid + 1) / (KEPT + 1)
    limit, limit_all = critical(len(runs)), critical(len(runs), 1 - 0.05 / ranks.shape[1])
    spread = np.random.default_rng(0).uniform(size=len(runs))  # makes ranks continuous
    rows = {}
    for name in ranks:
        share = (ranks[name].to_numpy()[:, None] <= grid).mean(0)
        unit = (ranks[name] + spread) / (KEPT + 1)
        distance = float(np.abs(share - expected).max())
        rows[name] = {"distance": distance, "critical": limit, "critical, all": limit_all}
        for prob in probs:
            low = (1 - prob) / 2
            rows[name][f"inside {prob:.0%}"] = float(unit.between(low, 1 - low).mean())
        rows[name] |= {"mean_z": float(z[name].mean()), "sd_z": float(z[name].std())}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("parameter")


def critical(runs: int, prob: float = 0.95, samples: int = 20_000) -> float:
    """Distance from uniformity that samples of uniform ranks stay below.

    Parameters
    ----------
    runs : int
        Number of simulations.
    prob : float
        Probability.
    samples : int
        Monte Carlo samples.

    Returns
    -------
    float
        The quantile of the Kolmogorov-Smirnov distance of discrete uniform ranks.
    """
    rng = np.random.default_rng(0)
    ranks = np.sort(rng.integers(KEPT + 1, size=(samples, runs)), axis=1)
    grid = np.arange(KEPT + 1)
    share = np.stack([np.searchsorted(row, grid, side="right") for row in ranks]) / runs
    return float(np.quantile(np.abs(share - (grid + 1) / (KEPT + 1)).max(1), prob))
