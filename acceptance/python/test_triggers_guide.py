"""The examples in docs/triggers.md work as they are printed."""

import contextlib
import io
import re
from pathlib import Path

GUIDE = Path(__file__).parents[2] / "docs/triggers.md"
DEFAULT_ENDPOINT = "http://127.0.0.1:7665"
STEP = re.compile(r"^```python\n(.*?)^```\n\n.*?^```text\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_the_examples_print_what_the_guide_shows(endpoint):
    steps = STEP.findall(GUIDE.read_text(encoding="utf-8"))
    assert len(steps) == 3
    names = {}
    try:
        for code, expected in steps:
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(code.replace(DEFAULT_ENDPOINT, endpoint), str(GUIDE), "exec"), names)
            assert printed.getvalue() == expected
    finally:
        if "server" in names:
            names["server"].shutdown()
            names["server"].server_close()
        if "pool" in names:
            names["idp"].delete_user_pool(UserPoolId=names["pool"]["Id"])
