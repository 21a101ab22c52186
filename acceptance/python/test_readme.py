"""The walkthrough in README.md works as it is printed."""

import contextlib
import io
import re
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
DEFAULT_ENDPOINT = "http://127.0.0.1:7665"
BLOCK = re.compile(r"^```(python|text)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def steps():
    """The Python blocks, each with the output that is printed after it."""
    found = []
    for language, content in BLOCK.findall(README.read_text(encoding="utf-8")):
        if language == "python":
            found.append([content, ""])
        else:
            assert found, "output is shown before any code"
            found[-1][1] = content
    return found


def run(code, names):
    """Executes a block as if its lines were pasted one by one; answers what it printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        for line in code.splitlines():
            exec(compile(line, str(README), "single"), names)
    return printed.getvalue()


@pytest.fixture
def any_moment(clock):
    """Asking for the clock makes this test run with those that move it, as the walkthrough does."""
    return clock


def test_the_walkthrough_prints_what_the_readme_shows(endpoint, any_moment):
    ahead_before = any_moment.now()
    names = {}
    walkthrough = steps()
    assert len(walkthrough) >= 5
    for code, expected in walkthrough:
        # The server's clock may be shared with other tests, which need it to go forward only.
        code = code.replace(DEFAULT_ENDPOINT, endpoint).replace('{"reset": True}', '{"advance": 0}')
        assert run(code, names) == expected
    assert any_moment.now() >= ahead_before + 30
