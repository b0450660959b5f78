"""The server against its own description: requests that schemathesis makes of /openapi.json, the same each time.

    venv/bin/python crates/server/conformance/described.py --url http://127.0.0.1:8000 --key sk-…

For each endpoint it tries values at every border of the description, values of any kind, and what follows from answers (an
id that was given is asked for, and asked for again when it is gone). No answer may be 5xx, and each must be described: its
status, its type, its content. What a client may say is more than the description tells (a size must be one that the model
makes, an id one that there is), so that refusals of described requests count for nothing.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "missing_required_header",
    "unsupported_method",
    "ignored_auth",
    "use_after_free",
]
EXAMPLES = 12  # Of each endpoint, beside the borders.


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--url", required=True, help="where the server is")
    options.add_argument("--key", required=True, help="a key of its")
    args = options.parse_args()
    command = [
        Path(sys.executable).with_name("schemathesis"), "run", f"{args.url}/openapi.json",
        "--header", f"Authorization: Bearer {args.key}",
        "--checks", ",".join(CHECKS),
        "--phases", "examples,coverage,fuzzing,stateful",
        "--max-examples", str(EXAMPLES),
        "--generation-deterministic", "--no-shrink", "--continue-on-failure",
        "--request-timeout", "60", "--warnings", "off", "--no-color",
    ]  # fmt: skip
    said = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        for line in run.stdout:
            print(line, end="", flush=True)
            said += line
    made = re.search(r"(\d+) generated(?:, (\d+) found)?", said)
    cases, failed = (int(made[1]), int(made[2] or 0)) if made else (0, 0)
    print(f"{cases - failed} passed, {failed} failed")
    # None at all would be no success.
    return run.returncode or int(cases < 500)


if __name__ == "__main__":
    sys.exit(main())
