"""A supervisor's orders of the day, from events to state: notices on boards, and runners sent somewhere.

Law: as in applying/__init__.py; they end with the service day without an event of their own, as a window's lines do.
"""

from __future__ import annotations

from tidehall.hall import events as e
from tidehall.hall.notices import POOL, Duty, Notice, zones_of
from tidehall.hall.offices.apply import arm, disarm
from tidehall.hall.state import HallState

__all__ = ["day_over", "notice_ended", "notice_posted", "runner_moved"]


def touch(s: HallState, notice: Notice) -> None:
    """The boards on which it stands have changed."""
    for zone in zones_of(s, notice.zone, notice.board):
        if zone in s.zone_seq:  # the plan may have dropped it since
            s.zone_seq[zone] = s.seq


def notice_posted(s: HallState, ev: e.NoticePosted) -> None:
    notice = Notice(ev.notice, ev.zh, ev.en, ev.zone, ev.board, ev.at, ev.until or 0, s.seq)
    s.notices[ev.notice] = notice
    if notice.until:
        arm(s, f"notice:{ev.notice}", notice.until)
    touch(s, notice)


def notice_ended(s: HallState, ev: e.NoticeEnded) -> None:
    disarm(s, f"notice:{ev.notice}")
    touch(s, s.notices.pop(ev.notice))


def runner_moved(s: HallState, ev: e.RunnerMoved) -> None:
    s.runners[ev.runner] = Duty(ev.zone or POOL, ev.at)
    s.offices.seq = s.seq


def day_over(s: HallState) -> None:
    """The service day has ended, and with it what was ordered for it; all boards are told of the new day anyway."""
    if s.notices:
        disarm(s, *(f"notice:{id}" for id in s.notices))
        s.notices.clear()
    if s.runners:
        s.runners.clear()
        s.offices.seq = s.seq
