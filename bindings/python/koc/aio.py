"""Calls that do not block an event loop of asyncio.

    tags = await koc.aio.run(client.tags, "registry.example/app", timeout=30)

A call runs in a thread. When its task is cancelled, the call is ended and waited for.
"""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from ._watch import Cancel

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    Parameters = ParamSpec("Parameters")

Result = TypeVar("Result")


class _Both(Cancel):
    """A token of the task. It passes on that of the user."""

    def __init__(self, other: Any) -> None:
        super().__init__()
        self._other = other
        if other is not None:
            other._link(self._c)

    def _link(self, token: Any) -> None:
        super()._link(token)
        if self._other is not None:
            self._other._link(token)


async def run(
    function: Callable[Parameters, Result], /, *args: Parameters.args, **kwargs: Parameters.kwargs
) -> Result:
    """function(*args, **kwargs) in a thread: any call of this package that takes cancel=.

    progress= and other callbacks run in that thread: loop.call_soon_threadsafe() brings them to the loop.
    """
    token = _Both(kwargs.get("cancel"))
    options: Any = {**kwargs, "cancel": token}
    call = functools.partial(function, *args, **options)
    future = asyncio.get_running_loop().run_in_executor(None, call)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        token.trigger()
        await asyncio.wait([future])
        if not future.cancelled():
            future.exception()  # it is known: the call was ended
        raise
