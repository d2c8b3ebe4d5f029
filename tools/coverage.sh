#!/bin/sh
# Branch coverage of what must not lose money: memory, image, transactions, PIN counter, medical account.
# Exit code 0 only when every branch is taken. One process, so that nothing has to be put together afterwards.
set -eu

cd "${0%/*}/.."
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
export COVERAGE_FILE="$data/coverage"
# The tests lie in files named like the modules; torture is left out: its faults take every branch by themselves.
.venv/bin/coverage run --branch \
    --include='src/sscard_terminal/card/memory.py,src/sscard_terminal/card/image.py,src/sscard_terminal/card/nvm.py,src/sscard_terminal/card/retry_counter.py,applets/medical_account/*' \
    -m pytest -q -n 0 -p no:cacheprovider tests/card/test_memory.py tests/card/test_image.py tests/card/test_nvm.py \
    tests/card/test_retry_counter.py tests/applets/test_medical_account.py
.venv/bin/coverage report --show-missing --fail-under=100
