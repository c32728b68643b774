"""The service keeps what its OpenAPI document says, whatever is asked of it.

Schemathesis makes the requests, good ones and bad ones, and checks each answer against the
document. Here it makes few, the same each time. For many:

    WORKBENCH_EXAMPLES=1000 .venv/bin/python -m pytest tests/service/test_contract.py
"""

import os
import subprocess
import sys
from pathlib import Path

from tests.service.served import environment, serving, until

FEW = 20

EXPECTED = """
[checks.positive_data_acceptance]
# A preset's name can be well-formed without there being one, which is 400 as a misspelt one is.
expected-statuses = ["2xx", "304", "400", "404"]
"""


def test_every_answer_is_one_that_the_document_describes(storage: Path, tmp_path: Path) -> None:
    config = tmp_path / "schemathesis.toml"
    config.write_text(EXPECTED)
    examples = os.environ.get("WORKBENCH_EXAMPLES")
    how = ["--generation-database=none"] if examples else ["--generation-deterministic"]
    with serving(storage, tmp_path / "temp", WORKBENCH_TOKEN="sesame") as service:
        argv = [
            *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"),
            *("--config-file", str(config), "run", f"{service.url}/openapi.json", "--no-color"),
            *("--header", "Authorization: Bearer sesame", "--checks=all", "--seed=1"),
            *("--max-examples", examples or str(FEW), *how),
            *("--phases=examples,coverage,fuzzing", "--request-timeout=60"),
        ]
        done = subprocess.run(
            argv, capture_output=True, text=True, env=environment(), cwd=tmp_path, check=False
        )
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
        assert "Tested: 4" in done.stdout
        assert service.log.count("\n") > 60
        assert "Traceback" not in service.log
        assert " 500 " not in service.log
        until(service.at_rest)
