"""Check that responses match the OpenAPI document, for valid and invalid requests.

Schemathesis generates the requests and checks each response. By default it generates few, and the
same in every run. To generate many:

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
# A well-formed preset name need not exist: the response is 400, as for a misspelled one.
expected-statuses = ["2xx", "304", "400", "404"]
"""


def test_every_response_matches_the_document(storage: Path, tmp_path: Path) -> None:
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
        until(service.idle)
