"""Crowd: the more clients there are to ask, the larger the design.

z_i  = log2(number of clients of i) - 1
U_o += crowd_partners z_i [further partners of o] / 2 + ...   (see `process.alliance.linear`)
"""

from __future__ import annotations

import pytensor.tensor as pt

from bayes_alliance.process.alliance import Terms, linear
from bayes_alliance.theories.hypothesis import Hypothesis, parameter

DESCRIPTION = "Patrons propose designs as large as the group."
REFERENCE = "A toy, for the tests"
HYPOTHESES = (
    Hypothesis(
        "C1",
        "Larger groups get larger designs.",
        "crowd_partners: log-odds of two or more further partners per doubling of the group",
        parameter("crowd_partners"),
        1,
        "a toy",
    ),
)


def terms(x, priors) -> Terms:
    """The theory's terms in each stage."""
    return linear(x, pt.log2(x.group_size) - 1.0, priors, "crowd")


def drive(x, priors) -> dict[str, pt.TensorVariable]:
    """Groups that would be proposed something large ask more often."""
    return {"crowd": priors("crowd_partners") * x.unallied}
