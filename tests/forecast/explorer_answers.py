"""What the package says of a setting of the explorer, from the very draws that the page carries."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr

from bayes_alliance.compare.hypotheses import CI_PROB
from bayes_alliance.data.load import Data
from bayes_alliance.data.panel import KEY
from bayes_alliance.forecast import formation as hazards
from bayes_alliance.forecast import lasting as lives
from bayes_alliance.forecast.clients import COLUMNS
from bayes_alliance.forecast.explore import CLIENT, LAST_HORIZON, YEAR
from bayes_alliance.forecast.forecast import draws_for, seen_levels
from bayes_alliance.forecast.horizon import RUNGS, ladder, rows
from bayes_alliance.forecast.parameters import Carried
from bayes_alliance.forecast.scenario import Scenario
from bayes_alliance.forecast.tables import scenario_data, yearly_data
from bayes_alliance.process.cells import CELLS, COMMITMENTS
from bayes_alliance.process.containers import arrays
from bayes_alliance.process.integrated import LATENT, Evaluator, Nodes, held, over_draws
from bayes_alliance.process.priors import Priors, load_priors
from bayes_alliance.storage import priors_of
from bayes_alliance.theories import build


def scenario_of(settings: dict[str, Any], horizon: int = LAST_HORIZON) -> Scenario:
    """The scenario that a setting of the page stands for."""
    clients = {
        c["state"]: dict.fromkeys(COLUMNS) | {column: c[column] for column in CLIENT}
        for c in settings["clients"]
    }
    return Scenario(
        name="explored",
        title="Explored",
        question="Which design would come of it?",
        year=YEAR,
        horizon=horizon,
        clients=clients,
        from_table=dict.fromkeys(clients, ()),
        commitment=dict(zip(COMMITMENTS, settings["promises"], strict=True)),
        certainty=None,
        path={},
        interventions=(),
        sources={},
        notes="",
        **{k: settings[k] for k in ("patron", "adversary", "theatre", "initiative", "today")},
        **{k: settings[k] for k in ("statement", "threat", "share")},
    )


class Tables:
    """Tables of a setting, which all theories read."""

    def __init__(self, settings: dict[str, Any], base: Data, levels: dict[str, list[str]]) -> None:
        self.scenario = scenario_of(settings)
        self.yearly = yearly_data(self.scenario, base)
        self.arrays = _values(self.yearly, levels)
        copies = [(cell, level) for cell in lives.DESIGNS for level in COMMITMENTS]
        self.copies = lives._copied(scenario_data(self.scenario, base), copies)
        self.copied = _values(self.copies, levels)
        self.rows = rows(self.scenario, self.yearly)
        self.clients = len(self.scenario.clients)


def _values(data: Data, levels: dict[str, list[str]]) -> dict[str, np.ndarray]:
    return {name: value for name, (_, value) in arrays(data, levels).items()}


class Theory:
    """One theory's fit of the carried draws and its hazard, with models made once a group size."""

    def __init__(self, tree: xr.DataTree, form: xr.DataTree, base: Data, sobol) -> None:
        self.tree, self.form, self.base = tree, form, base
        self.sobol = np.array(sobol)
        self.levels = seen_levels(tree, base)
        self.designs_of: dict[int, Any] = {}
        self.lives_of: dict[int, Any] = {}
        self.hazard_of: Any = None

    def _build(self, data: Data) -> pm.Model:
        return build(self.tree.attrs["theory"], data, priors_of(self.tree), self.levels)

    def designs(self, tables: Tables, expected: bool) -> tuple[np.ndarray, np.ndarray]:
        """Designs (draw, year, cell) and the probabilities of promises (draw, level)."""
        scenario, clients = tables.scenario, tables.clients
        if clients not in self.designs_of:
            model = self._build(tables.yearly)
            evaluator = Evaluator(model, ("design_probability",))
            posterior = draws_for(model, self.tree, scenario, 1000)
            self.designs_of[clients] = model, evaluator, posterior
        model, evaluator, posterior = self.designs_of[clients]
        years = len(tables.yearly.episodes)
        pm.set_data(tables.arrays, model=model)
        nodes = evaluator.nodes(None)
        given = np.tile(list(scenario.commitment.values()), (years, 1))
        promised = given[:1]
        if self.tree.attrs["theory"] == "occupation":
            z = (
                np.tile(self.sobol[:, :clients], years)
                if expected
                else np.zeros((1, years * clients))
            )
            nodes = Nodes(z, np.zeros_like(z))
            if expected:
                given, promised = None, self._promised(evaluator, posterior, nodes, years)
        out = evaluator.run(posterior, nodes, given=given)["design_probability_indicators"]
        return out.to_numpy().reshape(-1, years, len(CELLS)), promised

    @staticmethod
    def _promised(evaluator, posterior, nodes, years: int) -> np.ndarray:
        """The first year's densities of each promise, as if it were recorded."""
        found = []
        for level in range(len(COMMITMENTS)):
            recorded = evaluator.of({"commitment_observed": np.full(years, level)})
            found.append(np.exp(recorded.run(posterior, nodes)["promise"].to_numpy()[0, :, 0]))
        return np.stack(found, axis=1)

    def lives(self, tables: Tables, promised: np.ndarray, cell: str) -> np.ndarray:
        """Probability that a design still stands: (draw, age)."""
        scenario, clients = tables.scenario, tables.clients
        if clients not in self.lives_of:
            self.lives_of[clients] = self._build(tables.copies), None, None
        model, function, values = self.lives_of[clients]
        none = {"alliance_year": [], "panel_year": []}
        pm.set_data(tables.copied, model=model, coords=none)
        copies = len(lives.DESIGNS) * len(COMMITMENTS)
        holds = lives.lives(tables.yearly.years, scenario, copies, lives.YEARS)
        if function is None:
            posterior = draws_for(model, self.tree, scenario, 1000)
            values = {n: v.to_numpy()[0][:, None] for n, v in posterior.data_vars.items()}
            for name in {rv.name for rv in model.free_RVs} - set(values):
                assert name == LATENT
                size = len(model.coords[model.named_vars_to_dims[LATENT][0]])
                values[LATENT] = np.zeros((len(posterior.draw), 1, size))
            function = over_draws(model, {"hazard": model["hazard"]}, nodes=False)
            self.lives_of[clients] = model, function, values
        found = function({**held(model), **holds}, **values)["hazard"][:, 0]
        total = found.reshape(-1, len(lives.DESIGNS), len(COMMITMENTS), lives.YEARS).cumsum(-1)
        standing = np.exp(-total[:, lives.DESIGNS.index(cell)])  # (draw, level, age)
        mixed = (standing * promised[..., None]).sum(1)
        return np.concatenate([np.ones((len(mixed), 1)), mixed], axis=1)

    def hazards(self, tables: Tables) -> np.ndarray:
        """Hazard of a decision: (draw, year); as `formation.hazard`, compiled once."""
        years = pd.read_csv(io.StringIO(str(self.form["tables"]["panel"].item())))
        stored = json.loads(str(self.form["tables"]["priors"].item()))
        posterior = self.form["posterior"].to_dataset()
        levels = {f: posterior[f].to_numpy().tolist() for f in hazards.FACTORS}
        both = pd.concat([tables.rows.assign(_row=1), years], ignore_index=True)
        both = both.drop_duplicates(KEY).sort_values(KEY).reset_index(drop=True)
        wanted = both["_row"].notna().to_numpy()
        values = hazards._arrays(both.assign(decisions=np.nan), wanted, levels)
        if self.hazard_of is None:
            fixed = self.form["constant_data"].to_dataset()
            mean, root = (
                fixed[f"carried_{n}"].to_numpy() if stored["kinds"] else np.zeros(0)
                for n in ("mean", "root")
            )
            order = fixed["carried"].to_numpy().tolist() if stored["kinds"] else []
            model = hazards._model(
                self.form.attrs["theory"],
                stored["options"],
                Carried({n: stored["kinds"][n] for n in order}, mean, root),
                Priors("formation", load_priors("formation").parameters, {}),
                values,
            )
            names = [rv.name for rv in model.free_RVs]
            draws = {n: posterior[n].to_numpy()[0][:, None] for n in names}
            self.hazard_of = model, over_draws(model, {"h": model["hazard"]}, nodes=False), draws
        model, function, draws = self.hazard_of
        known = {v.name for v in model.data_vars}
        new = {n: v for n, (_, v) in values[0].items() if n in known}
        pm.set_data(new, model=model)
        return function(**draws)["h"][:, 0]


def answer(theories: dict[str, Theory], weights: dict[str, float], settings) -> dict[str, Any]:
    """What the page's ``answer`` gives."""
    some = next(iter(theories.values()))
    tables = Tables(settings, some.base, some.levels)
    count = settings["horizon"] - YEAR + 1
    design, state, decided, life = {}, {}, {}, {}
    for name, theory in theories.items():
        design[name], promised = theory.designs(tables, settings["expected"])
        design[name] = design[name][:, :count]
        if settings["formation"]:
            p = -np.expm1(-settings["share"] * theory.hazards(tables)[:, :count])
        else:
            p = np.tile(np.arange(count) == 0, (len(design[name]), 1)).astype(float)
        state[name] = ladder(p, design[name], RUNGS.index(settings["today"]))
        decided[name] = 1 - np.cumprod(1 - p, axis=1)
        life[name] = theory.lives(tables, promised, settings["design"])

    def summaries(values: dict[str, np.ndarray]) -> dict[str, list[float]]:
        out = {name: summary([v], [1.0]) for name, v in values.items()}
        return out | {"stacked": summary(list(values.values()), [weights[n] for n in values])}

    def at(of: dict[str, np.ndarray], *index) -> dict[str, list[float]]:
        return summaries({name: v[(slice(None), *index)] for name, v in of.items()})

    return {
        "cells": {cell: at(design, 0, i) for i, cell in enumerate(CELLS)},
        "ladder": [
            {r: at(state, y, k) for k, r in enumerate(RUNGS)} | {"decision": at(decided, y)}
            for y in range(count)
        ],
        "survival": [at(life, age) for age in range(lives.YEARS + 1)],
    }


def summary(parts: list[np.ndarray], weights: list[float]) -> list[float]:
    """Mean and interval of weighted draws; with one part the interval is numpy's own."""
    used = [(v, w) for v, w in zip(parts, weights, strict=True) if w > 0]
    values = np.concatenate([v for v, _ in used])
    weight = np.concatenate([np.full(len(v), w / len(v)) for v, w in used])
    ends = (1 - CI_PROB) / 2, (1 + CI_PROB) / 2
    middle = float(np.average(values, weights=weight))
    if len(used) == 1:
        return [middle, *map(float, np.quantile(values, ends))]
    order = np.argsort(values, kind="stable")
    values, weight = values[order], weight[order]
    at = np.concatenate([[0.0], np.cumsum((weight[1:] + weight[:-1]) / 2)])
    return [middle, *map(float, np.interp(ends, at / at[-1], values))]
