#!/bin/sh
# Branch coverage of what must not lose money: the card's memory, image, transactions, PIN counter, medical account; the
# terminal's sale, recovery and journal.
# Exit code 0 only when every branch is taken. One process, so that nothing has to be put together afterwards.
set -eu

cd "${0%/*}/.."
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
export COVERAGE_FILE="$data/coverage"
# The tests lie in files named like the modules; torture is left out: its faults take every branch by themselves.
modules=src/sscard_terminal/card/memory.py,src/sscard_terminal/card/image.py,src/sscard_terminal/card/nvm.py
modules=$modules,src/sscard_terminal/card/retry_counter.py,applets/medical_account/*
for name in debit attempt recovery evidence journal journal_store journal_rows journal_events journal_check journal_file; do
    modules=$modules,src/sscard_terminal/terminal/$name.py
done
.venv/bin/coverage run --branch --include="$modules" \
    -m pytest -q -n 0 -p no:cacheprovider tests/card/test_memory.py tests/card/test_image.py tests/card/test_nvm.py \
    tests/card/test_retry_counter.py tests/applets/test_medical_account.py tests/terminal/test_debit.py \
    tests/terminal/test_debit_faults.py tests/terminal/test_recovery.py tests/terminal/test_settling_refused_cards.py \
    tests/terminal/test_hostile_card.py tests/terminal/test_sale_rules.py tests/terminal/test_requests.py \
    tests/terminal/test_day.py tests/terminal/test_journal.py tests/terminal/test_journal_file.py \
    tests/terminal/test_journal_damage.py tests/terminal/test_journal_care.py tests/terminal/test_journal_upgrade.py
.venv/bin/coverage report --show-missing --fail-under=100
