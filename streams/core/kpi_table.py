"""The one table of KPI definitions: API, documentation (KPIS.md beside this file) and command line take their words from here.

The surprise: two rows have variants, service level and abandonment, of which the settings choose one.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, NamedTuple

import msgspec

from streams.core import measure as m
from streams.core.facts import MICRO

Shape = Literal["count", "ratio", "net", "mean", "score", "percentile", "longest", "now"]
Unit = Literal["contacts", "ratio", "seconds", "points"]
ServiceLevel = Literal["A", "B", "B-short", "B+flow", "B-short+flow", "C", "D", "E"]
Abandonment = Literal["without_short", "with_short"]


class Terms(NamedTuple):
    """A sum of measures: codes that are added, codes that are taken off."""

    plus: tuple[int, ...] = ()
    minus: tuple[int, ...] = ()


class Kpi(msgspec.Struct, frozen=True, kw_only=True):
    """One definition. attribution: at which moment a contact counts; formula: the words for numerator and denominator.

    count: numerator. ratio: numerator / denominator, with a Wilson interval. net: the same of a difference, × 100. mean:
    numerator / denominator / scale. score: the mean of answers 1, 2, 3 … counted by the codes of the denominator. percentile and
    longest: of the waits or handle times in `sketches`, within 1 %. now: of who waits at this moment.
    """

    name: str
    title: str
    unit: Unit
    shape: Shape
    attribution: str
    formula: str
    numerator: Terms = Terms()
    denominator: Terms = Terms()
    scale: int = 1
    sketches: tuple[int, ...] = ()
    quantile: float = 0.0


AT_OFFER = "when the contact is offered"
AT_ANSWER = "when the contact is answered"
AT_ABANDON = "when the customer leaves"
AT_END_OF_WAIT = "when the contact is answered or abandoned"
AT_COMPLETION = "when the contact is completed"
AT_SURVEY = "when the survey is answered"
AT_SCORE = "at the time of the scored part"
AT_REPLY = "when the agent first replies"
MIXED = "queued when queued, answered and abandoned when the wait ends: a short window can be above 1"
MIXED_OFFER = "offered when offered, answered and abandoned when the wait ends: a short window can be above 1"
MIXED_REOPEN = "reopened when reopened, handled when completed: a short window can be above 1"
NOW = "at the moment of publishing, live windows only"

_CSAT = tuple(m.CSAT_1 + k for k in range(5))
_NPS = tuple(m.NPS_0 + k for k in range(11))
_IN_TARGET = m.ANSWERED_IN_TARGET
_WAITS = (m.WAIT_SKETCH, m.ABANDON_SKETCH)
_OF_WAITS, _OF_HANDLES = "of the waits of answered contacts, within 1 %", "of handle times, within 1 %"
_SHORT = (m.SHORT_ABANDONED,)


def _count(name: str, title: str, code: int, attribution: str, formula: str) -> Kpi:
    return Kpi(
        name=name, title=title, unit="contacts", shape="count", attribution=attribution, formula=formula, numerator=Terms((code,))
    )


def _percentile(name: str, title: str, sketch: int, quantile: float, attribution: str, formula: str) -> Kpi:
    return Kpi(
        name=name, title=title, unit="seconds", shape="percentile", attribution=attribution, formula=formula,
        sketches=(sketch,), quantile=quantile,
    )  # fmt: skip


def _ratio(name: str, title: str, attribution: str, formula: str, numerator: Terms, denominator: Terms) -> Kpi:
    return Kpi(
        name=name, title=title, unit="ratio", shape="ratio", attribution=attribution, formula=formula,
        numerator=numerator, denominator=denominator,
    )  # fmt: skip


def _of_handled(name: str, title: str, code: int, what: str) -> Kpi:
    return _ratio(name, title, AT_COMPLETION, f"handled contacts that were {what} / handled", Terms((code,)), Terms((m.HANDLED,)))


def _seconds(name: str, title: str, attribution: str, formula: str, sums: tuple[int, ...], counted: int) -> Kpi:
    return Kpi(
        name=name, title=title, unit="seconds", shape="mean", attribution=attribution, formula=formula,
        numerator=Terms(sums), denominator=Terms((counted,)), scale=1000,
    )  # fmt: skip


def _sentiment(name: str, title: str, formula: str, micro: int, counted: int) -> Kpi:
    return Kpi(
        name=name, title=title, unit="points", shape="mean", attribution=AT_SCORE, formula=formula,
        numerator=Terms((micro,)), denominator=Terms((counted,)), scale=MICRO,
    )  # fmt: skip


def _service_level(attribution: str, formula: str, numerator: Terms, denominator: Terms) -> Kpi:
    return _ratio("service_level", "Service level", attribution, formula, numerator, denominator)


_ENDED_WAITS = (m.ANSWERED, m.ABANDONED)
# fmt: off
SERVICE_LEVELS: Mapping[ServiceLevel, Kpi] = {
    "A": _service_level(MIXED, "(answered in target + abandoned in target) / queued",
                        Terms((_IN_TARGET, m.ABANDONED_IN_TARGET)), Terms((m.QUEUED,))),
    "B": _service_level(AT_END_OF_WAIT, "answered in target / (answered + abandoned)",
                        Terms((_IN_TARGET,)), Terms(_ENDED_WAITS)),
    "B-short": _service_level(AT_END_OF_WAIT, "answered in target / (answered + abandoned - short abandons)",
                              Terms((_IN_TARGET,)), Terms(_ENDED_WAITS, _SHORT)),
    "B+flow": _service_level(AT_END_OF_WAIT, "answered in target / (answered + abandoned + flowed out)",
                             Terms((_IN_TARGET,)), Terms((*_ENDED_WAITS, m.FLOWED_OUT))),
    "B-short+flow": _service_level(AT_END_OF_WAIT, "answered in target / (answered + abandoned - short abandons + flowed out)",
                                   Terms((_IN_TARGET,)), Terms((*_ENDED_WAITS, m.FLOWED_OUT), _SHORT)),
    "C": _service_level(MIXED_OFFER, "answered in target / (offered - short abandons)",
                        Terms((_IN_TARGET,)), Terms((m.OFFERED,), _SHORT)),
    "D": _service_level(AT_ANSWER, "answered in target / answered", Terms((_IN_TARGET,)), Terms((m.ANSWERED,))),
    "E": _service_level(MIXED, "answered in target / queued", Terms((_IN_TARGET,)), Terms((m.QUEUED,))),
}
ABANDONMENTS: Mapping[Abandonment, Kpi] = {
    "without_short": _ratio("abandonment", "Abandonment rate", MIXED, "(abandoned - short abandons) / (queued - short abandons)",
                            Terms((m.ABANDONED,), _SHORT), Terms((m.QUEUED,), _SHORT)),
    "with_short": _ratio("abandonment", "Abandonment rate", MIXED, "abandoned / queued",
                         Terms((m.ABANDONED,)), Terms((m.QUEUED,))),
}
KPIS: tuple[Kpi, ...] = (
    _count("offered", "Contact volume", m.OFFERED, AT_OFFER, "contacts offered"),
    _count("answered", "Answered", m.ANSWERED, AT_ANSWER, "contacts answered by an agent or bot"),
    _count("abandoned", "Abandoned", m.ABANDONED, AT_ABANDON, "customers who left a queue, short abandons included"),
    _count("short_abandoned", "Short abandons", m.SHORT_ABANDONED, AT_ABANDON, "customers who left before the threshold"),
    SERVICE_LEVELS["A"],
    ABANDONMENTS["without_short"],
    _seconds("asa", "Average speed of answer", AT_ANSWER, "wait of answered contacts / answered", (m.WAIT_MS,), m.ANSWERED),
    Kpi(name="longest_wait", title="Longest wait", unit="seconds", shape="longest", attribution=AT_END_OF_WAIT,
        formula="longest wait that ended, answered or abandoned, within 1 %", sketches=_WAITS),
    _seconds("aht", "Average handle time", AT_COMPLETION, "(talk + hold + wrap) / handled",
             (m.TALK_MS, m.HOLD_MS, m.WRAP_MS), m.HANDLED),
    _seconds("aht_without_wrap", "Average handle time without wrap-up", AT_COMPLETION, "(talk + hold) / handled",
             (m.TALK_MS, m.HOLD_MS), m.HANDLED),
    _percentile("wait_p50", "Median wait", m.WAIT_SKETCH, 0.5, AT_ANSWER, f"median {_OF_WAITS}"),
    _percentile("wait_p90", "Wait, 90th percentile", m.WAIT_SKETCH, 0.9, AT_ANSWER, f"90th percentile {_OF_WAITS}"),
    _percentile("wait_p95", "Wait, 95th percentile", m.WAIT_SKETCH, 0.95, AT_ANSWER, f"95th percentile {_OF_WAITS}"),
    _percentile("handle_p50", "Median handle time", m.HANDLE_SKETCH, 0.5, AT_COMPLETION, f"median {_OF_HANDLES}"),
    _percentile("handle_p90", "Handle time, 90th percentile", m.HANDLE_SKETCH, 0.9, AT_COMPLETION,
                f"90th percentile {_OF_HANDLES}"),
    _seconds("first_reply", "First reply time", AT_REPLY,
             "first reply of an agent - offered / contacts with one; bots don't count", (m.FIRST_REPLY_MS,), m.FIRST_REPLIES),
    _seconds("resolution_time", "Resolution time", AT_COMPLETION,
             "completed - offered / resolved completions; who is reopened and resolved again counts again, with all the time",
             (m.RESOLUTION_MS,), m.RESOLUTIONS),
    _of_handled("transfer_rate", "Transfer rate", m.TRANSFERRED, "transferred, once or more"),
    _of_handled("escalation_rate", "Escalation rate", m.ESCALATED, "escalated, once or more"),
    _ratio("reopen_rate", "Reopen rate", MIXED_REOPEN, "reopened / handled", Terms((m.REOPENED,)), Terms((m.HANDLED,))),
    _ratio("containment", "Containment", AT_COMPLETION,
           "resolved and answered by bots only / handled contacts that a bot had answered",
           Terms((m.CONTAINED,)), Terms((m.BOT_HANDLED,))),
    _ratio("csat", "Customer satisfaction", AT_SURVEY, "answers 4 and 5 / answers", Terms(_CSAT[3:]), Terms(_CSAT)),
    Kpi(name="csat_mean", title="Customer satisfaction, mean", unit="points", shape="score", attribution=AT_SURVEY,
        formula="mean answer, 1 to 5; not to be compared with the share", denominator=Terms(_CSAT)),
    Kpi(name="nps", title="Net promoter score", unit="points", shape="net", attribution=AT_SURVEY,
        formula="(answers 9 and 10 - answers 0 to 6) / answers × 100, -100 to 100", numerator=Terms(_NPS[9:], _NPS[:7]),
        denominator=Terms(_NPS)),
    _ratio("fcr_survey", "First-contact resolution by survey", AT_SURVEY, "customers who say that it is resolved / answers",
           Terms((m.SURVEY_RESOLVED,)), Terms((m.SURVEY_RESOLVED, m.SURVEY_UNRESOLVED))),
    _ratio("fcr_ticket", "First-contact resolution by ticket", AT_COMPLETION,
           "first resolutions after one reply of an agent / first resolutions after at least one", Terms((m.ONE_TOUCH,)),
           Terms((m.TICKETS_RESOLVED,))),
    _sentiment("sentiment", "Sentiment", "mean score of the scored parts, -1 to 1", m.SENTIMENT_MICRO, m.SENTIMENTS),
    _sentiment("sentiment_after", "Sentiment afterwards", "mean score of what was told after the contact's end, -1 to 1",
               m.SENTIMENT_AFTER_MICRO, m.SENTIMENTS_AFTER),
    _ratio("sentiment_negative", "Negative sentiment", AT_SCORE, "parts with a score below 0 / scored parts",
           Terms((m.SENTIMENTS_NEGATIVE,)), Terms((m.SENTIMENTS,))),
    Kpi(name="contacts_in_queue", title="Contacts in queue", unit="contacts", shape="now", attribution=NOW,
        formula="contacts that wait in a queue"),
    Kpi(name="oldest_in_queue", title="Oldest in queue", unit="seconds", shape="now", attribution=NOW,
        formula="how long the contact that waits longest has waited"),
)
# fmt: on


@lru_cache(maxsize=16)  # one set of settings, a few in tests
def in_force(service_level: ServiceLevel, abandonment: Abandonment) -> tuple[Kpi, ...]:
    """The table with the variants that the settings choose."""
    chosen = {"service_level": SERVICE_LEVELS[service_level], "abandonment": ABANDONMENTS[abandonment]}
    return tuple(chosen.get(kpi.name, kpi) for kpi in KPIS)
