"""The list itself: every clause is named by a test or excluded with a reason, and no test names what is not there."""

from pathlib import Path

import pytest

from tests.conformance.clauses import clauses_present
from tests.conformance.excluded import EXCLUDED
from tests.conformance.report import COLLECTED

HERE = Path(__file__).parent


@pytest.fixture
def named(request: pytest.FixtureRequest) -> set[str]:
    """The clauses the collected tests name; a run of a part of this folder knows too little."""
    collected = {item.path for item in request.session.items}
    if not collected.issuperset(HERE.glob("test_*.py")) or request.config.option.keyword:
        pytest.skip("only a part of tests/conformance was collected")
    return set(request.config.stash[COLLECTED])


def test_every_clause_a_test_names_stands_in_the_document(named: set[str]) -> None:
    assert sorted(named - set(clauses_present())) == []


def test_every_clause_of_the_document_is_named_by_a_test_or_excluded(named: set[str]) -> None:
    assert [name for name in clauses_present() if name not in named and name not in EXCLUDED] == []


def test_what_is_excluded_stands_in_the_document_has_a_reason_and_no_test(named: set[str]) -> None:
    assert sorted(set(EXCLUDED) - set(clauses_present())) == []
    assert sorted(set(EXCLUDED) & named) == []
    assert all(len(reason) > 20 for reason in EXCLUDED.values())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("1.5 tag 03", "specification version"),
        ("2.2 SW UPDATE RECORD 6A84", "6A84"),
        ("2.3 SW INITIALIZE FOR PURCHASE 9402", "as load plus 9401"),
        ("2.3 state purchase x DEBIT FOR PURCHASE", "→ idle"),
        ("5.2 CIPHER DATA 6901", "80 FA"),
        ("10 B31, B32 6A85", "another length"),
        ("10 T=0", "T=0 contact cards by default"),
    ],
)
def test_names_lead_to_the_row_they_were_made_of(name: str, said: str) -> None:
    assert said in clauses_present()[name].text
