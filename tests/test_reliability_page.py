"""docs/reliability.md says what the stored runs of the fuzz and kill suites found."""

from __future__ import annotations

import importlib.util
from pathlib import Path

HOME = Path(__file__).parents[1]


def test_the_page_is_what_the_stored_runs_found() -> None:
    place = HOME / "scripts" / "update_reliability.py"
    spec = importlib.util.spec_from_file_location("update_reliability", place)
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert (HOME / "docs" / "reliability.md").read_text(encoding="utf-8") == script.page()
