"""Files of scenarios as attackers and accidents make them: one refusal, at once."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bayes_alliance.bundled import bundled
from bayes_alliance.errors import InputError
from bayes_alliance.forecast.place import LONGEST_LINE, LONGEST_SLUG
from bayes_alliance.forecast.scenario import Scenario, read

TEXT = bundled("data", "scenarios", "quad-status-quo.toml").read_text(encoding="utf-8")


def asked(path: Path | str) -> Scenario | str:
    """The scenario, or the message why not; within two seconds."""
    began = time.process_time()
    try:
        return read(path)
    except InputError as error:
        assert "\n" not in str(error) and len(str(error)) <= 500 and str(error).isprintable()
        return str(error)
    finally:
        assert time.process_time() - began < 2


@pytest.mark.parametrize(
    "more",
    [
        ".".join("a" * 1 for _ in range(5000)) + " = 1",
        "[" + ".".join(["a"] * 5000) + "]",
        "[" + " . ".join(['"a"'] * 5000) + "]\nb = 1",
        "x = " + "[" * 5000 + "]" * 5000,
        "x = " + "{a=" * 5000 + "1" + "}" * 5000,
        "\n".join(f"[a{i}]\nb.c.d = 1" for i in range(5000)),
        "x = " + "9" * 5000,
        "notes2 = '''" + "." * 5000 + "'''",
        "\0 = 1",
        "x = '\ud7ff\x1b[31m'",
    ],
    ids=lambda more: more[:12],
)
def test_a_file_that_takes_a_parser_long_is_refused_at_once(tmp_path, more):
    """A key of 5,000 parts took 23 seconds."""
    file = tmp_path / "deep.toml"
    file.write_text(f"{more}\n{TEXT}", encoding="utf-8")
    assert isinstance(asked(file), str)


def test_what_is_no_file_is_refused(tmp_path):
    pipe, folder = tmp_path / "pipe.toml", tmp_path / "folder.toml"
    os.mkfifo(pipe)
    folder.mkdir()
    large = tmp_path / "large.toml"
    large.write_text("#" * 1_000_001)
    bytes_ = tmp_path / "bytes.toml"
    bytes_.write_bytes(b"\xff\xfe\x00")
    for path in (
        pipe,
        folder,
        large,
        bytes_,
        tmp_path / "none.toml",
        tmp_path / ("n" * 300),
        "a\0b",
    ):
        assert isinstance(asked(path), str), path


LINES = {"year": "2027", "horizon": "2035", "initiative": '"clients"', "share": "0.5"}
VALUES = st.one_of(
    st.sampled_from(["nan", "inf", "-inf", "1e999", "-0.0", "true", "[]", "{}", '""', "2027-01-01",
                     "9" * 400, "-1", '"\\u0000"', '"\\u001b[31m"', '"\\u202e"', "[[1]]"]),
    st.integers().map(str),
    st.floats().map(repr),
)  # fmt: skip
KEYS = st.sampled_from(["year", "horizon", "share", "initiative", "today", "capability_ratio",
                        "distance_km", "occupied", "disputes",
                        "title", "name", "none"])  # fmt: skip


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(KEYS, VALUES)
def test_any_value_of_any_key_is_refused_or_within_bounds(tmp_path, key, value):
    file = tmp_path / "changed.toml"
    changed, count = re.subn(rf"(?m)^{key} = .*$", lambda _: f"{key} = {value}", TEXT, count=1)
    assert count == 1
    file.write_text(changed, encoding="utf-8")
    found = asked(file)
    if isinstance(found, Scenario):
        assert 2026 <= found.year <= found.horizon <= 2200
        assert abs(sum(found.commitment.values()) - 1) < 1e-9
        for row in found.clients.values():
            ratio = row["capability_ratio"]
            assert ratio is None or 0 <= ratio < float("inf")


SIGNS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(SIGNS)
def test_a_title_is_one_line_of_signs_or_refused(tmp_path, title):
    import json

    file = tmp_path / "titled.toml"
    quoted = json.dumps(title, ensure_ascii=True)
    quoted = re.sub(
        r"\\u(d[89ab]..)\\u(d[c-f]..)",
        lambda m: f"\\U{(int(m[1], 16) - 0xD800) * 0x400 + int(m[2], 16) - 0xDC00 + 0x10000:08x}",
        quoted,
    )
    changed = re.sub(r"(?m)^title = .*$", lambda _: f"title = {quoted}", TEXT)
    file.write_text(changed, encoding="utf-8")
    found = asked(file)
    if isinstance(found, Scenario):
        assert found.title == title.strip()
        assert not re.search(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028-\u202e]", found.title)


@pytest.mark.parametrize(
    ("key", "value"),
    [("title", "t" * (LONGEST_LINE + 1)), ("name", "n" * (LONGEST_SLUG + 1)),
     ("notes", "n" * 20_001)],
)  # fmt: skip
def test_very_long_texts_are_refused(tmp_path, key, value):
    file = tmp_path / "long.toml"
    text = re.sub(r'(?ms)^notes = """.*?"""$', 'notes = "x"', TEXT)
    file.write_text(re.sub(rf"(?m)^{key} = .*$", f'{key} = "{value}"', text), encoding="utf-8")
    assert f"not {len(value)}" in str(asked(file))
