"""The service holds to its own description: whatever is sent, no mistake of ours, and every answer as it says."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from sscard_terminal.terminal.programs import Scope
from tests.counter.house import House, Shopware

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 4
"""Of each operation."""
STREAM = "/api/v1/events"
"""A stream without an end; test_api.py reads it."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Shopware]]:
    with House(tmp_path_factory.mktemp("schema")) as house, house.program(*Scope) as program:
        yield house, program


def test_whatever_is_sent_the_service_answers_as_it_describes(service: tuple[House, Shopware]) -> None:
    house, program = service
    schema = schemathesis.openapi.from_dict(program.get("openapi.json").json())
    seen = set()

    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path == STREAM:
            continue
        seen.add(operation.label)

        @seed(20260105)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(), wait_s=st.just(0))
        def conforms(case: Any, wait_s: int) -> None:
            if "wait_s" in (case.query or {}):
                case.query["wait_s"] = wait_s
            answer = case.call(base_url=house.url, headers={"Authorization": f"Bearer {program.token}"})
            case.validate_response(answer, checks=CHECKS)

        conforms()

    assert "POST /api/v1/sales" in seen and "POST /driver" in seen


@pytest.mark.parametrize(("language", "says"), [("zh-CN,zh;q=0.9,en;q=0.8", "未扣款"), ("en", "not charged")])
def test_every_refusal_has_a_sentence_in_the_language_asked_for(
    service: tuple[House, Shopware], language: str, says: str
) -> None:
    house, program = service
    headers = {"Authorization": f"Bearer {program.token}", "Accept-Language": language}

    with httpx.Client(base_url=house.url, headers=headers) as client:
        answers = {
            400: client.post(
                "/api/v1/sales", content=b'{"request": "\xff"}', headers={"Content-Type": "application/json"}
            ),
            404: client.get("/api/v1/nothing"),
            405: client.delete("/api/v1/card"),
            421: client.get("/api/v1/card", headers={"Host": "evil.example"}),
            413: client.post("/api/v1/sales", content=b"x" * 70_000),
            422: client.post("/api/v1/sales", json={}),
        }

    for status, answer in answers.items():
        assert (answer.status_code, answer.json()["money"]) == (status, "not-charged")
        assert says in answer.json()["sentence"]
