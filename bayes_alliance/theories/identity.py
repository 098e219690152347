"""Identity: like regimes trust each other with a common design.

    z_i  = 1/2 - mean over clients j of |polyarchy_j - polyarchy of the patron|
    U_o += i_partners z_i [further partners of o] / 2 + i_strong z_i [o strong]
    logit a_i += i_acceptance z_i;  log h += i_hazard z_i

No latent variable. A shared region is not told apart from the theatre's own effect, which every
theory has; what is left to identity is the likeness of regimes.
"""

from __future__ import annotations

from bayes_alliance.process.alliance import Terms, linear
from bayes_alliance.process.sums import group_mean
from bayes_alliance.theories.hypothesis import Hypothesis, parameter

DESCRIPTION = "A patron makes multilateral alliances with clients of its own kind."
REFERENCE = "Hemmer & Katzenstein (2002), International Organization 56(3), 575-607"


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
    return linear(x, group_mean(x, x.client_likeness), priors, "identity")


HYPOTHESES = (
    Hypothesis(
        "I1",
        "The more alike the regimes of patron and clients, the more multilateral the design.",
        "identity_partners: log-odds of proposing two or more further partners, like regimes "
        "against opposite ones",
        parameter("identity_partners"),
        1,
        "a rival explanation that both articles name; neither measures it",
    ),
)
