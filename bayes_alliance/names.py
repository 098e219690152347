"""Names of the theories, for whoever needs no more of them: reading this file costs nothing."""

NULL = "null"
"""The model that knows no theory: scores are set against its, if it is among the fits."""
NAMES = (
    "occupation",
    "prospect",
    NULL,
    "geography",
    "power",
    "identity",
    "threat",
    "both",
)
MAIN = ("occupation", "prospect", NULL)
"""The two theories and the null, which a report compares; the others are rivals beside them."""
