"""Warnings of libraries: their filters are the whole process's, set by one thread at a time."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_FILTERS = threading.RLock()


@contextmanager
def quiet() -> Iterator[list[warnings.WarningMessage]]:
    """Keep warnings back for the length of a with statement.

    Yields
    ------
    list of warnings.WarningMessage
        Those that were given. The filters before are put back in any case; another thread that
        wants to change them here waits.
    """
    with _FILTERS, warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        yield said
