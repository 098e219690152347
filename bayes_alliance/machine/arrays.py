"""Functions of arrays, as machine code: what a graph is at arrays of any lengths."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pytensor.graph.fg import FunctionGraph

from bayes_alliance.machine.plan import Plan
from bayes_alliance.machine.program import Entry, Held, compiled, written
from bayes_alliance.machine.scalars import Unsupported


@dataclass(frozen=True)
class Arrays:
    """A compiled function of arrays.

    Parameters
    ----------
    code : bytes
        Machine code.
    inputs : list of [str, str]
        Name and type of each input.
    outputs : list of list
        Lengths of each output's dimensions: a number, or the input and the axis that are as long,
        or the input that says how long, and no axis.
    """

    code: bytes
    inputs: list[list[str]]
    outputs: list[list[Any]]

    @functools.cached_property
    def _entry(self) -> Any:
        return Entry("rows", self.code)

    def __call__(self, values: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Evaluate the function.

        Parameters
        ----------
        values : mapping of str to numpy.ndarray
            Inputs by name; others are passed over.

        Returns
        -------
        list of numpy.ndarray of float64
            Outputs.

        Raises
        ------
        ValueError
            If lengths that must be equal are not.
        """
        # a number of its own has no length, which ascontiguousarray would give it
        given = [np.asarray(values[name], dtype, order="C") for name, dtype in self.inputs]

        def length(size: Any) -> int:
            if isinstance(size, int):
                return size
            of, axis = size
            return int(given[of].item()) if axis is None else given[of].shape[axis]

        shapes = [[length(size) for size in sizes] for sizes in self.outputs]
        made = [np.empty(shape) for shape in shapes]
        words = [word for v in given for word in (v.ctypes.data, *v.shape)]
        record = np.array([*words, *(v.ctypes.data for v in made)], dtype=np.uint64)
        if self._entry.ctypes(ctypes.c_void_p(record.ctypes.data)):
            raise ValueError("arrays whose lengths do not fit together")
        return made


def write_arrays(graph: FunctionGraph, names: Sequence[str]) -> Arrays:
    """Compile a function of arrays.

    Parameters
    ----------
    graph : FunctionGraph
        Inputs to outputs.
    names : sequence of str
        Names of the inputs.

    Returns
    -------
    Arrays
        The function.

    Raises
    ------
    Unsupported
        If the graph has something that is not known here, or an output whose length nothing tells.
    """
    read = {v: name for v, name in zip(graph.inputs, names, strict=True) if graph.clients[v]}
    given, at = {}, 0
    for variable in read:
        given[variable] = Held(at, at + 1)
        at += 1 + variable.type.ndim
    made = [Held(at + k, 0) for k in range(len(graph.outputs))]
    code, plan = written("rows", graph, given, made, [])
    inputs = [[name, str(v.type.dtype)] for v, name in read.items()]
    places = {v: k for k, v in enumerate(read)}
    return Arrays(compiled(code), inputs, [_lengths(plan, places, v) for v in graph.outputs])


def _lengths(plan: Plan, places: Mapping[Any, int], variable: Any) -> list[Any]:
    """Lengths of a variable, as numbers or as those of inputs."""
    found: list[Any] = []
    for length in plan.shapes[variable]:
        said = [(part[1], None) for part in length.last().parts if part[0] == "scalar"]
        told = [[places[v], axis] for v, axis in (*length.places, *said) if v in places]
        if length.size is None and not told:
            raise Unsupported("an output whose length nothing tells")
        found.append(told[0] if length.size is None else length.size)
    return found
