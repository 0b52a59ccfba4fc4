"""What holds for everything that is sent to other people's servers: when it is tried again, and when it is given up."""

# In seconds.
DAY = 24 * 60 * 60.0
# A turn that failed, of a dead worker or of an outage of the database for two, keeps all others from having theirs.
LONGEST_PAUSE_BETWEEN_TURNS = 20.0
# After each attempt in vain; the last one again and again, until a day is over.
PAUSES = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, 7200.0, 14400.0, 28800.0)


def pause_before_next(*, attempts: int, age: float, spread: float, asked_for: float | None = None) -> float | None:
    """How many seconds to wait after so many `attempts` in vain, the first of them `age` ago; None to give up.

    The pauses grow, and the last attempt comes when a day is over; later only if the other side `asked_for` it.
    `spread`, around 1, keeps what failed together from coming back together.
    """
    if age >= DAY:
        return None
    pause = PAUSES[min(attempts, len(PAUSES)) - 1] * spread
    return max(min(pause, DAY - age), asked_for or 0.0)
