"""The one table of KPI definitions: API, documentation (KPIS.md beside this file) and command line take their words from here.

The surprise: two rows have variants, service level and abandonment, of which the settings choose one.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, NamedTuple

import msgspec

from streams.core import measure as m
from streams.core import measure_journey as j
from streams.core.facts import MICRO

Shape = Literal[
    "count", "ratio", "net", "mean", "score", "rate", "percentile", "longest", "time_share", "staffing", "now", "reader"
]
Unit = Literal["contacts", "customers", "agents", "ratio", "seconds", "points"]
ServiceLevel = Literal["A", "B", "B-short", "B+flow", "B-short+flow", "C", "D", "E"]
Abandonment = Literal["without_short", "with_short"]


class Terms(NamedTuple):
    """A sum of measures: codes that are added, codes that are taken off."""

    plus: tuple[int, ...] = ()
    minus: tuple[int, ...] = ()


class Kpi(msgspec.Struct, frozen=True, kw_only=True):
    """One definition. attribution: at which moment a contact counts; formula: the words for numerator and denominator.

    count: numerator. ratio: numerator / denominator, with a Wilson interval. net: the same of a difference, × 100. mean:
    numerator / denominator / scale. score: the mean of answers 1, 2, 3 … counted by the codes of the denominator. rate:
    numerator / the customers that the settings give, of the series' segment or of all. percentile and longest: of the waits
    or handle times in `sketches`, within 1 %. time_share: a share of agents' time, without an interval, because time is no
    sample. staffing: agents' time / time that has passed. now: of who waits and what agents do at this moment. reader: of several
    records, by who reads them (compare.py).
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
AT_END = "when the contact first ends, under what is known of it then; contacts of known customers"
AT_MATURITY = "when W is over, counted from the first contact's end"
BY_DAY = "when the customer's contacts end; in windows of a day, a week and a month"
NOW = "at the moment of publishing, live windows only"
AS_TIME_PASSES = "as time passes; in the cuts total and queue, where an agent of two queues is one in each"

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


def _of_first(name: str, title: str, family: j.Family, *, matured: bool) -> Kpi:
    """First contacts that weren't followed: of those whose W is over, or of all, as far as the window shows."""
    if matured:
        words = "first contacts not followed within W / first contacts whose W is over"
        terms = Terms((family.matured,), (family.matured_followed,)), Terms((family.matured,))
        return _ratio(name, title, AT_MATURITY, words, *terms)
    words = "first contacts not followed in the same window, so far / first contacts; a figure of days, near 1 in a minute"
    first = Terms((family.contacts,), (family.repeats,))
    return _ratio(name, title, AT_END, words, Terms(first.plus, (*first.minus, family.followed)), first)


def _of_customers(name: str, title: str, what: str, *contacts: int) -> Kpi:
    codes = Terms(tuple(j.DAY_CUSTOMERS + n - 1 for n in contacts))
    return _ratio(name, title, BY_DAY, f"customers with {what} in the window / customers with a contact", codes, CUSTOMERS)


_BUSY = (m.ON_CONTACT_MS, m.AFTER_CONTACT_MS)
_AGENTS_NOW = (
    ("agents_available", "Agents available", "agents who wait for a contact"),
    ("agents_busy", "Agents busy", "agents on a contact or at work after one"),
    ("agents_on_break", "Agents on a break", "agents who are there and take no contacts"),
)
# Which states make up a KPI of the moment: fields of kpi.AgentsNow.
AGENTS_NOW: Mapping[str, tuple[str, ...]] = {
    "agents_available": ("available",),
    "agents_busy": ("on_contact", "after_contact"),
    "agents_on_break": ("on_break",),
}
REACH, BACKLOG = "customer_reach", "backlog"
_BASE = "customers: as given in [kpi.segment_customers]; where none are, those seen in the day, week or month"
CUSTOMERS = Terms(tuple(j.DAY_CUSTOMERS + k for k in range(j.OFTEN)))
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
    # Journey: what a customer's contacts tell side by side. W is [journey] repeat_hours.
    _of_first("fcr", "First-contact resolution", j.ANY, matured=True),
    _of_first("fcr_provisional", "First-contact resolution, provisional", j.ANY, matured=False),
    _of_first("fcr_issue", "First-contact resolution by issue", j.SAME_ISSUE, matured=True),
    _of_first("fcr_issue_provisional", "First-contact resolution by issue, provisional", j.SAME_ISSUE, matured=False),
    _ratio("repeat_rate", "Repeat contact rate", AT_END, "contacts that end less than W after another of the customer / contacts",
           Terms((j.ANY.repeats,)), Terms((j.ANY.contacts,))),
    _ratio("repeat_rate_issue", "Repeat contact rate by issue", AT_END,
           "contacts that end less than W after another of the customer with the same issue / contacts with an issue",
           Terms((j.SAME_ISSUE.repeats,)), Terms((j.SAME_ISSUE.contacts,))),
    _seconds("time_between_contacts", "Time between contacts", AT_END,
             "from the end of the contact before to that of the repeat / repeats", (j.GAP_MS,), j.ANY.repeats),
    _ratio("escalation_after_repeat", "Escalation after repeat", AT_END, "repeats that were escalated / repeats",
           Terms((j.REPEATS_ESCALATED,)), Terms((j.ANY.repeats,))),
    Kpi(name="customers", title="Customers", unit="customers", shape="count", attribution=BY_DAY,
        formula="distinct customers of the day, week or month, exactly",
        numerator=CUSTOMERS, denominator=CUSTOMERS),
    Kpi(name="contacts_per_customer", title="Interaction count per customer", unit="contacts", shape="mean", attribution=BY_DAY,
        formula="contacts of known customers / customers", numerator=Terms((j.ANY.contacts,)), denominator=CUSTOMERS),
    _of_customers("customers_once", "Customers with one contact", "one contact", 1),
    _of_customers("customers_twice", "Customers with two contacts", "two contacts", 2),
    _of_customers("customers_three_times", "Customers with three contacts", "three contacts", 3),
    _of_customers("customers_often", "Customers with four or more contacts", "four or more contacts", 4),
    _of_customers("repeat_customers", "Customers who repeat", "two or more contacts", 2, 3, 4),
    Kpi(name="interaction_rate", title="Interaction rate", unit="ratio", shape="rate", attribution=AT_OFFER,
        formula=f"contacts offered / {_BASE}", numerator=Terms((m.OFFERED,))),
    Kpi(name="interaction_rate_net", title="Interaction rate, net", unit="ratio", shape="rate", attribution=BY_DAY,
        formula="contacts, one of each customer and day / customers as for the interaction rate",
        numerator=Terms((j.CUSTOMER_DAYS,))),
    Kpi(name=REACH, title="Customers in touch", unit="ratio", shape="rate", attribution=BY_DAY,
        formula="distinct customers / customers as given in [kpi.segment_customers]", numerator=CUSTOMERS),
    Kpi(name="share", title="Share of contacts (channel mix, issue mix …)", unit="ratio", shape="reader", attribution=AT_OFFER,
        formula="offered / offered of the total in the same window; given by streams trends and /api/v1/trends"),
    Kpi(name="change", title="Change of contact volume", unit="ratio", shape="reader", attribution=AT_OFFER,
        formula="offered / offered in the window before, at the same time yesterday or a week ago, - 1; final windows only; "
                "given by streams trends --against; interval of a ratio of two Poisson counts"),
    Kpi(name="share_change", title="Change of share", unit="ratio", shape="reader", attribution=AT_OFFER,
        formula="share - share in the window before, at the same time yesterday or a week ago; final windows only; "
                "given by streams trends --against, with --json or --kpis share_change; Newcombe's interval"),
    # Agents: what they do with their time. n is in seconds of agents' time; of staffing, of time that has passed.
    Kpi(name="occupancy", title="Occupancy", unit="ratio", shape="time_share", attribution=AS_TIME_PASSES,
        formula="time on contact and on after-contact work / the same + time available; breaks in neither",
        numerator=Terms(_BUSY), denominator=Terms((m.AVAILABLE_MS, *_BUSY))),
    Kpi(name="occupancy_without_wrap", title="Occupancy without wrap-up", unit="ratio", shape="time_share",
        attribution=AS_TIME_PASSES,
        formula="time on contact / (time on contact + time available); after-contact work and breaks in neither",
        numerator=Terms((m.ON_CONTACT_MS,)), denominator=Terms((m.AVAILABLE_MS, m.ON_CONTACT_MS))),
    Kpi(name="agents_staffed", title="Staffed agents", unit="agents", shape="staffing", attribution=AS_TIME_PASSES,
        formula="time of agents who aren't offline / time of the window so far: how many there were on the mean, breaks included",
        numerator=Terms((m.AVAILABLE_MS, *_BUSY, m.BREAK_MS))),
    *(Kpi(name=name, title=title, unit="agents", shape="now", attribution=NOW, formula=formula)
      for name, title, formula in _AGENTS_NOW),
    Kpi(name="contacts_in_queue", title="Contacts in queue", unit="contacts", shape="now", attribution=NOW,
        formula="contacts that wait in a queue"),
    Kpi(name="oldest_in_queue", title="Oldest in queue", unit="seconds", shape="now", attribution=NOW,
        formula="how long the contact that waits longest has waited"),
    Kpi(name=BACKLOG, title="Backlog", unit="contacts", shape="now", attribution=NOW,
        formula="open contacts: begun, and neither completed, abandoned nor without an event for [intake] open_hours"),
)
# fmt: on


@lru_cache(maxsize=16)  # one set of settings, a few in tests
def in_force(service_level: ServiceLevel, abandonment: Abandonment) -> tuple[Kpi, ...]:
    """The table with the variants that the settings choose."""
    chosen = {"service_level": SERVICE_LEVELS[service_level], "abandonment": ABANDONMENTS[abandonment]}
    return tuple(chosen.get(kpi.name, kpi) for kpi in KPIS)
