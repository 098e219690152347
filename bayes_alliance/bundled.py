"""Where the tables, priors and scenarios that travel with the package lie."""

from __future__ import annotations

from pathlib import Path


def bundled(*parts: str) -> Path:
    """Path of a bundled file or folder.

    An installed wheel carries ``data/`` and ``models/`` under ``bayes_alliance/_bundled``;
    a checkout (editable install) has them beside the package.

    Parameters
    ----------
    *parts : str
        Path below the bundle, for example ``"data", "episodes.csv"``.

    Returns
    -------
    pathlib.Path
        The path, whether or not it exists.
    """
    package = Path(__file__).parent
    inside = package / "_bundled"
    return (inside if inside.is_dir() else package.parent).joinpath(*parts)
