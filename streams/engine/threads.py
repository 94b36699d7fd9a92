"""Run a blocking call in a thread of its own and await it.

The surprise: the threads are daemons, unlike those of an executor. A call that hangs in the broker client must not keep the
process from ending.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def in_thread(name: str, function: Callable[[], T]) -> "asyncio.Future[T]":
    """Start the call now; the future, of the running loop, takes its result or its exception."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():  # cancelled in the meantime
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]  # None only if T allows it: then the function returned it

    def work() -> None:
        try:
            result, error = function(), None
        except BaseException as raised:  # noqa: BLE001  # not handled here: handed over whole to whoever awaits
            _post(loop, settle, None, raised)
        else:
            _post(loop, settle, result, error)

    threading.Thread(target=work, name=name, daemon=True).start()
    return future


def _post(
    loop: asyncio.AbstractEventLoop,
    settle: Callable[[T | None, BaseException | None], None],
    result: T | None,
    error: BaseException | None,
) -> None:
    if not loop.is_closed():  # after the end of the worker nobody waits any more
        loop.call_soon_threadsafe(settle, result, error)


def wait_for(coroutine: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop) -> None:
    """Block this thread until the loop has done it; what it raises is raised here."""
    asyncio.run_coroutine_threadsafe(coroutine, loop).result()
