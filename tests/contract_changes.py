"""What a newer contract may not do to those who keep to an older one.

Whoever writes events may go on as before: no field is gone, none is needed that wasn't, none takes less. Whoever reads records
may go on as before: no field is gone, none that was always there may be missing, none has another type. Lists of words may grow
on both sides: readers are told to expect words that they don't know.
"""

from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]


def broken(before: Document, now: Document) -> list[str]:
    """Everything in `now` that breaks what was promised `before`, in words; both are AsyncAPI documents."""
    return list(_broken(before, now))


def _broken(before: Document, now: Document) -> Iterator[str]:
    old, new = before["components"]["schemas"], now["components"]["schemas"]
    received = {
        reference["$ref"].rpartition("/")[2]
        for operation in before["operations"].values()
        if operation["action"] == "receive"
        for reference in operation["messages"]
    }
    for topic in before["channels"]:
        if topic not in now["channels"]:
            yield f"{topic}: the channel is gone"
    for name, schema in old.items():
        if name not in new:
            yield f"{name}: the schema is gone"
        else:
            yield from _of_schema(name, schema, new[name], is_received=name in received)


def _of_schema(name: str, old: Document, new: Document, *, is_received: bool) -> Iterator[str]:
    for field, kind in old.get("properties", {}).items():
        if field not in new.get("properties", {}):
            yield f"{name}.{field}: the field is gone"
        elif not _fits(kind, new["properties"][field]):
            yield f"{name}.{field}: another type"
    were, are = set(old.get("required", ())), set(new.get("required", ()))
    for field in sorted(are - were if is_received else were - are):
        yield f"{name}.{field}: {'needed now' if is_received else 'may be missing now'}"


def _fits(old: Document, new: Document) -> bool:
    """The same but for words that came to a list, and what is only said."""
    old, new = ({key: value for key, value in kind.items() if key not in ("description", "default")} for kind in (old, new))
    if "enum" in old and "enum" in new:
        return set(old.pop("enum")) <= set(new.pop("enum")) and old == new
    return old == new
