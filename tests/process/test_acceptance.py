"""Acceptance and fallback against a 7 x 8 stochastic matrix written out, and by frequency."""

from __future__ import annotations

import numpy as np
import pytensor.tensor as pt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, softmax
from scipy.stats import chisquare

from bayes_alliance.process.acceptance import (
    design_probability,
    fallback_probability,
    logp,
    random,
    refused_proposal,
)
from bayes_alliance.process.cells import CELLS, JOINT, MULTILATERAL, REFUSED
from bayes_alliance.process.containers import encode

N = len(CELLS)
LAPSE = 0.02
ONE = np.flatnonzero(JOINT == 0)
"""Cells that no second client must accept."""
FIRST_DESIGN = {-1: [5, 6], **{q: [q] if JOINT[q] else [5, 6] for q in range(N)}}
"""What a fallback row fell back from, by its recorded proposal."""
ALL_CODES = [(q, d) for q in range(-1, N) for d in range(-1, N + 1)]
odds = st.floats(-30, 30)


def matrix(accepted, after_multilateral, after_trilateral, lapse: float) -> np.ndarray:
    """Pr(d | q) of one case, row by row; the last column is the probability of refusal."""
    out = np.zeros((N, N + 1))
    for q, cell in enumerate(CELLS):
        after = {"multilateral": after_multilateral, "trilateral": after_trilateral}.get(
            cell.split("_")[0]
        )
        made = 1.0 if after is None else accepted
        for d in range(N):
            out[q, d] = made * (d == q) + (1 - made) * (0.0 if after is None else after[d])
            out[q, d] = (1 - lapse) * out[q, d] + lapse / N
        out[q, REFUSED] = (1 - lapse) * (1 - made) + lapse / N
    return out


def recorded(joint: np.ndarray, q: int, d: int) -> float:
    """Probability of a recorded pair, what is unrecorded summed out in a loop."""
    return sum(
        joint[i, j]
        for i in range(N)
        for j in range(N + 1)
        if q in (-1, i) and (d == j or (d == -1 and j < REFUSED))
    )


def some_cases(seed: int, cases: int) -> tuple[np.ndarray, ...]:
    """Proposals, acceptance and fallbacks of some cases."""
    rng = np.random.default_rng(seed)
    proposal, multi, tri = rng.dirichlet(np.ones(N), size=(3, cases))
    return proposal, rng.uniform(size=cases), multi, tri


def parts(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Proposal and design of codes."""
    return codes // (REFUSED + 2) - 1, codes % (REFUSED + 2) - 1


@pytest.fixture(scope="module")
def kernel(plain):
    """The package's Pr(d | q) at log-odds: with and without lapse, and the fallbacks."""
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
    each = pt.as_tensor(np.eye(N))  # a case for each proposal
    case = each, pt.sigmoid(a[0]) * np.ones(N), pt.repeat(multi, N, 0), pt.repeat(tri, N, 0)
    refusal = pt.as_tensor(encode(np.arange(N), np.full(N, REFUSED)))
    both = []
    for lapse in (LAPSE, 0.0):
        both += [design_probability(*case, lapse), pt.exp(logp(refusal, *case, lapse))]
    function = plain([a, f, b, t, s], [*both, multi, tri])

    def at(a, f=0.0, b=0.0, t=0.0, s=0.0) -> list[np.ndarray]:
        with np.errstate(divide="ignore"):  # without lapse some refusals are impossible
            out = function(*([float(x)] for x in (a, f, b, t, s)))
        with_lapse, without = (np.column_stack(out[i : i + 2]) for i in (0, 2))
        return [with_lapse, without, out[4][0], out[5][0]]

    return at


@pytest.fixture(scope="module")
def log_density(plain):
    value, accepted = pt.lvector("value"), pt.vector("accepted")
    proposal, multi, tri = pt.matrices("proposal", "multi", "tri")
    inputs = [proposal, accepted, multi, tri]
    return plain([value, *inputs], logp(value, *inputs, LAPSE))


@pytest.fixture(scope="module")
def fallback_row(plain):
    """Proposal and acceptance of a fallback row, as the model takes them."""
    proposed = pt.lvector("proposed")
    function = plain([proposed], refused_proposal(proposed))
    return lambda q, cases=1: (np.repeat(function([q]), cases, axis=0), np.zeros(cases))


@given(a=odds, f=odds, b=odds, t=odds, s=odds)
@settings(max_examples=60, deadline=None)
def test_every_row_of_the_kernel_is_a_distribution(kernel, a, f, b, t, s):
    with_lapse, without, multi, tri = kernel(a, f, b, t, s)
    for k, lapse in ((with_lapse, LAPSE), (without, 0.0)):
        np.testing.assert_allclose(k, matrix(expit(a), multi, tri, lapse), atol=1e-12)
        np.testing.assert_allclose(k[:, :N].sum(1), 1, atol=1e-12)
        assert (k >= 0).all() and (k <= 1 + 1e-12).all()
    for fallback in (multi, tri):
        np.testing.assert_allclose(fallback.sum(), 1, atol=1e-12)
        assert not fallback[MULTILATERAL > 0].any()
    assert with_lapse.min() >= LAPSE / N - 1e-15, "a recorded case could be impossible"


@given(a=odds, f=odds, b=odds, t=odds, s=odds)
@settings(max_examples=30, deadline=None)
def test_a_proposal_to_one_client_or_none_passes_unchanged(kernel, a, f, b, t, s):
    with_lapse, without, *_ = kernel(a, f, b, t, s)
    np.testing.assert_allclose(without[ONE, :N], np.eye(N)[ONE], atol=1e-15)
    np.testing.assert_allclose(
        with_lapse[ONE, :N], (1 - LAPSE) * np.eye(N)[ONE] + LAPSE / N, atol=1e-15
    )
    assert not without[ONE, REFUSED].any()


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


def test_designs_are_the_proposals_through_the_matrix(plain):
    """As arrays and as graphs, also of weights that do not sum to 1, of any leading shape."""
    proposal, accepted, multi, tri = some_cases(2, 6)
    proposal = proposal * np.random.default_rng(0).uniform(size=(6, 1))
    expected = [proposal[i] @ matrix(accepted[i], multi[i], tri[i], LAPSE)[:, :N] for i in range(6)]
    case = proposal, accepted, multi, tri
    got = design_probability(*case, LAPSE)
    np.testing.assert_allclose(got, expected, rtol=1e-12)
    np.testing.assert_allclose(got.sum(1), proposal.sum(1))
    inputs = [pt.matrix(), pt.vector(), pt.matrix(), pt.matrix()]
    graph = plain(inputs, design_probability(*inputs, LAPSE))(*case)
    np.testing.assert_allclose(graph, expected, rtol=1e-12)
    folded = [v.reshape(2, 3, *v.shape[1:]) for v in case]
    np.testing.assert_allclose(design_probability(*folded, LAPSE).reshape(6, N), got)


def test_what_is_recorded_decides_the_density(log_density):
    """Three cases at once, at all 8 x 9 codes of a recorded or unrecorded pair."""
    case = proposal, accepted, multi, tri = some_cases(3, 3)
    joint = [proposal[i][:, None] * matrix(accepted[i], multi[i], tri[i], LAPSE) for i in range(3)]
    for q, d in ALL_CODES:
        code = encode(np.full(3, q), np.full(3, d))
        np.testing.assert_allclose(
            np.exp(log_density(code, *case)),
            [recorded(j, q, d) for j in joint],
            rtol=1e-12,
            err_msg=f"{q=} {d=}",
        )


def test_cases_with_different_records_do_not_mix(log_density):
    """Every code in a case of its own, all cases at once."""
    case = proposal, accepted, multi, tri = some_cases(4, len(ALL_CODES))
    got = np.exp(log_density(encode(*np.array(ALL_CODES).T), *case))
    for i, (q, d) in enumerate(ALL_CODES):
        joint = proposal[i][:, None] * matrix(accepted[i], multi[i], tri[i], LAPSE)
        assert got[i] == pytest.approx(recorded(joint, q, d), rel=1e-12), (q, d)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_unrecorded_parts_are_summed_out(log_density, seed):
    case = some_cases(seed, 1)
    unknown = np.array([-1])

    def density(q: int, d: int) -> float:
        return float(np.exp(log_density(encode(np.array([q]), np.array([d])), *case)[0]))

    assert log_density(encode(unknown, unknown), *case)[0] == pytest.approx(0, abs=1e-14)
    for q in range(N):
        assert sum(density(q, d) for d in range(N)) == pytest.approx(density(q, -1))
        assert density(q, -1) == pytest.approx(case[0][0, q])
    for d in range(N + 1):
        assert sum(density(q, d) for q in range(N)) == pytest.approx(density(-1, d))


def test_an_unrecorded_pair_adds_exactly_nothing(models, pointwise, points, contents):
    """Also in fallback rows, and for every theory."""
    for theory, model in models.items():
        with contents(model, outcome=np.zeros(len(model.coords["episode"]))):
            got = pointwise(theory, points(theory, 1)[0])["outcome_observed"]
        np.testing.assert_allclose(got, 0, atol=1e-12, err_msg=theory)


@pytest.mark.parametrize("size", [None, (40_000, 2)])
def test_draws_have_the_probabilities(size):
    """Two cases, drawn as a batch of one shape or of many."""
    count = 40_000
    case = proposal, accepted, multi, tri = some_cases(11, 2)
    given_ = case if size else [np.broadcast_to(v, (count, *v.shape)) for v in case]
    codes = random(*given_, LAPSE, rng=np.random.default_rng(5), size=size)
    assert codes.shape == (count, 2) and codes.dtype == np.int64
    for i in range(2):
        observed = np.zeros((N, N))
        np.add.at(observed, parts(codes[:, i]), 1)
        expected = proposal[i][:, None] * matrix(accepted[i], multi[i], tri[i], LAPSE)[:, :N]
        assert chisquare(observed.ravel(), expected.ravel() * count).pvalue > 1e-3


def test_draws_of_several_cases_do_not_mix():
    """Each case has one possible pair: accepted, refused by all, and never asked of several."""
    chosen, made = np.array([6, 4, 6, 0]), np.array([6, 2, 0, 0])
    to = np.eye(N)
    codes = random(
        to[chosen],
        np.array([1.0, 0.0, 0.0, 0.5]),
        to[[1, 1, 0, 1]],
        to[[1, 2, 1, 1]],
        0.0,
        rng=np.random.default_rng(0),
    )
    np.testing.assert_array_equal(codes, encode(chosen, made))


@pytest.mark.parametrize("proposed", range(-1, N))
def test_a_fallback_row_knows_of_the_refusal(log_density, fallback_row, proposed):
    """Known to several clients, to one (falls back as a multilateral one) or unrecorded."""
    multi, tri = np.random.default_rng(8).dirichlet(np.ones(N), size=(2, 1))
    was, accepted = fallback_row(proposed)
    rows = FIRST_DESIGN[proposed]
    np.testing.assert_allclose(was[0], np.isin(np.arange(N), rows) / len(rows))
    sure = matrix(0.0, multi[0], tri[0], LAPSE)
    expected = sure[rows, :N].mean(0)
    after = tri[0] if proposed in (3, 4) else multi[0]
    np.testing.assert_allclose(expected, (1 - LAPSE) * after + LAPSE / N)
    every = encode(np.full(N, -1), np.arange(N))
    case = [np.repeat(v, N, axis=0) for v in (was, accepted, multi, tri)]
    got = np.exp(log_density(every, *case))
    np.testing.assert_allclose(got, expected, rtol=1e-12)
    assert got.sum() == pytest.approx(1)
    np.testing.assert_allclose(design_probability(*case, LAPSE)[0], expected)
    unknown = encode(np.array([-1]), np.array([-1]))
    assert log_density(unknown, was, accepted, multi, tri)[0] == pytest.approx(0, abs=1e-14)
    for q in rows:  # the pair too, where someone has drawn one
        pair = np.exp(log_density(encode(np.full(N, q), np.arange(N)), *case))
        np.testing.assert_allclose(pair, was[0, q] * sure[q, :N], rtol=1e-12)


@pytest.mark.parametrize("proposed", [-1, 1, 4, 6])
def test_draws_of_a_fallback_row(fallback_row, proposed):
    count, rng = 20_000, np.random.default_rng(8)
    multi, tri = rng.dirichlet(np.ones(N), size=2)
    was, accepted = fallback_row(proposed)
    codes = random(was[0], accepted[0], multi, tri, LAPSE, rng=rng, size=(count,))
    q, d = parts(codes)
    rows = FIRST_DESIGN[proposed]
    assert set(np.unique(q)) == set(rows)
    expected = matrix(0.0, multi, tri, LAPSE)[rows, :N].mean(0) * count
    assert chisquare(np.bincount(d, minlength=N), expected).pvalue > 1e-3


def test_the_model_scores_a_fallback_given_its_refusal(data, models, pointwise, points, contents):
    """Rows as roots and as each kind of fallback, against the matrix at the same values."""
    theory, names = "null", ("proposal_probability", "acceptance_probability")
    model, point = models[theory], points(theory, 1)[0]
    count = len(data.episodes)
    design = np.full(count, CELLS.index("trilateral_weak"))
    strong = expit(point["fallback_strong"])
    b, t = point["fallback_bilateral"], point["fallback_trilateral"]
    split = np.array([1 - strong, strong])
    kinds, two = softmax([0, b, t]), softmax([0, b])
    multi = np.array([kinds[0], *kinds[1] * split, *kinds[2] * split, 0, 0])
    tri = np.array([two[0], *two[1] * split, 0, 0, 0, 0])
    for proposed in (-2, -1, 2, 3, 6):
        code = encode(np.full(count, -1), design)
        with contents(model, outcome=code, proposed_to_fallback=np.full(count, proposed)):
            got = pointwise(theory, point, *names)
        for i in range(count):
            kernel = matrix(got["acceptance_probability"][i], multi, tri, LAPSE)[:, design[i]]
            sure = matrix(0.0, multi, tri, LAPSE)[FIRST_DESIGN.get(proposed, []), design[i]]
            expected = got["proposal_probability"][i] @ kernel if proposed == -2 else sure.mean()
            assert np.exp(got["outcome_observed"][i]) == pytest.approx(expected), (proposed, i)


def test_encode_and_decode_are_inverse():
    q, d = np.meshgrid(np.arange(-1, N), np.arange(-1, N + 1), indexing="ij")
    code = encode(q, d)
    assert len(np.unique(code)) == code.size and code.min() == 0
    np.testing.assert_array_equal(parts(code), (q, d))


def test_gradient_of_a_sure_refusal_is_finite(plain):
    """At every code, in acceptance, in the proposals and in the fallbacks."""
    a, u, b, t = pt.vectors("a", "u", "b", "t")
    count = len(ALL_CODES)
    rows = [pt.tile(pt.special.softmax(v)[None, :], (count, 1)) for v in (u, b, t)]
    case = rows[0], pt.sigmoid(a[0]) * np.ones(count), *rows[1:]
    total = logp(pt.as_tensor(encode(*np.array(ALL_CODES).T)), *case, LAPSE).sum()
    gradient = plain([a, u, b, t], pt.grad(total, [a, u, b, t]))
    even, sure = np.zeros(N), 30.0 * np.eye(N)[5]
    for value in (-700.0, 0.0, 700.0):
        for u_ in (even, sure):
            for part in gradient([value], u_, even, sure):
                assert np.isfinite(part).all(), (value, u_)
