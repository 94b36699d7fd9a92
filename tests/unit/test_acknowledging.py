"""Who may acknowledge by the API, and what they may send; tests/integration/test_acknowledging_api.py sends it to a broker."""

from collections.abc import Mapping

import pytest
from fastapi import HTTPException

from streams.board.acknowledging import check_sender, check_type, notice_in
from streams.core.acknowledgement import Acknowledgement, Notice, acknowledged
from streams.settings import Board, load


def board(**environ: str) -> Board:
    return load([], {f"STREAMS_BOARD_{key.upper()}": value for key, value in environ.items()}).board


def status(board: Board, headers: Mapping[str, str]) -> int | None:
    """What the sender is refused with; None if they may."""
    try:
        check_sender(board, headers)
    except HTTPException as refused:
        return refused.status_code
    return None


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "127.0.0.1"])
def test_without_a_secret_this_machine_may(host: str) -> None:
    assert status(board(), {"host": host}) is None


@pytest.mark.parametrize("host", ["evil.example:8080", "192.168.1.5:8080", "127.0.0.1.evil.example", "", "localhost.evil"])
def test_without_a_secret_a_name_that_only_leads_to_this_machine_may_not(host: str) -> None:
    assert status(board(), {"host": host}) == 403


def test_a_board_that_others_reach_wants_a_secret_from_everybody() -> None:
    assert status(board(host="0.0.0.0"), {"host": "127.0.0.1:8080"}) == 403
    known = board(host="0.0.0.0", ack_secret="s3cret")
    assert status(known, {"host": "board.example", "authorization": "Bearer s3cret"}) is None
    assert status(known, {"host": "board.example", "authorization": "bearer  s3cret"}) is None
    assert status(known, {"host": "127.0.0.1:8080"}) == 401
    assert status(known, {"host": "board.example", "authorization": "Bearer s3cre"}) == 401
    assert status(known, {"host": "board.example", "authorization": "Basic s3cret"}) == 401


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_what_a_form_of_another_site_can_send_is_not_taken(kind: str) -> None:
    with pytest.raises(HTTPException) as refused:
        check_type({"content-type": kind})
    assert refused.value.status_code == 415


def test_json_is_taken_with_its_character_set_named() -> None:
    check_type({"content-type": "application/json; charset=utf-8"})


def test_a_notice_says_who_what_and_for_how_long() -> None:
    notice = notice_in(b'{"by": "anna", "comment": "on it", "for_minutes": 120}')
    assert acknowledged(notice, 1_000) == Acknowledgement(by="anna", comment="on it", at_ms=1_000, until_ms=7_201_000)
    assert acknowledged(notice_in(b'{"by": "anna"}'), 5) == Acknowledgement(by="anna", comment="", at_ms=5, until_ms=None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"by": ""}',
        b'{"by": 1}',
        b'{"by": "anna", "who": "anna"}',
        b'{"by": "anna", "for_minutes": 0}',
        b'{"by": "anna", "for_minutes": 43201}',
        b'{"by": "' + b"a" * 201 + b'"}',
        b'{"by": "anna", "comment": "' + b"a" * 501 + b'"}',
        b'{"by": "\xff"}',
    ],
)
def test_what_detect_could_not_keep_is_refused(body: bytes) -> None:
    with pytest.raises(HTTPException) as refused:
        notice_in(body)
    assert refused.value.status_code == 422


def test_the_longest_notice_is_one() -> None:
    longest = b'{"by": "' + b"a" * 200 + b'", "comment": "' + b"b" * 500 + b'", "for_minutes": 43200}'
    assert notice_in(longest) == Notice(by="a" * 200, comment="b" * 500, for_minutes=43_200)
