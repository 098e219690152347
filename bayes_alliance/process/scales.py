"""How the sampler sees a scale: on the whole real line, without a long tail towards zero."""

from __future__ import annotations

import pytensor.tensor as pt
from pymc.logprob.transforms import Transform

STEEPNESS = 2.5
"""At this value the prior of what the sampler sees has no skew; its kurtosis is 3.5."""


class HalfNormalTransform(Transform):
    """scale = sigma log(1 + exp(k u)) / k, for a half-normal scale.

    On the usual log scale a half-normal prior falls towards minus infinity only as exp(u), and data
    that cannot tell a small scale from none leave that tail as it is: the sampler walks along it
    for long. With k = 2.5 the prior of u is nearly normal. The prior of the scale is the same.
    """

    name = "halfnormal"
    ndim_supp = 0

    def forward(self, value, *inputs):
        """From the scale to what the sampler sees.

        Parameters
        ----------
        value : TensorVariable
            Scale.
        *inputs : TensorVariable
            Arguments of the half-normal; the last is its sigma.

        Returns
        -------
        TensorVariable
            u.
        """
        t = STEEPNESS * value / inputs[-1]
        return (t + pt.log(-pt.expm1(-t))) / STEEPNESS

    def backward(self, value, *inputs):
        """From what the sampler sees to the scale.

        Parameters
        ----------
        value : TensorVariable
            u.
        *inputs : TensorVariable
            Arguments of the half-normal; the last is its sigma.

        Returns
        -------
        TensorVariable
            Scale.
        """
        return inputs[-1] * pt.softplus(STEEPNESS * value) / STEEPNESS

    def log_jac_det(self, value, *inputs):
        """Log of the derivative of the scale with respect to u.

        Parameters
        ----------
        value : TensorVariable
            u.
        *inputs : TensorVariable
            Arguments of the half-normal; the last is its sigma.

        Returns
        -------
        TensorVariable
            Log derivative.
        """
        return pt.log(inputs[-1]) - pt.softplus(-STEEPNESS * value)
