"""What is stored, and which loops are one."""

from __future__ import annotations

import pytensor.tensor as pt
import pytest
from pytensor.graph.fg import FunctionGraph
from pytensor.raise_op import Assert

from bayes_alliance.machine.elements import LANES
from bayes_alliance.machine.plan import Plan
from bayes_alliance.machine.scalars import Unsupported


def plan_of(inputs: list, *outputs) -> Plan:
    graph = FunctionGraph(inputs, list(outputs), clone=False)
    return Plan(graph.inputs, graph.outputs, graph.toposort())


def kinds(plan: Plan) -> list[list[str]]:
    """Kinds of what is computed, round by round."""
    return [[root.kind for root in roots] for roots in plan.rounds()]


def test_equal_loops_are_one():
    x, y, z = pt.dvector(), pt.dvector(), pt.dvector()
    together = plan_of([x, y], pt.sum(x * y), pt.sum(x + y), pt.exp(x))
    assert kinds(together)[0] == ["sum", "sum", "out"]
    apart = plan_of([x, z], pt.sum(x), pt.sum(z))
    assert [k for k in kinds(apart) if "sum" in k] == [["sum"], ["sum"]]


def test_known_loops_of_equal_length_are_one():
    x, y = (pt.tensor(shape=(n,), dtype="float64") for n in (20, 20))
    assert kinds(plan_of([x, y], pt.sum(x), pt.sum(y)))[0] == ["sum", "sum"]


def test_what_needs_a_sum_waits_for_it():
    x = pt.dvector()
    plan = plan_of([x], x / pt.sum(x))
    assert kinds(plan) == [["sum"], ["out"]]
    assert [root.level for root in plan.roots] == [0, 1]


def test_what_is_used_in_one_loop_is_not_stored():
    x = pt.dvector()
    plan = plan_of([x], pt.sum(pt.exp(x) + pt.exp(x) ** 2))
    assert not any(root.stored for root in plan.roots)


def test_what_is_used_in_several_loops_is_stored():
    x = pt.dvector()
    grown = pt.exp(x)
    plan = plan_of([x], grown / pt.sum(grown))
    assert [root.variable for root in plan.roots if root.stored] == [grown]


def test_what_is_read_at_data_is_stored():
    x, i = pt.dvector(), pt.lvector()
    grown = pt.exp(x)
    plan = plan_of([x, i], grown[i])
    assert [root.variable for root in plan.roots if root.stored] == [grown]


def test_short_sums_that_are_read_at_data_are_stored():
    x, i = pt.tensor(shape=(None, 3), dtype="float64"), pt.lscalar()
    total = pt.sum(x, axis=0)
    assert [r.variable for r in plan_of([x, i], total[i]).roots if r.stored] == [total]
    assert not any(r.stored for r in plan_of([x], total[1]).roots)


def test_short_dimensions_are_no_loops():
    x = pt.tensor(shape=(None, LANES, LANES + 1), dtype="float64")
    plan = plan_of([x], pt.exp(x))
    assert plan.loops(x) == (plan.shapes[x][0], plan.shapes[x][2])


def test_what_is_added_at_data_begins_before_and_is_alone():
    x, i, y = pt.dvector(), pt.lvector(), pt.dvector()
    plan = plan_of([x, i, y], pt.inc_subtensor(x[i], y), pt.sum(y))
    rounds = kinds(plan)
    assert ["scatter"] in rounds
    before = [k for k in rounds[: rounds.index(["scatter"])] if "begin" in k]
    assert before and ["out"] in rounds[rounds.index(["scatter"]) :]


def test_a_condition_is_looked_at():
    x, n = pt.dvector(), pt.lscalar()
    plan = plan_of([x, n], Assert("short")(x, pt.eq(pt.sum(x), n)))
    assert [root.kind for root in plan.roots] == ["sum", "check", "out"]


def test_what_is_set_at_data_is_refused():
    x, i, y = pt.dvector(), pt.lvector(), pt.dvector()
    with pytest.raises(Unsupported, match="set"):
        plan_of([x, i, y], pt.set_subtensor(x[i], y))
