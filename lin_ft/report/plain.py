"""Names given by users, as they are, in pictures: a dollar sign begins no formula."""

from typing import Any


def plain(*things: Any) -> None:
    """Switch formulas off in the texts of axes (title, tick labels, legend), of legends, and in texts themselves.

    Call it once the texts are set. Ticks of a scale that are numbers (powers of ten are formulas) are left alone: only
    labels that were given one by one are texts of users.
    """
    from matplotlib.axes import Axes
    from matplotlib.legend import Legend
    from matplotlib.ticker import FixedFormatter

    for thing in things:
        if isinstance(thing, Axes):
            for axis in (thing.xaxis, thing.yaxis):
                if isinstance(axis.get_major_formatter(), FixedFormatter):
                    plain(*axis.get_ticklabels())
            plain(thing.title, thing._left_title, thing._right_title)  # pyright: ignore[reportAttributeAccessIssue]
            if (legend := thing.get_legend()) is not None:
                plain(legend)
        elif isinstance(thing, Legend):
            plain(*thing.get_texts(), thing.get_title())
        else:
            thing.set_parse_math(False)
