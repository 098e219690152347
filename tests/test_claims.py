"""What the documents claim of the code is so."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer.main

import bayes_alliance as ba
from bayes_alliance.cli import app
from bayes_alliance.forecast.scenario import bundled_scenarios, grouping

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "data/CODEBOOK.md", *(ROOT / "docs").glob("*.md")])
NUMBERS = dict(enumerate("zero one two three four five six seven eight nine ten".split()))


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple]:
    """Each command with the words that call it."""
    yield path, command
    for name, one in getattr(command, "commands", {}).items():
        yield from commands(one, (*path, name))


COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_commands_and_their_options_exist(page: Path) -> None:
    for line in re.findall(r"bayes-alliance ([a-z][^\n`]*)", page.read_text(encoding="utf-8")):
        words = line.partition("#")[0].split()
        path = tuple(words[:2]) if tuple(words[:2]) in COMMANDS else tuple(words[:1])
        assert path in COMMANDS, f"{page.name}: no command {' '.join(path)}"
        known = {option for param in COMMANDS[path].params for option in param.opts}
        asked = {re.split(r"[=,;.:)]", w)[0] for w in words if w.startswith("--")}
        assert asked <= known, f"{page.name}: {line}: no {sorted(asked - known)}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_public_names_exist(page: Path) -> None:
    for name in re.findall(r"\bba\.([a-z_]+)", page.read_text(encoding="utf-8")):
        assert hasattr(ba, name), f"{page.name}: no ba.{name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_make_targets_exist(page: Path) -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    for name in re.findall(r"`make ([a-z]+)", page.read_text(encoding="utf-8")):
        assert name in targets, f"{page.name}: no make {name}"


def test_counts_in_the_readme_are_those_of_the_code() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    groupings = {grouping(name) for name in bundled_scenarios()}
    assert f"{NUMBERS[len(ba.theories())].capitalize()} theories fit" in text
    assert f"those of {NUMBERS[len(groupings)]} groupings" in text


def test_help_and_docstrings_name_all_theories_or_none() -> None:
    """A list of some theories reads as if there were no others."""
    names, wrong = set(ba.theories()), []
    texts = {" ".join(path): c.help or "" for path, c in COMMANDS.items()}
    for path, command in COMMANDS.items():
        for param in command.params:
            texts[f"{' '.join(path)} {param.name}"] = getattr(param, "help", None) or ""
    for file in (ROOT / "bayes_alliance").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module):
                texts[f"{file.name} {getattr(node, 'name', '')}"] = ast.get_docstring(node) or ""
    for where, text in texts.items():
        for line in re.findall(r"``?\w+``?(?:, ``?\w+``?)+ (?:or|and) ``?\w+``?", text):
            listed = set(re.findall(r"\w+", line)) & names
            if 2 < len(listed) < len(names):
                wrong.append(f"{where}: {line}")
        if (m := re.search(r"occupation, prospect (?:or|and) null\.", text)) and "default" not in m[
            0
        ]:
            wrong.append(f"{where}: {m[0]}")
    assert not wrong


def test_limits_speak_of_the_models_that_are_there() -> None:
    text = (ROOT / "docs/limits.md").read_text(encoding="utf-8")
    assert hasattr(ba, "formation") and "formation.md" in text
    assert "not modelled" not in text
