"""The seven cells of alliance design and their order."""

from __future__ import annotations

import numpy as np

CELLS: tuple[str, ...] = (
    "none",
    "bilateral_weak",
    "bilateral_strong",
    "trilateral_weak",
    "trilateral_strong",
    "multilateral_weak",
    "multilateral_strong",
)
REFUSED = len(CELLS)
"""Code of an outcome that stands in fallback rows: the proposal was refused."""

ALLIANCE = np.array([0.0, 1, 1, 1, 1, 1, 1])  # (cell,)
PARTNERS = np.array([0.0, 0, 0, 1, 1, 2, 2])  # (cell,) partners beyond the first, 2 = two or more
STRONG = np.array([0.0, 0, 1, 0, 1, 0, 1])  # (cell,)
TRILATERAL = np.array([0.0, 0, 0, 1, 1, 0, 0])  # (cell,)
MULTILATERAL = np.array([0.0, 0, 0, 0, 0, 1, 1])  # (cell,)

DEPARTURES = np.column_stack(
    [
        np.array([0.0, 1, 1, -2, -2, 1, 1]) / np.sqrt(12),
        np.array([0.0, 1, -1, 0, 0, -1, 1]) / 2,
        np.array([0.0, 1, -1, -2, 2, 1, -1]) / np.sqrt(12),
    ]
)  # (cell, departure)
"""Orthonormal directions that constants for an alliance, partners and strength cannot reach."""
DEPARTURE_LABELS = ("three parties", "strong with partners", "strong with three parties")

JOINT = TRILATERAL + MULTILATERAL  # (cell,) designs that several clients must accept
NOTHING = 1 - ALLIANCE  # (cell,)
BILATERAL = ALLIANCE - JOINT  # (cell,)

RISK = np.array([0.0, 1, 2, 1.5, 3, 2, 4])  # (cell,)
"""Relative risk of each design: He & Feng (2012), Figure 1; trilateral between its neighbours."""

COMMITMENTS: tuple[str, ...] = ("none", "consult", "defend")
"""What clients promised each other before the patron promised anything, in order."""


def label(cell: str) -> str:
    """Cell name as a reader sees it.

    Parameters
    ----------
    cell : str
        One of `CELLS`.

    Returns
    -------
    str
        For example ``"multilateral, strong"``.
    """
    return cell.replace("_", ", ")
