"""Shares: what part of its cut's contacts a value has had long; a new one has had none of them."""

import numpy as np
import pytest

from streams.core.shares import Shares

CHAT, PHONE, MAIL = "channel\x1fchat", "channel\x1fvoice", "channel\x1femail"
DAY = 1440


def followed(minutes: int, some: dict[str, int]) -> Shares:
    """The same contacts minute by minute from midnight on."""
    shares = Shares(["channel", "issue"])
    for number in range(minutes):
        take(shares, number, some)
    return shares


def take(shares: Shares, number: int, some: dict[str, int]) -> None:
    """One minute."""
    minute = shares.minute(some)
    shares.levels.step(minute, (number // 60 % 24, number % 60 == 59), np.zeros(len(shares.names), dtype=np.bool_))


def test_a_share_is_of_the_contacts_of_its_cut() -> None:
    shares = followed(5 * 60, {CHAT: 2, PHONE: 6, "issue\x1frefund": 8, "queue\x1fbilling": 8})

    assert shares.names == [CHAT, PHONE, "issue\x1frefund"]
    assert shares.levels.all_day()[0] == pytest.approx([0.25, 0.75, 1.0], abs=0.01)
    assert shares.of_cut(CHAT).tolist() == [True, True, False]


def test_an_hour_is_learned_four_hours_late_so_that_what_just_came_is_not_usual() -> None:
    shares = followed(5 * 60, {CHAT: 2, PHONE: 6})
    for number in range(5 * 60, 9 * 60):
        take(shares, number, {CHAT: 6, PHONE: 2})

    assert shares.levels.all_day()[0] == pytest.approx([0.25, 0.75], abs=0.01)


def test_a_value_that_is_new_is_known_to_have_had_none_of_the_contacts() -> None:
    shares = followed(DAY + 60, {CHAT: 2, PHONE: 6})
    take(shares, DAY + 60, {CHAT: 2, PHONE: 5, MAIL: 1})

    assert shares.levels.warm.all()
    assert shares.levels.all_day()[0][shares.columns[MAIL]] == pytest.approx(1e-4)  # the least that is believed
    assert (shares.levels.tests.score[:, shares.columns[MAIL]] > 0).any()


def test_a_value_that_is_new_on_a_system_that_is_new_is_not_judged() -> None:
    shares = followed(60, {CHAT: 2, PHONE: 6})
    take(shares, 60, {CHAT: 2, PHONE: 5, MAIL: 1})

    assert not shares.levels.warm.any()
    assert not shares.levels.tests.score.any()


def test_packed_shares_go_on_as_if_nothing_had_happened() -> None:
    shares, again = followed(DAY + 60, {CHAT: 2, PHONE: 6}), Shares(["issue", "channel"])
    again.unpack(shares.pack())
    for one in (shares, again):
        take(one, DAY + 60, {CHAT: 4, PHONE: 3, MAIL: 1})

    assert again.pack() == shares.pack()


def test_a_cut_that_is_no_longer_wanted_has_no_contacts_any_more() -> None:
    again = Shares(["issue"])
    again.unpack(followed(DAY, {CHAT: 2, PHONE: 6}).pack())
    minute = again.minute({CHAT: 2, PHONE: 6, "issue\x1frefund": 3})

    assert (minute.n.tolist(), minute.total.tolist()) == ([0, 0, 3], [0, 0, 3])
