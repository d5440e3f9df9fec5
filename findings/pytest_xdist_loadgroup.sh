#!/usr/bin/env bash
# pytest-xdist 3.8.0 with pytest 9.2.0: `--dist loadgroup` ignores the marks `xdist_group`, without a word.
#
# xdist notes the group of a test by a suffix of the private attribute `_nodeid`. In pytest 9.2, the node id is computed from another
# attribute, so the suffix never reaches the scheduler, and tests of one group run in different processes. Most would guess that the
# mark works, or that the two releases refuse each other. `--dist loadfile` still works, because it splits the id itself.
#
# Output seen (pytest-xdist 3.8.0, Python 3.11; 40 tests of one group, two processes):
#   pytest 8.4.2: 1 process; pytest 9.2.0: 2 processes; pytest 9.2.0 with --dist loadfile: 1 process
#
# Exits with 1 if this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >test_group.py <<'PYTHON'
import os
import time

import pytest


@pytest.mark.xdist_group("one")
@pytest.mark.parametrize("number", range(40))
def test_process(number):
    time.sleep(0.02)
    with open(os.environ["NAMES"], "a") as file:
        print(os.environ["PYTEST_XDIST_WORKER"], file=file)
PYTHON

count() { # pytest's release, and how the tests are distributed: prints the number of processes that ran tests
    [ -d "venv$1" ] || { python3 -m venv "venv$1"; "venv$1/bin/pip" install --quiet --disable-pip-version-check "pytest==$1" pytest-xdist==3.8.0; }
    rm -f names
    NAMES="$folder/names" "venv$1/bin/python" -m pytest -q -n 2 --dist "$2" test_group.py >/dev/null
    sort -u names | wc -l
}

old=$(count 8.4.2 loadgroup)
new=$(count 9.2.0 loadgroup)
file=$(count 9.2.0 loadfile)
echo "pytest 8.4.2: $old process; pytest 9.2.0: $new processes; pytest 9.2.0 with --dist loadfile: $file process"
[ "$old" = 1 ] && [ "$new" = 2 ] && [ "$file" = 1 ]
