"""The documents say what is there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_map_names_what_exists_and_all_of_it() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `([^`]+)`", text, flags=re.MULTILINE))
    missing = [path for path in named if not (ROOT / path).exists()]
    assert not missing, f"docs/architecture.md names what is not there: {missing}"
    package = ROOT / "bayes_alliance"
    there = {
        f"bayes_alliance/{p.name}{'/' if p.is_dir() else ''}"
        for p in package.iterdir()
        if not p.name.startswith("_") and (p.is_dir() or p.suffix == ".py")
    }
    assert there <= named, f"docs/architecture.md lacks {sorted(there - named)}"


def test_nothing_on_the_left_imports_anything_on_its_right() -> None:
    order = ["data", "process", "theories", "fit", "compare", "check", "forecast", "report", "cli"]
    rank = {name: i for i, name in enumerate(order)}
    wrong = []
    for path in sorted((ROOT / "bayes_alliance").rglob("*.py")):
        here = path.relative_to(ROOT / "bayes_alliance").parts[0].removesuffix(".py")
        if here not in rank:
            continue
        for name in re.findall(r"from bayes_alliance\.(\w+)", path.read_text(encoding="utf-8")):
            if name in rank and rank[name] > rank[here]:
                wrong.append(f"{path.name} imports {name}")
    assert not wrong


def test_links_of_the_documents_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_readme_shows_the_numbers_of_the_reference_report() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "update_readme.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
