"""Figures as the page prints them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bayes_alliance.report.figures import Figure

ORDER = (
    *("data", "theory", "fit", "compare", "stage", "unseen"),
    *("check", "robust", "forecast", "other"),
)


def pictures(
    figures: Mapping[str, Figure], svgs: Mapping[str, str]
) -> dict[str, list[dict[str, Any]]]:
    """Figures by section, numbered in the order of the page, with the SVG as a data URI."""
    out: dict[str, list[dict[str, Any]]] = {section: [] for section in ORDER}
    for slug, figure in figures.items():
        if slug in svgs:
            code = base64.b64encode(svgs[slug].encode()).decode()
            out[figure.section if figure.section in ORDER else "other"].append(
                {
                    "slug": slug,
                    "title": figure.title,
                    "caption": figure.caption,
                    "alt": figure.alt,
                    "uri": f"data:image/svg+xml;base64,{code}",
                }
            )
    for n, picture in enumerate((p for section in out.values() for p in section), start=1):
        picture["number"] = n
    return out
