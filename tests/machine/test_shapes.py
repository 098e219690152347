"""Which lengths a graph knows, and which it knows to be equal."""

from __future__ import annotations

import numpy as np
import pytensor.tensor as pt
import pytest
from pytensor.graph.fg import FunctionGraph
from pytensor.tensor.shape import specify_shape

from bayes_alliance.machine.scalars import Unsupported
from bayes_alliance.machine.shapes import Length, Shapes, join, number, taken


def shapes_of(inputs: list, *outputs) -> tuple[Shapes, FunctionGraph]:
    graph = FunctionGraph(inputs, list(outputs), clone=False)
    return Shapes(graph.toposort(), graph.inputs), graph


def test_joined_lengths_have_one_that_stands_for_all():
    lengths = [Length() for _ in range(4)]
    join(lengths[0], lengths[1])
    join(lengths[2], lengths[3])
    assert lengths[1].last() is not lengths[3].last()
    join(lengths[1], lengths[2])
    assert len({n.last() for n in lengths}) == 1
    join(lengths[3], Length(5))
    assert [n.last().size for n in lengths] == [5] * 4


def test_every_way_in_which_a_length_is_computed_is_kept():
    one, other = Length(parts=[("scalar", "a")]), Length(parts=[("scalar", "b")])
    join(one, other)
    assert sorted(one.last().parts) == [("scalar", "a"), ("scalar", "b")]


def test_two_known_lengths_of_one_dimension_are_refused():
    with pytest.raises(Unsupported, match="2 and 3"):
        join(Length(2), Length(3))


def test_numbers_are_those_of_constants_alone():
    assert number(pt.constant(3)) == 3 == number(3)
    assert number(None) is None
    assert number(pt.lscalar()) is None


def test_what_is_added_is_equally_long():
    x, y, z = pt.dvector(), pt.dvector(), pt.dvector()
    shapes, _ = shapes_of([x, y, z], x + y, z * 2)
    assert shapes[x] == shapes[y] != shapes[z]


def test_a_known_length_is_that_of_all_that_is_as_long():
    x, y = pt.dvector(), pt.tensor(shape=(4,), dtype="float64")
    shapes, _ = shapes_of([x, y], x + y)
    assert shapes[x][0].size == 4
    z = pt.dvector()
    shapes, _ = shapes_of([z], specify_shape(z, (7,)))
    assert shapes[z][0].size == 7


def test_dimensions_of_length_one_are_as_long_as_nothing_else():
    x, row = pt.dmatrix(), pt.tensor(shape=(1, None), dtype="float64")
    shapes, graph = shapes_of([x, row], x + row)
    assert shapes[row][0].size == 1
    assert shapes[x][0].size is None
    assert shapes[graph.outputs[0]][1] is shapes[row][1] is shapes[x][1]


def test_indices_give_their_lengths():
    x, i = pt.dmatrix(), pt.lvector()
    shapes, graph = shapes_of([x, i], x[:, i])
    assert shapes[graph.outputs[0]] == (shapes[x][0], shapes[i][0])
    assert taken(graph.outputs[0].owner) == (1, i)


def test_constants_have_the_lengths_of_their_data():
    x = pt.constant(np.zeros((2, 3)))
    shapes, graph = shapes_of([], x + 1)
    assert [n.size for n in shapes[graph.outputs[0]]] == [2, 3]


@pytest.mark.parametrize(
    ("inputs", "make"),
    [
        (
            [pt.dvector(), pt.dvector()],
            lambda x, y: pt.specify_shape(x, (2,)) + pt.specify_shape(y, (3,)),
        ),
        ([pt.dmatrix()], lambda x: x[::2]),
        ([pt.dmatrix()], lambda x: x.flatten()),
        ([pt.dmatrix()], lambda x: pt.linalg.cholesky(x)),
        ([pt.dvector()], lambda x: pt.sort(x)),
        ([pt.dvector()], lambda x: pt.cumsum(x)),
        ([pt.dvector()], lambda x: x.reshape((2, 3))),
    ],
)
def test_what_has_no_known_lengths_is_refused(inputs, make):
    with pytest.raises((Unsupported, ValueError)):
        shapes_of(inputs, make(*inputs))
