"""Graphs as machine code, beside PyTensor's own evaluation of them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytensor
import pytest
from pytensor.compile.mode import Mode
from pytensor.graph.fg import FunctionGraph

from bayes_alliance.density import graph_of
from bayes_alliance.machine.program import ARGUMENTS, Entry, Held, Made, compiled, text

ROOM = 4096
"""Numbers that an output may have."""
PLAIN = Mode("py", optimizer=None)
UNTOUCHED = -12345.678


@dataclass
class Machine:
    """Outputs of inputs that are held, and how PyTensor gives them."""

    inputs: list
    outputs: list
    rewritten: bool = False

    def __post_init__(self) -> None:
        if self.rewritten:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # constants that are divided by nought
                graph = graph_of(self.outputs, {v: v.type(v.name) for v in self.inputs})
        else:
            graph = FunctionGraph(self.inputs, self.outputs, clone=True)
        given, word = {}, 0
        for variable in graph.inputs:
            given[variable] = Held(word, word + 1)
            word += 1 + variable.type.ndim
        made = [Made(3, k * ROOM) for k in range(len(self.outputs))]
        counts = [0, ROOM * len(self.outputs)]
        self.text = text("expand", graph, given, made, counts)
        self.entry = Entry("expand", compiled(self.text))

    def run(self, *values: Any) -> tuple[int, np.ndarray]:
        """Status, and all numbers that outputs have room for."""
        held, words = [], []
        for variable, value in zip(self.inputs, values, strict=True):
            array = np.array(value, dtype=variable.type.dtype, order="C", copy=True)
            held.append(array)
            words += [array.ctypes.data, *array.shape]
        words = np.array([*words, 0], dtype=np.uint64)
        out = np.full(ROOM * len(self.outputs), UNTOUCHED)
        kinds = self.entry.ctypes.argtypes
        assert len(kinds) == len(ARGUMENTS["expand"])
        at = out.ctypes.data_as(kinds[3])
        status = self.entry.ctypes(0, out.size, None, at, words.ctypes.data)
        return status, out.reshape(len(self.outputs), ROOM)

    def __call__(self, *values: Any, shapes: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
        """Outputs of the shapes that they must have; nothing is written beside them."""
        status, out = self.run(*values)
        assert status == 0
        found = []
        for numbers, shape in zip(out, shapes, strict=True):
            size = int(np.prod(shape, dtype=int))
            assert (numbers[size:] == UNTOUCHED).all(), "numbers are written beside the output"
            found.append(numbers[:size].reshape(shape))
        return found


@pytest.fixture(scope="session")
def machine() -> Callable[..., Machine]:
    """Compile outputs of inputs."""

    def make(inputs: list, outputs: Any, rewritten: bool = False) -> Machine:
        several = outputs if isinstance(outputs, list) else [outputs]
        return Machine(inputs, several, rewritten)

    return make


@pytest.fixture(scope="session")
def agree(machine: Callable) -> Callable[..., Machine]:
    """Assert that machine code gives what PyTensor does, for one or more sets of inputs."""

    def check(
        inputs: list,
        outputs: Any,
        *cases: Sequence,
        rtol: float = 1e-13,
        atol: float = 1e-14,
        rewritten: bool = False,
    ) -> Machine:
        made = machine(inputs, outputs, rewritten)
        by_pytensor = pytensor.function(inputs, made.outputs, mode=PLAIN, on_unused_input="ignore")
        for values in cases:
            cast = [np.asarray(v, dtype=i.type.dtype) for v, i in zip(values, inputs, strict=True)]
            with np.errstate(all="ignore"):
                wanted = by_pytensor(*cast)
            found = made(*values, shapes=[w.shape for w in wanted])
            for one, other in zip(found, wanted, strict=True):
                exact = other.dtype != "float32"
                np.testing.assert_allclose(
                    one,
                    other.astype(float),
                    rtol=rtol if exact else 1e-5,
                    atol=atol if exact else 1e-6,
                    err_msg=f"inputs {values}",
                )
        return made

    return check
