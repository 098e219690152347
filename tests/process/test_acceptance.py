"""Acceptance and fallback: probabilities by hand, by loop and by frequency."""

from __future__ import annotations

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, softmax
from scipy.stats import chisquare

from bayes_alliance.process.acceptance import (
    _given_refusal,
    design_kernel,
    fallback_probability,
    logp,
    random,
)
from bayes_alliance.process.cells import CELLS, JOINT, MULTILATERAL, REFUSED
from bayes_alliance.process.containers import encode

N = len(CELLS)
LAPSE = 0.02
odds = st.floats(-30, 30)


@pytest.fixture(scope="module")
def kernel(plain):
    a, f, b, t, s = pt.vectors("a", "f", "b", "t", "s")

    class Values:
        """Stands where the priors stand: the parameters as given."""

        def __call__(self, name: str) -> pt.TensorVariable:
            return {
                "fallback_bilateral": b,
                "fallback_trilateral": t,
                "fallback_strong": s,
            }[name][0]

    multi, tri = fallback_probability(f, Values())
    out = [design_kernel(a, multi, tri, LAPSE), design_kernel(a, multi, tri, 0.0), multi, tri]
    function = plain([a, f, b, t, s], out)
    return lambda a, f=0.0, b=0.0, t=0.0, s=0.0: [
        v[0] for v in function(*([float(x)] for x in (a, f, b, t, s)))
    ]


@pytest.fixture(scope="module")
def log_density(plain):
    value, joint = pt.lvector("value"), pt.tensor3("joint")
    return plain([value, joint], logp(value, joint))


def some_joint(seed: int, cases: int = 1) -> np.ndarray:
    """Joint probabilities of proposal and design, with the column of refusal."""
    rng = np.random.default_rng(seed)
    proposal = rng.dirichlet(np.ones(N), size=cases)
    design = rng.dirichlet(np.ones(N), size=(cases, N))
    refused = rng.uniform(size=(cases, N, 1))
    return proposal[:, :, None] * np.concatenate([design, refused], axis=-1)


@given(a=odds, f=odds, b=odds, t=odds, s=odds)
@settings(max_examples=60, deadline=None)
def test_every_row_of_the_kernel_is_a_distribution(kernel, a, f, b, t, s):
    with_lapse, without, multi, tri = kernel(a, f, b, t, s)
    for k in (with_lapse, without):
        np.testing.assert_allclose(k[:, :N].sum(1), 1, atol=1e-12)
        assert (k >= 0).all() and (k <= 1).all()
    for fallback in (multi, tri):
        np.testing.assert_allclose(fallback.sum(), 1, atol=1e-12)
        assert not fallback[MULTILATERAL > 0].any()
    assert with_lapse.min() >= LAPSE / N - 1e-15, "a recorded case could be impossible"


@given(a=odds, f=odds, b=odds, t=odds, s=odds)
@settings(max_examples=30, deadline=None)
def test_a_proposal_to_one_client_or_none_passes_unchanged(kernel, a, f, b, t, s):
    with_lapse, without, *_ = kernel(a, f, b, t, s)
    one = JOINT == 0
    np.testing.assert_allclose(without[one][:, :N], np.eye(N)[one], atol=1e-15)
    np.testing.assert_allclose(
        with_lapse[one][:, :N], (1 - LAPSE) * np.eye(N)[one] + LAPSE / N, atol=1e-15
    )
    assert not without[one, REFUSED].any()


def test_sure_acceptance_and_sure_refusal(kernel):
    accepted = kernel(800)[1]
    np.testing.assert_allclose(accepted[:, :N], np.eye(N))
    assert not accepted[:, REFUSED].any()
    refused, multi, tri = kernel(-800, b=0.3, t=-0.4, s=0.2)[1:]
    np.testing.assert_allclose(refused[JOINT > 0, REFUSED], 1)
    np.testing.assert_allclose(refused[5:, :N], [multi, multi])
    np.testing.assert_allclose(refused[3:5, :N], [tri, tri])
    assert tri[3:].sum() < 1e-12, "a refused trilateral proposal cannot fall back to itself"


def test_refusal_and_fallback_by_hand(kernel):
    a, f, b, t, s = 0.7, 0.9, 0.3, -1.1, 0.4
    k, _, multi, tri = kernel(a, f, b, t, s)
    kinds, strong = softmax([0, b, t + f]), expit(s)
    pair = [1 - strong, strong]
    by_hand = [kinds[0], *kinds[1] * np.array(pair), *kinds[2] * np.array(pair), 0, 0]
    np.testing.assert_allclose(multi, by_hand)
    two = softmax([0, b])
    np.testing.assert_allclose(tri[:3], [two[0], *two[1] * np.array(pair)])
    refused = 1 - expit(a)
    np.testing.assert_allclose(k[5, REFUSED], (1 - LAPSE) * refused + LAPSE / N)
    np.testing.assert_allclose(k[5, 5], (1 - LAPSE) * expit(a) + LAPSE / N)
    np.testing.assert_allclose(k[5, 3], (1 - LAPSE) * refused * by_hand[3] + LAPSE / N)


def test_what_is_recorded_decides_the_density(log_density):
    """Against a loop over all 8 x 9 codes of a recorded or unrecorded pair."""
    joint = some_joint(3)
    for q in range(-1, N):
        for d in range(-1, N + 1):
            total = 0.0
            for i in range(N):
                for j in range(N + 1):
                    if q in (-1, i) and (d == j or (d == -1 and j < REFUSED)):
                        total += joint[0, i, j]
            code = encode(np.array([q]), np.array([d]))
            np.testing.assert_allclose(
                np.exp(log_density(code, joint)), total, rtol=1e-12, err_msg=f"{q=} {d=}"
            )


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_unrecorded_parts_are_summed_out(log_density, seed):
    joint = some_joint(seed)
    unknown = np.array([-1])

    def density(q: int, d: int) -> float:
        return float(np.exp(log_density(encode(np.array([q]), np.array([d])), joint)[0]))

    assert log_density(encode(unknown, unknown), joint)[0] == pytest.approx(0, abs=1e-14)
    for q in range(N):
        assert sum(density(q, d) for d in range(N)) == pytest.approx(density(q, -1))
        assert density(q, -1) == pytest.approx(joint[0, q, :N].sum())
    for d in range(N + 1):
        assert sum(density(q, d) for q in range(N)) == pytest.approx(density(-1, d))


def test_an_unrecorded_pair_adds_exactly_nothing(models, pointwise, points, contents):
    """Also in fallback rows, and for every theory."""
    for theory, model in models.items():
        with contents(model, outcome=np.zeros(len(model.coords["episode"]))):
            got = pointwise(theory, points(theory, 1)[0])["outcome_observed"]
        np.testing.assert_allclose(got, 0, atol=1e-12, err_msg=theory)


def test_draws_have_the_probabilities():
    joint, count = some_joint(11), 40_000
    codes = random(joint, rng=np.random.default_rng(5), size=(count, 1))
    assert codes.shape == (count, 1) and codes.dtype == np.int64
    q, d = codes[:, 0] // (REFUSED + 2) - 1, codes[:, 0] % (REFUSED + 2) - 1
    observed = np.zeros((N, N))
    np.add.at(observed, (q, d), 1)
    assert chisquare(observed.ravel(), joint[0, :, :N].ravel() * count).pvalue > 1e-3


def test_draws_of_several_cases_do_not_mix():
    joint = np.zeros((3, N, N + 1))
    for case, (q, d) in enumerate(((0, 6), (4, 2), (6, 0))):
        joint[case, q, d] = 1
    codes = random(joint, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(codes, encode(np.array([0, 4, 6]), np.array([6, 2, 0])))


@pytest.mark.parametrize("proposed", [-1, *np.flatnonzero(JOINT)])
def test_a_fallback_row_knows_of_the_refusal(plain, proposed):
    rng = np.random.default_rng(8)
    multi, tri = rng.dirichlet(np.ones(N), size=2)
    p, m, t = pt.lvector("p"), pt.matrix("m"), pt.matrix("t")
    joint = plain([p, m, t], _given_refusal(p, m, t, LAPSE))([proposed], [multi], [tri])[0]
    assert joint[:, :N].sum() == pytest.approx(1)
    assert not joint[:, REFUSED].any()
    after = tri if proposed in (3, 4) else multi
    np.testing.assert_allclose(joint[:, :N].sum(0), (1 - LAPSE) * after + LAPSE / N)
    rows = np.flatnonzero(joint.sum(1))
    np.testing.assert_array_equal(rows, [5, 6] if proposed < 0 else [proposed])


def test_encode_and_decode_are_inverse():
    q, d = np.meshgrid(np.arange(-1, N), np.arange(-1, N + 1), indexing="ij")
    code = encode(q, d)
    assert len(np.unique(code)) == code.size and code.min() == 0
    np.testing.assert_array_equal(code // (REFUSED + 2) - 1, q)
    np.testing.assert_array_equal(code % (REFUSED + 2) - 1, d)


def test_gradient_of_a_sure_refusal_is_finite():
    a = pt.vector("a")
    zero = pt.zeros((1, N))
    total = pt.log(design_kernel(a, zero + 1 / N, zero + 1 / N, LAPSE)).sum()
    gradient = pytensor.function([a], pt.grad(total, a), mode="FAST_COMPILE")
    for value in (-700.0, 0.0, 700.0):
        assert np.isfinite(gradient([value])).all()
