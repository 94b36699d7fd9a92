"""Names for the ids that vendors send in place of names: queues, and what a contact was about.

They are put in by whoever sends events on, replay and ingest, so that everything after them knows the names only. The surprise:
service-level targets and staffing are set by what a queue is called, so they follow the name, not the id.
"""

from collections.abc import Iterable

from streams.settings import Names
from streams.sources.row import CanonicalEvent


def named(events: Iterable[CanonicalEvent], names: Names) -> list[CanonicalEvent]:
    """The same events with names for the ids that have one; others keep their id."""
    tables = [("queue", names.queue), ("target_queue", names.queue), ("issue", names.issue)]
    used = [(field, table) for field, table in tables if table]
    found = []
    for event in events:
        known: CanonicalEvent = {
            field: table[value] for field, table in used if isinstance(value := event.get(field), str) and value in table
        }
        if names.queue and isinstance(queues := event.get("queues"), list):
            known["queues"] = [names.queue.get(queue, queue) for queue in queues]
        found.append({**event, **known} if known else event)
    return found
