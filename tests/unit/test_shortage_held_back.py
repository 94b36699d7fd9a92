"""Shortages in quiet hours and maintenance windows: told, and nobody is called; what is under maintenance teaches nothing."""

import msgspec
import pytest
from msgspec.structs import replace
from shortage_world import BILLING, MINUTE_MS, MONDAY_MS, NOW, RULES, Store, at, fewer, friday, go_on, learned, states

from streams.core.held_back import HeldBackRules, MaintenanceWindow
from streams.core.local_spans import LocalTimes, parse_weekly


@pytest.fixture(scope="module")
def usual() -> Store:
    """Four days and a Friday's morning."""
    return learned(NOW)


def weekly(text: str) -> LocalTimes:
    return LocalTimes(weekly=parse_weekly(text) or ())


def test_in_quiet_hours_it_is_told_and_calls_when_they_end_between_two_forecasts(usual: Store) -> None:
    held_back = HeldBackRules(quiet=weekly("fr 12:00-13:07"))
    alerts = friday(usual, fewer(10, "11:30"), "13:16", replace(RULES, held_back=held_back))
    told = [((alert.updated_ms - MONDAY_MS) // MINUTE_MS, alert.is_kept_back) for alert in alerts]
    assert told == [(at(4, "12:45"), True), (at(4, "13:00"), True), (at(4, "13:07"), False), (at(4, "13:15"), False)]
    assert {alert.held_back.why for alert in alerts if alert.held_back} == {"quiet hours"}


def test_what_fires_as_quiet_hours_begin_has_called_nobody_and_calls_when_they_end(usual: Store) -> None:
    held_back = HeldBackRules(quiet=weekly("fr 12:45-13:07"))
    alerts = friday(usual, fewer(10, "11:30"), "13:16", replace(RULES, held_back=held_back))
    told = [((alert.updated_ms - MONDAY_MS) // MINUTE_MS, alert.is_kept_back) for alert in alerts]
    assert told == [(at(4, "12:45"), True), (at(4, "13:00"), True), (at(4, "13:07"), False), (at(4, "13:15"), False)]


def test_what_called_before_quiet_hours_is_held_back_in_them_from_their_first_minute(usual: Store) -> None:
    held_back = HeldBackRules(quiet=weekly("fr 12:50-18:00"))
    alerts = friday(usual, fewer(10, "11:30"), "15:16", replace(RULES, held_back=held_back))
    held = [(alert.updated_ms - MONDAY_MS) // MINUTE_MS for alert in alerts if alert.held_back]
    assert held[:2] == [at(4, "12:50"), at(4, "13:00")]
    assert not any(alert.is_kept_back for alert in alerts)


def test_a_severe_shortage_calls_in_quiet_hours(usual: Store) -> None:
    held_back = HeldBackRules(quiet=weekly("fr 12:00-18:00"), quiet_below="warning")
    alerts = friday(usual, fewer(10, "11:30"), "13:16", replace(RULES, held_back=held_back))
    assert {alert.held_back for alert in alerts} == {None}


@pytest.mark.parametrize("covered", [(BILLING,), ()])
def test_under_maintenance_nothing_is_foreseen_of_a_queue_and_nothing_for_the_hours_of_a_window(
    usual: Store, covered: tuple[str, ...]
) -> None:
    """First the window is on while staff is missing, then at the peak."""
    for times in ("fr 11:30-15:00", "fr 14:00-15:00"):
        window = MaintenanceWindow(name="move", times=weekly(times), series=covered)
        rules = replace(RULES, held_back=HeldBackRules(maintenance=(window,)))
        assert friday(usual, fewer(10, "11:30"), "15:16", rules) == []


def test_a_shortage_told_before_maintenance_is_held_back_in_it_and_calls_again_after_it(usual: Store) -> None:
    window = MaintenanceWindow(name="move", times=weekly("fr 12:50-13:50"), series=(BILLING,))
    alerts = friday(usual, fewer(10, "11:30"), "15:16", replace(RULES, held_back=HeldBackRules(maintenance=(window,))))
    assert states(alerts) == [("firing", at(4, "12:45")), ("resolved", at(4, "15:15"))]
    told = [((one.updated_ms - MONDAY_MS) // MINUTE_MS, one.held_back.why if one.held_back else None) for one in alerts]
    assert told[:4] == [
        (at(4, "12:45"), None),
        (at(4, "12:50"), "maintenance move"),
        (at(4, "13:50"), None),
        (at(4, "14:15"), None),  # the first slot of which all is known again has ended
    ]
    assert not any(alert.is_kept_back for alert in alerts)


def test_staff_under_maintenance_is_not_learned(usual: Store) -> None:
    """People on Fridays at 11:30."""
    window = MaintenanceWindow(name="move", times=weekly("fr 11:30-12:00"), series=(BILLING,))
    found = []
    for held_back in (HeldBackRules(maintenance=(window,)), HeldBackRules()):
        store = usual.copy()
        go_on(store, fewer(10, "11:30", "12:00"), NOW, at(4, "12:16"), replace(RULES, held_back=held_back))
        found.append(msgspec.msgpack.decode(store[b"_roster.4" + BILLING.encode()])[46])
    assert found == [-1.0, 30.0]  # -1: not known, so that Thursday's count
