"""Power: a patron that towers over its clients controls them one by one.

    z_i  = mean over clients j of log10(CINC patron / CINC client) - 3/2
    U_o += p_partners z_i [further partners of o] / 2 + p_strong z_i [o strong]
    logit a_i += p_acceptance z_i;  log h += p_hazard z_i

No latent variable. z is 0 where the patron is some thirty times as capable as the usual client.
"""

from __future__ import annotations

from bayes_alliance.process.alliance import Terms, linear
from bayes_alliance.process.sums import group_mean
from bayes_alliance.theories.hypothesis import Hypothesis, parameter

DESCRIPTION = "The greater the patron over its clients, the more it prefers bilateral control."
REFERENCE = "Cha (2010), International Security 34(3), 158-196"


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
    return linear(x, group_mean(x, x.client_disparity), priors, "power")


HYPOTHESES = (
    Hypothesis(
        "P1",
        "The greater the disparity, the more bilateral the design.",
        "power_partners: log-odds of proposing two or more further partners, per tenfold disparity",
        parameter("power_partners"),
        -1,
        "a rival explanation that both articles name; neither measures it",
    ),
)
