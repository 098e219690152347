"""Geography: on land clients share a front, across the sea each stands alone.

    z_i  = mean over clients j of land_j            1/2 contiguous, 0 over land, -1/2 by sea
    U_o += g_partners z_i [further partners of o] / 2 + g_strong z_i [o strong]
    logit a_i += g_acceptance z_i;  log h += g_hazard z_i

No latent variable: the theory is that the map decides.
"""

from __future__ import annotations

from bayes_alliance.process.alliance import Terms, linear
from bayes_alliance.process.containers import CLIENT_COVARIATES
from bayes_alliance.process.sums import group_mean
from bayes_alliance.theories.hypothesis import Hypothesis, parameter

DESCRIPTION = "Land theatres make multilateral alliances, maritime theatres bilateral ones."
REFERENCE = "Hemmer & Katzenstein (2002), International Organization 56(3), on geography"


def terms(x, priors) -> Terms:
    """The theory's terms in each stage.

    Parameters
    ----------
    x : types.SimpleNamespace
        Containers.
    priors : Priors
        Priors.

    Returns
    -------
    Terms
        As in the equations above.
    """
    land = x.client_covariates[:, CLIENT_COVARIATES.index("land")]
    return linear(x, group_mean(x, land), priors, "geography")


HYPOTHESES = (
    Hypothesis(
        "G1",
        "Where clients lie on one landmass with the adversary, designs are multilateral.",
        "geography_partners: log-odds of proposing two or more further partners, all clients "
        "contiguous against all beyond the sea",
        parameter("geography_partners"),
        1,
        "a rival explanation that both articles name; neither measures it",
    ),
)
