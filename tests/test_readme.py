"""The README's script, run as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = Path(__file__).parent.parent / "README.md"


def test_script_fits_compares_and_forecasts_in_fewer_than_fifteen_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)[0]
    assert len(script.splitlines()) < 15
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(script, str(README), "exec"), names)
    said = capsys.readouterr().out
    for theory in ("occupation", "prospect", "null"):
        assert f"{theory} ok" in said, "a fit of the README's script fails its diagnostics"
    for word in ("H7", "elpd_diff", "stacked", "multilateral_strong"):
        assert word in said
    assert "observed" in said
