"""What patrons proposed and what came of it, observed and replicated alike.

A case counts once: a proposal that was refused counts as the most inclusive design that it fell
back to. Replications draw new proposals, acceptances and fallbacks from the posterior; where a
replicated proposal is refused and the case has fallback rows, the replicated fallbacks of those
rows are read in the same way. A proposal that was not recorded is not looked at in replications
either.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from bayes_alliance.data.load import Data
from bayes_alliance.process.cells import CELLS, JOINT, PARTNERS, REFUSED
from bayes_alliance.process.containers import codes, era, outcome_codes
from bayes_alliance.process.designs import REACH, designs


@dataclass(frozen=True)
class Choices:
    """Proposals and designs by case.

    Parameters
    ----------
    cases : pandas.DataFrame
        ``theatre``, ``patron`` and ``era``, indexed by case.
    proposal : numpy.ndarray of int, shape (..., case)
        Cell that was proposed, -1 where that is not recorded. Observed choices have no leading
        dimensions, replicated ones those of the draws.
    refused : numpy.ndarray of bool, shape (..., case)
        Whether the proposal came to nothing or to fewer clients.
    design : numpy.ndarray of int, shape (..., case)
        Cell that the case ended in.
    """

    cases: pd.DataFrame
    proposal: np.ndarray
    refused: np.ndarray
    design: np.ndarray

    @property
    def to_several(self) -> np.ndarray:
        """Whether the proposal is recorded and went to several clients."""
        return (self.proposal > 0) & (JOINT[self.proposal] > 0)

    @property
    def to_one(self) -> np.ndarray:
        """Whether the proposal is recorded and went to one client."""
        return (self.proposal > 0) & (JOINT[self.proposal] == 0)


def observed_choices(data: Data) -> Choices:
    """Proposals and designs as they are coded.

    Parameters
    ----------
    data : Data
        Validated tables.

    Returns
    -------
    Choices
        Without leading dimensions.
    """
    ended = designs(data)
    roots = data.episodes.set_index("episode").loc[ended.index]
    proposal, outcome = codes(roots["proposal"], CELLS), outcome_codes(roots["outcome"])
    cases = roots[["theatre", "patron"]].astype(str).assign(era=roots["date"].map(era))
    refused = _fell_short(proposal, np.where(outcome == REFUSED, 0, outcome))
    return Choices(cases.rename_axis(index="case"), proposal, refused, ended.to_numpy())


def replicated_choices(tree: xr.DataTree, data: Data) -> Choices:
    """Proposals and designs as the theory draws them anew.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.
    data : Data
        Its data.

    Returns
    -------
    Choices
        Leading dimensions chain and draw.
    """
    observed = observed_choices(data)
    code = tree["posterior_predictive"]["outcome_observed"].to_numpy()  # (chain, draw, episode)
    cell = code % (REFUSED + 2) - 1
    row = {name: i for i, name in enumerate(data.episodes["episode"])}
    roots = [row[case] for case in observed.cases.index]
    proposal, design = code[..., roots] // (REFUSED + 2) - 1, cell[..., roots]
    refused = _fell_short(proposal, design)
    fallbacks = data.episodes[data.episodes["episode"] != data.episodes["case"]]
    for case, names in fallbacks.groupby("case")["episode"]:
        at = observed.cases.index.get_loc(case)
        options = cell[..., [row[name] for name in names]]
        best = np.take_along_axis(options, REACH[options].argmax(-1)[..., None], -1)[..., 0]
        design[..., at] = np.where(refused[..., at], best, design[..., at])
    recorded = observed.proposal >= 0
    return Choices(observed.cases, np.where(recorded, proposal, -1), refused, design)


def _fell_short(proposal: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Whether a proposed alliance came to nothing or to fewer clients."""
    return (proposal > 0) & ((cell == 0) | (PARTNERS[cell] < PARTNERS[proposal]))
