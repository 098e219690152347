"""What each theory says, against its own equations and against the null."""

from __future__ import annotations

import inspect

import numpy as np
import pymc as pm
import pytest

from bayes_alliance.errors import InputError
from bayes_alliance.process.cells import (
    ALLIANCE,
    CELLS,
    DEPARTURES,
    MULTILATERAL,
    PARTNERS,
    RISK,
    STRONG,
)
from bayes_alliance.process.containers import arrays
from bayes_alliance.theories import NAMES, build, get, theories

THEORY_TERMS = {
    "occupation": {f"beta_{k}": 0.0 for k in ("1", "2", "3", "4", "4t", "5", "6")},
    "threat": {"k_threat": 0.0, "hazard_threat": 0.0},
    **{
        name: dict.fromkeys(
            [f"{name}_{s}" for s in ("partners", "strong", "acceptance", "hazard")], 0.0
        )
        for name in ("geography", "power", "identity")
    },
    "prospect": {
        name: 0.0
        for name in (
            "k_loss",
            "k_gain",
            "accept_level",
            "accept_spread",
            "hazard_strong",
            "hazard_frame",
        )
    },
}
OUTCOMES = ("outcome_observed", "ended_observed")


def test_theories_are_described():
    described = theories()
    assert list(described) == list(NAMES)
    assert list(described["occupation"]["hypotheses"]) == [f"H{i}" for i in range(1, 8)]
    assert list(described["prospect"]["hypotheses"]) == [
        "H1",
        "H2",
        "H1 + H2",
        "H3 allies",
        "H3 commitment",
    ]
    assert described["null"]["hypotheses"] == {}
    for theory in described.values():
        assert theory["description"] and theory["reference"]
    # what comes back is the caller's own
    described["null"]["hypotheses"]["H1"] = "mine"
    assert theories()["null"]["hypotheses"] == {}


@pytest.mark.parametrize("theory", NAMES)
def test_the_equations_stand_where_a_reader_looks(theory):
    module = get(theory)
    assert len(module.__doc__) > 100
    assert inspect.getdoc(module.terms)
    for h in module.HYPOTHESES:
        assert h.direction in (-1, 1) and h.words and h.estimand and h.finding, h.name


@pytest.mark.parametrize("name", ["", "Null", "fear", "os", "../null", "no.such", 3, None])
def test_unknown_theories_are_refused(name, data):
    for call in (get, lambda n: build(n, data)):
        with pytest.raises(InputError, match="occupation, prospect, null"):
            call(name)


@pytest.mark.parametrize("theory", [*THEORY_TERMS])
def test_without_its_terms_a_theory_is_the_null(theory, points, pointwise):
    """At one point of the shared parameters, every case has the null's likelihood."""
    shared = points("null", 1)[0]
    point = points(theory, 1)[0] | shared
    with_terms, null = pointwise(theory, point), pointwise("null", shared)
    without = pointwise(theory, point | {k: np.array(v) for k, v in THEORY_TERMS[theory].items()})
    for name in OUTCOMES:
        np.testing.assert_allclose(without[name], null[name], rtol=1e-10, err_msg=name)
        assert np.abs(with_terms[name] - null[name]).max() > 1e-3, "the terms do something"


@pytest.fixture
def shift(points, pointwise, models, contents):
    """Change in a quantity when one container or parameter changes."""

    def run(theory: str, quantity: str, change: dict, set_to: dict | None = None) -> np.ndarray:
        point = points(theory, 1)[0] | {k: np.array(v) for k, v in (set_to or {}).items()}
        with_containers = {k: v for k, v in change.items() if k in models[theory].named_vars}
        containers = {k: v for k, v in with_containers.items() if k not in point}
        parameters = {k: np.array(v) for k, v in change.items() if k in point}
        before = pointwise(theory, point, quantity)[quantity]
        with contents(models[theory], **containers):
            after = pointwise(theory, point | parameters, quantity)[quantity]
        return after - before

    return run


def all_at(data, level: int) -> np.ndarray:
    return np.full(len(data.episodes), level)


@pytest.mark.parametrize("sign", [-1, 1])
def test_promises_move_proposals_in_the_direction_of_the_parameters(
    data, shift, contents, models, sign
):
    off = dict(THEORY_TERMS["occupation"])
    for name, weight in (("beta_1", PARTNERS / 2), ("beta_5", STRONG)):
        with contents(models["occupation"], commitment=all_at(data, 0)):
            change = shift(
                "occupation",
                "proposal_probability",
                {"commitment": all_at(data, 2)},
                off | {name: sign * 0.8},
            )
        # a utility raised for some cells raises their share, and not for the others
        assert (sign * change[:, weight == weight.max()].sum(1) > 0).all(), name
        assert (sign * change[:, weight == 0].sum(1) < 0).all(), name


def test_promises_move_log_odds_by_the_parameter(data, points, pointwise, models, contents):
    """Log [p(multilateral weak)/p(bilateral weak)] rises by exactly beta_1 from none to defend."""
    point = points("occupation", 1)[0]
    names = ("proposal_probability", "acceptance_probability")
    got = []
    for level in (0, 1, 2):
        with contents(models["occupation"], commitment=all_at(data, level)):
            got.append(pointwise("occupation", point, *names))
    multi, two, strong = (
        CELLS.index(c) for c in ("multilateral_weak", "bilateral_weak", "bilateral_strong")
    )
    for level, share in ((1, 0.5), (2, 1.0)):
        log_p = [np.log(got[k]["proposal_probability"]) for k in (0, level)]
        change = log_p[1] - log_p[0]
        np.testing.assert_allclose(change[:, multi] - change[:, two], share * point["beta_1"])
        np.testing.assert_allclose(change[:, strong] - change[:, two], share * point["beta_5"])
        a = [got[k]["acceptance_probability"] for k in (0, level)]
        logit = [np.log(v / (1 - v)) for v in a]
        np.testing.assert_allclose(logit[1] - logit[0], share * point["beta_4"], rtol=1e-6)


def test_hazards_of_the_occupation_theory(data, points, pointwise, models, contents):
    """beta_2 c and beta_3 [imposed, none] for designs of several clients, and only for them."""
    point = points("occupation", 1)[0]
    x = {name: value for name, (_, value) in arrays(data).items()}
    joint = np.isin(x["cell_of_design"], [3, 4, 5, 6])[x["year_episode"]]
    got = {}
    for level in (0, 2):
        for imposed in (0.0, 1.0):
            with contents(
                models["occupation"],
                commitment=all_at(data, level),
                imposed=np.full(len(data.episodes), imposed),
            ):
                hazard = pointwise("occupation", point, "hazard")["hazard"]
            got[level, imposed] = np.log(hazard)
    beta_2, beta_3 = joint * point["beta_2"], joint * point["beta_3"]
    np.testing.assert_allclose(got[2, 0.0] - got[0, 0.0], beta_2, atol=1e-9)
    np.testing.assert_allclose(got[0, 1.0] - got[0, 0.0], beta_3, atol=1e-9)
    np.testing.assert_allclose(got[2, 1.0], got[2, 0.0], err_msg="imposed only where none promised")


def test_group_credibility_is_a_smooth_maximum(data, points, pointwise):
    point = points("occupation", 1)[0]
    x = arrays(data)
    client, episode = x["member_client"][1], x["member_episode"][1]
    got = pointwise("occupation", point, "theta", "group_credibility")
    for i in range(len(x["group_size"][1])):
        theta = got["theta"][client[episode == i]]
        assert theta.mean() - 1e-9 <= got["group_credibility"][i] <= theta.max() + 1e-9
    alone = x["group_size"][1][episode] == 1
    np.testing.assert_allclose(
        got["group_credibility"][episode[alone]], got["theta"][client[alone]], rtol=1e-9
    )
    assert alone.any()


def test_a_theory_of_h6_h7(points, pointwise, data):
    """Land access raises a contiguous client's credibility by gamma_land from sea to contiguous."""
    point = points("occupation", 1)[0]
    x = arrays(data)["client_covariates"][1]
    more = point | {"gamma_land": point["gamma_land"] + 1}
    change = (
        pointwise("occupation", more, "theta")["theta"]
        - pointwise("occupation", point, "theta")["theta"]
    )
    np.testing.assert_allclose(change, x[:, 1], atol=1e-12)
    assert set(np.unique(x[:, 1])) <= {-0.5, 0.0, 0.5}


def test_the_frame_flips_the_sign_of_risk(points, pointwise, data):
    """H1, H2: with k > 0, losses favour risky designs and gains safe ones, cell by cell.

    What constants can reach of the mean of the two curvatures is theirs.
    """
    point = points("prospect", 1)[0]
    off = {k: np.array(v) for k, v in THEORY_TERMS["prospect"].items()}
    base = pointwise("prospect", point | off, "proposal_probability")["proposal_probability"]
    names = ("proposal_probability", "frame_of_losses", "risk")
    for k_loss, k_gain in ((0.7, 0.0), (0.0, 0.7), (0.5, 0.9)):
        k = {"k_loss": np.array(k_loss), "k_gain": np.array(k_gain)}
        got = pointwise("prospect", point | off | k, *names)
        frame = got["frame_of_losses"]
        slope = frame * k_loss - (1 - frame) * k_gain
        change = np.log(got["proposal_probability"] / base)
        change = change - change[:, :1]  # against none, whose risk is 0
        sums = np.column_stack([ALLIANCE, PARTNERS, STRONG])
        reached = sums @ np.linalg.lstsq(sums[1:], got["risk"][1:])[0]  # none stands at 0
        expected = slope[:, None] * got["risk"] - (k_loss - k_gain) / 2 * reached
        np.testing.assert_allclose(change, expected, atol=1e-9)


def test_only_the_sum_of_the_curvatures_is_free_of_the_constants(points, pointwise):
    """What k_loss loses and k_gain wins, the departures give back, whatever the risks."""
    point, names = points("prospect", 1)[0], ("risk", "proposal_probability")
    got = pointwise("prospect", point, *names)
    share = DEPARTURES.T @ got["risk"]

    def moved(loss: float, gain: float, back: float) -> dict[str, np.ndarray]:
        new = {"k_loss": point["k_loss"] + loss, "k_gain": point["k_gain"] + gain}
        new["alpha_departure"] = point["alpha_departure"] + back * share
        return pointwise("prospect", point | new, *names)

    for step in (-1.8, 0.6):
        level = moved(-step, step, step)
        for name, values in got.items():
            np.testing.assert_allclose(level[name], values, atol=1e-9, err_msg=name)
        total = np.log(moved(step, step, 0)["proposal_probability"] / got["proposal_probability"])
        riskiest = total[:, -1] - total[:, 0]
        assert np.ptp(riskiest) > 0.1 * abs(step), "the sum moves each case by its frame"


def test_risks_are_those_of_figure_1(points, pointwise):
    point = points("prospect", 1)[0]
    risk = pointwise("prospect", point | {"risk_z": np.zeros(7)}, "risk")["risk"]
    np.testing.assert_allclose(risk, RISK)
    by_cell = dict(zip(CELLS, RISK, strict=True))
    figure = {
        "none": 0,
        "bilateral_weak": 1,
        "bilateral_strong": 2,
        "multilateral_weak": 2,
        "multilateral_strong": 4,
    }
    assert figure.items() <= by_cell.items()


def test_the_reference_point(points, pointwise, data):
    """Rho = 0: against the long run; rho = 1: against the last five years."""
    x = {name: value for name, (_, value) in arrays(data).items()}
    point = points("prospect", 1)[0]
    components = ("power", "forces", "proximity", "ideology", "intentions")
    w = np.array([point[f"w_{c}"] for c in components])
    epsilon = point["epsilon"][x["case_index"]]
    for rho, reference in ((0.0, "threat_long_run"), (1.0, "threat_recent")):
        got = pointwise("prospect", point | {"rho": np.array(rho)}, "frame_of_losses", "threat")
        gap = (x["threat_now"] - x[reference]) @ w + epsilon
        expected = 1 / (1 + np.exp(-point["kappa"] * gap))
        np.testing.assert_allclose(got["frame_of_losses"], expected, rtol=1e-9)
        np.testing.assert_allclose(got["threat"], x["threat_now"] @ w + epsilon)


def test_strong_designs_and_frames_move_the_hazard(points, pointwise, data):
    x = {name: value for name, (_, value) in arrays(data).items()}
    point = points("prospect", 1)[0]
    strong = np.isin(x["cell_of_design"], [2, 4, 6])[x["year_episode"]]
    got = [
        np.log(pointwise("prospect", point | {"hazard_strong": np.array(b)}, "hazard")["hazard"])
        for b in (0.0, -0.6)
    ]
    np.testing.assert_allclose(got[1] - got[0], np.where(strong, -0.6, 0), atol=1e-9)
    got = [
        np.log(pointwise("prospect", point | {"hazard_frame": np.array(b)}, "hazard")["hazard"])
        for b in (0.0, -1.0)
    ]
    assert ((got[1] - got[0] < 0) & (got[1] - got[0] > -1)).all(), "minus a frame between 0 and 1"


@pytest.fixture(scope="module")
def shares(models):
    """Prior shares of multilateral cells over the episodes, 300 draws."""

    def draw(theory: str, quantity: str) -> np.ndarray:
        p = pm.draw(models[theory][quantity], draws=300, random_seed=1)  # (draw, episode, cell)
        return (p * (MULTILATERAL > 0)).sum(-1).mean(-1)

    return draw


@pytest.mark.parametrize("theory", NAMES)
def test_the_prior_lets_the_data_speak(theory, shares):
    """Prior share of multilateral designs: from next to none to nine cases in ten."""
    share = shares(theory, "design_probability")
    low, high = np.quantile(share, [0.05, 0.95])
    assert low < 0.05 and high > 0.9, f"{theory}: {low:.3f} to {high:.3f}"


@pytest.mark.parametrize("theory", NAMES)
def test_the_prior_of_proposals_is_wider(theory, shares):
    """Before acceptance takes its part: shares of multilateral proposals."""
    share = shares(theory, "proposal_probability")
    low, high = np.quantile(share, [0.05, 0.95])
    assert low < 0.05 and high > 0.9, f"{theory}: {low:.3f} to {high:.3f}"


def test_both_is_the_sum_of_its_parts(points, pointwise):
    """Log utilities, acceptance and hazard of `both` are those of the two theories added up."""
    shared = points("null", 1)[0]
    parts = {name: points(name, 1)[0] | shared for name in ("occupation", "prospect")}
    unit = np.concatenate([parts["occupation"]["epsilon"], parts["prospect"]["epsilon"]])
    point = parts["occupation"] | parts["prospect"] | {"epsilon": unit}
    names = ("proposal_probability", "acceptance_probability", "hazard")
    got = {n: pointwise(n, p, *names) for n, p in {**parts, "both": point, "null": shared}.items()}

    def scale(values, quantity):
        v = values[quantity]
        if quantity == "proposal_probability":
            return np.log(v[:, 1:] / v[:, :1])
        return np.log(v) if quantity == "hazard" else np.log(v / (1 - v))

    for quantity in names:
        none = scale(got["null"], quantity)
        added = sum(scale(got[n], quantity) - none for n in parts)
        np.testing.assert_allclose(
            scale(got["both"], quantity) - none, added, rtol=1e-7, atol=1e-8, err_msg=quantity
        )
