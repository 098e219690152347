"""Machine code from graphs: loops over elements, written for LLVM, in seconds.

Numba takes about a minute to compile the gradient of a model here, most of it in Python, one small
function an operation. This package reads the graph that PyTensor made of the model and writes the
few loops that it amounts to: one over episodes, one over clients, and so on, each with all that is
computed there. What it does not know, it refuses, and the caller turns to Numba.
"""
