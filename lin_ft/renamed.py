"""Parameters that have been renamed: the old name ends in a sentence that says what to write now."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

from lin_ft.errors import InputError

F = TypeVar("F", bound=Callable[..., Any])


def renamed(**old: str) -> Callable[[F], F]:
    """Decorates a function whose parameters have new names, given as `old="new"`; the old ones raise InputError."""

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def checked(*args: Any, **kwargs: Any) -> Any:
            for name in kwargs.keys() & old.keys():
                raise InputError(f"{function.__name__}({name}=...) is now {function.__name__}({old[name]}=...).")
            return function(*args, **kwargs)

        return cast(F, checked)

    return decorate
