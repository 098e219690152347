"""The explorer's page: one HTML text that computes forecasts from what it carries."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from bayes_alliance.text import inside_script

__all__ = ["page"]

HERE = Path(__file__).parent


def page(content: Mapping[str, Any]) -> str:
    """Write the explorer as one self-contained HTML text.

    Parameters
    ----------
    content : mapping
        What `bayes_alliance.forecast.explore.content` gave.

    Returns
    -------
    str
        HTML that loads nothing from anywhere.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("template.html.j2").render(
        data=content["data"],
        limits=content["limits"],
        content=Markup(inside_script(content)),
        **{name: Markup(_text(file)) for name, file in FILES.items()},
    )


FILES = {"style": "explorer.css", "model": "model.js", "controls": "page.js"}


def _text(file: str) -> str:
    return (HERE / file).read_text(encoding="utf-8")
