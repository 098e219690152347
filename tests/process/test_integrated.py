"""The integrated likelihood: quadrature, brute force, and identities of probability."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytest
from scipy.integrate import quad
from scipy.special import expit, logsumexp
from scipy.stats import norm

from bayes_alliance.data import load
from bayes_alliance.process.cells import CELLS, COMMITMENTS
from bayes_alliance.process.containers import arrays, coords
from bayes_alliance.process.integrated import (
    DENSITIES,
    Evaluator,
    make_nodes,
    quantities,
    sobol_normal,
)
from bayes_alliance.process.replicated import draw_prior
from bayes_alliance.theories import NAMES, build

LATENT_THEORIES = ("occupation", "prospect")
LEVELS = range(len(COMMITMENTS))


def some_draws(tree, count: int):
    """Draws spread over the posterior, as one chain."""
    posterior = tree["posterior"].to_dataset()
    posterior = posterior.drop_vars([v for v in posterior.data_vars if v == "hazard"])
    flat = posterior.stack(sample=("chain", "draw"))
    chosen = np.linspace(0, flat.sizes["sample"] - 1, count).astype(int)
    picked = flat.isel(sample=chosen).drop_vars(["sample", "chain", "draw"])
    picked = picked.expand_dims("chain").rename(sample="draw")
    return picked.assign_coords(chain=[0], draw=np.arange(count)).transpose("chain", "draw", ...)


@pytest.fixture(scope="module")
def evaluators(models):
    return {t: Evaluator(m, ("design_probability",)) for t, m in models.items()}


@pytest.fixture(scope="module")
def exact(data, models, pointwise, contents):
    """Log densities of one case at one point by quadrature over its only latent variable."""
    x = {name: value for name, (_, value) in arrays(data).items()}
    labels = coords(data)

    def at(theory: str, point: dict, case_name: str) -> dict[str, float]:
        model = models[theory]
        case = labels["case"].index(case_name)
        rows = x["case_index"] == case
        years = rows[x["year_episode"]]
        clients = np.flatnonzero(x["client_case"] == case)
        unit = clients if theory == "occupation" else np.array([case])
        assert len(unit) == 1 and rows.sum() == 1
        of_unit = {
            "fear": clients,
            "disputes": clients,
            "statement_coded": [case],
            "frame_coded": [case],
        }
        recorded = int(x["commitment"][rows][0])

        def parts(e: float, level: int) -> tuple[float, float, float]:
            epsilon = point["epsilon"].copy()
            epsilon[unit] = e
            n = len(rows)
            with contents(
                model, commitment=np.full(n, level), commitment_observed=np.full(n, level)
            ):
                got = pointwise(theory, point | {"epsilon": epsilon})
            y = got["outcome_observed"][rows].sum() + got["ended_observed"][years].sum()
            c = got["commitment_given"][rows].sum() if "commitment_given" in got else 0.0
            indicators = sum(got[n][u].sum() for n, u in of_unit.items() if n in got)
            return y, c, indicators

        def integral(what) -> float:
            # the outcomes are far below 1: scale them, so that quad's tolerance is relative
            return quad(what, -7, 7, limit=60, epsabs=1e-10, epsrel=1e-5)[0]

        base = parts(0.0, recorded)[0]
        levels = LEVELS if theory == "occupation" else [recorded]

        def density(e: float, use, chosen) -> float:
            total = 0.0
            for level in chosen:
                y, c, i = parts(e, level)
                total += np.exp(i + (y - base) * use[0] + c * use[1])
            return total * norm.pdf(e)

        whole = integral(lambda e: density(e, (0, 0), [recorded]))
        joint = integral(lambda e: density(e, (1, 1), [recorded]))
        any_level = integral(lambda e: density(e, (1, 1), levels))
        promise = integral(lambda e: density(e, (0, 1), [recorded]))
        return {
            "joint": np.log(joint / whole) + base,
            "indicators": np.log(any_level / whole) + base,
            "promise": np.log(promise / whole),
        }

    return at


@pytest.mark.parametrize(
    ("theory", "case"),
    [
        ("occupation", "us-taiwan-1954"),
        ("prospect", "southeast-asia-1954"),
    ],
)
def test_one_latent_variable_against_quadrature(theory, case, exact, evaluators, fits, points):
    count = 3
    posterior = some_draws(fits[theory], count)
    evaluator = evaluators[theory]
    nodes = evaluator.nodes(fits[theory]["posterior"].to_dataset(), 1024, seed=3)
    ours = evaluator.run(posterior, nodes).sel(case=case)
    for i, point in enumerate(points(theory, count)):
        for name, expected in exact(theory, point, case).items():
            assert float(ours[name][0, i]) == pytest.approx(expected, abs=1e-3), (name, i)


def test_many_clients_against_brute_force(
    data, models, evaluators, fits, points, pointwise, contents
):
    """Eleven clients: the occupation theory's equations in numpy, 200 000 draws of epsilon."""
    x = {name: value for name, (_, value) in arrays(data).items()}
    labels = coords(data)
    case = labels["case"].index("north-atlantic-1949")
    rows = x["case_index"] == case
    clients = x["client_case"] == case
    years = rows[x["year_episode"]]
    assert clients.sum() == 11 and rows.sum() == 1
    count = 3
    evaluator, tree = evaluators["occupation"], fits["occupation"]
    nodes = evaluator.nodes(tree["posterior"].to_dataset(), 1024, seed=3)
    ours = evaluator.run(some_draws(tree, count), nodes).isel(case=case)
    epsilon = np.random.default_rng(7).standard_normal((200_000, 11))
    for i, p in enumerate(points("occupation", count)):
        gamma = np.array([p[f"gamma_{n}"] for n in ("capability", "land", "distance", "occupied")])
        theta = x["client_covariates"][clients] @ gamma + epsilon
        log_weight = np.zeros(len(theta))
        for k, name in enumerate(("fear", "disputes")):
            value = x["client_indicators"][clients, k]
            first, step = p[f"cut_{name}_first"], p[f"cut_{name}_step"]
            above = expit(p[f"loading_{name}"] * theta[..., None] - [first, first + step])
            category = -np.diff(above, axis=-1, prepend=1, append=0)
            chosen = np.take_along_axis(
                category, np.broadcast_to(np.maximum(value, 0)[:, None], (*theta.shape, 1)), -1
            )[..., 0]
            sure = x["client_indicator_confidence"][clients, k]
            chosen = sure * chosen + (1 - sure) / 3
            log_weight += np.where(value < 0, 0, np.log(chosen)).sum(1)
        group = (logsumexp(2.0 * theta, axis=1) - np.log(11)) / 2.0
        first, step = p["cut_commitment_first"], p["cut_commitment_step"]
        above = expit(p["beta_6"] * group[:, None] - [first, first + step])
        promise = -np.diff(above, axis=-1, prepend=1, append=0)  # (draw, level)
        sure = x["commitment_confidence"][rows][0]
        promise = sure * promise + (1 - sure) / 3
        outcome = np.zeros(3)
        for level in LEVELS:
            n = len(rows)
            with contents(
                models["occupation"],
                commitment=np.full(n, level),
                commitment_observed=np.full(n, level),
            ):
                got = pointwise("occupation", p)
            outcome[level] = (
                got["outcome_observed"][rows].sum() + got["ended_observed"][years].sum()
            )
        recorded = int(x["commitment"][rows][0])
        weight = np.exp(log_weight - log_weight.max())
        weight /= weight.sum()
        share = weight @ promise
        error = np.sqrt((weight[:, None] ** 2 * (promise - share) ** 2).sum(0)) / share
        tolerance = 4 * error.max() + 2e-3
        by_hand = {
            "joint": np.log(share[recorded]) + outcome[recorded],
            "indicators": logsumexp(np.log(share) + outcome),
            "promise": np.log(share[recorded]),
        }
        for name, expected in by_hand.items():
            assert float(ours[name][0, i]) == pytest.approx(expected, abs=tolerance), (name, i)


@pytest.mark.parametrize("theory", LATENT_THEORIES)
def test_64_nodes_are_enough(theory, evaluators, fits):
    """Mean absolute error of 64 nodes over posterior draws, by case, in log units."""
    posterior = some_draws(fits[theory], 40)
    evaluator, whole = evaluators[theory], fits[theory]["posterior"].to_dataset()
    few, many = (
        evaluator.run(posterior, evaluator.nodes(whole, n, seed=1), batch=5) for n in (64, 1024)
    )
    for name in ("joint", "indicators", "promise"):
        error = np.abs(few[name] - many[name]).mean(("chain", "draw"))
        assert float(error.max()) < 0.05, (name, str(error["case"].values[error.argmax()]))


def test_a_theory_without_a_latent_variable_has_nothing_to_integrate(
    data, evaluators, fits, points, pointwise
):
    x = {name: value for name, (_, value) in arrays(data).items()}
    ours = evaluators["null"].run(some_draws(fits["null"], 4), None)
    for i, point in enumerate(points("null", 4)):
        got = pointwise("null", point)
        expected = np.zeros(len(coords(data)["case"]))
        np.add.at(expected, x["case_index"], got["outcome_observed"])
        np.add.at(expected, x["case_index"][x["year_episode"]], got["ended_observed"])
        for name in ("joint", "indicators"):
            np.testing.assert_allclose(ours[name][0, i], expected, rtol=1e-9)
        np.testing.assert_array_equal(ours["promise"][0, i], 0)


@pytest.mark.parametrize("theory", LATENT_THEORIES)
def test_the_fit_holds_the_integrated_likelihood(theory, fits):
    group = fits[theory]["log_likelihood"].to_dataset()
    assert set(group.data_vars) == set(DENSITIES)
    assert bool(np.isfinite(group.to_array()).all())
    assert float(group["promise"].max()) < 1e-9, "what clients promised has a probability"
    for known in ("joint", "indicators"):
        smaller = group[f"{known}_design"] <= group[f"{known}_proposal"] + 1e-9
        assert bool(smaller.all()), "proposal and design together are less probable than one"
    if theory == "prospect":
        for stage in ("", "_proposal", "_design"):
            np.testing.assert_allclose(group[f"joint{stage}"], group[f"indicators{stage}"])


def test_joint_is_outcome_times_promise(data, models, evaluators, fits, contents):
    """p(y, c) = p(y | c) p(c), and sums over c give p(y): each level pinned in turn."""
    evaluator, model = evaluators["occupation"], models["occupation"]
    posterior = some_draws(fits["occupation"], 5)
    nodes = evaluator.nodes(None, 64, seed=2)
    unknown = np.full(len(model.coords["episode"]), -1)
    recorded = evaluator.run(posterior, nodes)
    with contents(model, commitment_observed=unknown):
        summed = evaluator.run(posterior, nodes)
    np.testing.assert_allclose(summed["joint"], recorded["indicators"], rtol=1e-9)
    np.testing.assert_allclose(summed["promise"], 0, atol=1e-9)
    total = 0.0
    for level in LEVELS:
        with contents(model, commitment_observed=np.full_like(unknown, level)):
            total = total + np.exp(evaluator.run(posterior, nodes)["joint"])
    alone = data.episodes.groupby("case", sort=False).size().to_numpy() == 1
    np.testing.assert_allclose(
        total.isel(case=alone), np.exp(summed["joint"].isel(case=alone)), rtol=1e-9
    )
    with contents(
        model,
        outcome=np.zeros_like(unknown),
        exposure=0 * model["exposure"].get_value(),
        ended=0 * model["ended"].get_value(),
    ):
        nothing = evaluator.run(posterior, nodes)
    np.testing.assert_allclose(nothing["indicators"], 0, atol=1e-9)
    np.testing.assert_allclose(nothing["joint"], nothing["promise"], rtol=1e-9)
    assert (nothing["joint"] < 0).all(), "log p(c | indicators)"


@pytest.mark.parametrize("theory", ["occupation", "prospect", "null"])
def test_predictions_are_distributions(theory, evaluators, fits):
    evaluator = evaluators[theory]
    out = evaluator.run(some_draws(fits[theory], 4), evaluator.nodes(None, 32, seed=1))
    for name in ("design_probability_indicators", "design_probability_commitments"):
        np.testing.assert_allclose(out[name].sum("cell"), 1, atol=1e-9)
        assert (out[name] >= 0).all()
        assert out[name].sizes["cell"] == len(CELLS)


def test_given_promises_take_the_place_of_the_theorys_own(models, evaluators, fits):
    evaluator = evaluators["occupation"]
    posterior, nodes = some_draws(fits["occupation"], 4), evaluator.nodes(None, 32, seed=1)
    n = len(models["occupation"].coords["episode"])
    name = "design_probability_indicators"
    pure = [
        evaluator.run(posterior, nodes, given=np.tile(np.eye(3)[level], (n, 1)))[name]
        for level in LEVELS
    ]
    mixed = evaluator.run(posterior, nodes, given=np.tile([0.2, 0.3, 0.5], (n, 1)))[name]
    np.testing.assert_allclose(mixed, 0.2 * pure[0] + 0.3 * pure[1] + 0.5 * pure[2], atol=1e-12)
    own = evaluator.run(posterior, nodes)["design_probability_commitments"]
    recorded = models["occupation"]["commitment_observed"].get_value()
    for row, level in enumerate(recorded):
        np.testing.assert_allclose(own[:, :, row], pure[level][:, :, row], atol=1e-12)


def test_the_containers_are_put_back(models, evaluators, fits):
    model = models["occupation"]
    before = {n: model[n].get_value() for n in ("commitment", "commitment_observed")}
    evaluators["occupation"].run(
        some_draws(fits["occupation"], 2), evaluators["occupation"].nodes(None)
    )
    for name, values in before.items():
        np.testing.assert_array_equal(model[name].get_value(), values)


@pytest.mark.parametrize("theory", NAMES)
@pytest.mark.parametrize("cases", [(7,), (3, 11)])
def test_some_cases_alone_are_what_they_are_among_all(theory, cases, evaluators, models):
    evaluator, model = evaluators[theory], models[theory]
    draws = draw_prior(model, 6, 3)
    nodes = evaluator.nodes(None, seed=4)
    whole = evaluator.run(draws, nodes)
    held = {v.name: v.get_value() for v in model.data_vars}
    episodes = np.isin(evaluator.case_of_episode, cases)
    alone, own = evaluator.only(nodes, cases)
    some = alone.run(draws, own)
    for name, values in some.data_vars.items():
        rows = list(cases) if "case" in values.dims else episodes
        np.testing.assert_allclose(values, whole[name][:, :, rows], rtol=1e-9, err_msg=name)
    assert not {"case", "episode"} & set(some.coords)
    for variable in model.data_vars:
        np.testing.assert_array_equal(variable.get_value(), held[variable.name], variable.name)


def test_batches_do_not_matter(evaluators, fits):
    evaluator = evaluators["prospect"]
    posterior, nodes = some_draws(fits["prospect"], 5), evaluator.nodes(None, 32)
    whole = evaluator.run(posterior, nodes, batch=100)
    for batch in (2, 1, None):
        parts = evaluator.run(posterior, nodes, batch=batch)
        assert set(parts.data_vars) == set(whole.data_vars)
        for name in whole.data_vars:
            np.testing.assert_allclose(parts[name], whole[name], rtol=1e-10, err_msg=f"{batch}")


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("theory", ["occupation", "prospect", "null"])
def test_quantities_are_what_pymc_computes(theory, models, fits):
    model = models[theory]
    posterior = some_draws(fits[theory], 5)
    names = [d.name for d in model.deterministics]
    free = posterior[[rv.name for rv in model.free_RVs]]
    ours = quantities(model, {n: model[n] for n in names}, batch=2)(posterior)
    theirs = pm.compute_deterministics(
        free, model=model, progressbar=False, compile_kwargs={"mode": "FAST_COMPILE"}
    )
    assert set(names) == set(theirs.data_vars)
    for name in names:
        assert ours[name].dims == theirs[name].dims
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-9, err_msg=name)


@pytest.mark.parametrize("theory", ["occupation", "prospect", "null"])
def test_compiled_quantities_are_those_computed_step_by_step(theory, models, fits, monkeypatch):
    model = models[theory]
    posterior = some_draws(fits[theory], 7)
    compiled = Evaluator(model, ("design_probability",))
    nodes = compiled.nodes(None, 32)
    with monkeypatch.context() as patch:
        patch.setattr(model, "made_of", None)
        plain = Evaluator(model, ("design_probability",))
        theirs = plain.run(posterior, nodes)
    ours = compiled.run(posterior, nodes)
    assert set(ours.data_vars) == set(theirs.data_vars)
    for name in ours.data_vars:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-9, atol=1e-12, err_msg=name)


def test_what_is_compiled_of_one_dataset_serves_another_of_more_rows(monkeypatch):
    names = {}
    for data in (load("europe"), load("europe", "asia")):
        model = build("occupation", data)
        drawn = draw_prior(model, 5, seed=1)
        at = quantities(model, {"group_credibility": model["group_credibility"]}, "kept")
        names[data.name] = at(drawn)["group_credibility"]
        with monkeypatch.context() as patch:
            patch.setattr(model, "made_of", None)
            plain = quantities(model, {"group_credibility": model["group_credibility"]})
            np.testing.assert_allclose(names[data.name], plain(drawn)["group_credibility"])
    assert len({values.shape for values in names.values()}) == 2


def test_nodes_are_a_sample_of_the_normal():
    z = sobol_normal(1024, 3, seed=5)
    assert np.isfinite(z).all() and z.shape == (1024, 3)
    np.testing.assert_allclose(z.mean(0), 0, atol=0.02)
    np.testing.assert_allclose(z.std(0), 1, atol=0.03)
    np.testing.assert_allclose(np.corrcoef(z.T), np.eye(3), atol=0.03)
    np.testing.assert_array_equal(z, sobol_normal(1024, 3, seed=5))


def test_units_of_a_case_have_their_own_dimensions():
    nodes = make_nodes(None, np.array([0, 1, 0, 2, 1]), 64, seed=1)
    correlation = np.corrcoef(nodes.values.T)
    assert abs(correlation[0, 2]) < 0.2 and abs(correlation[1, 4]) < 0.2
    np.testing.assert_array_equal(nodes.log_ratio, 0)
