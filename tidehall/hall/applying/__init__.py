"""From events to state.

Law: `APPLY[type(event)](state, event)` changes the state and cannot fail; it reads nothing but the two. The life
tables in queue/tickets.py and hall/state.py say which state a kind leads to; what is set beside it stands here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tidehall.hall import events as e
from tidehall.hall.applying import days, orders, tickets, windows
from tidehall.hall.offices.apply import OFFICE_APPLY
from tidehall.hall.state import HallState

__all__ = ["APPLY"]

Applier = Callable[[HallState, Any], None]

#: One function for each kind of event.
APPLY: dict[type, Applier] = {
    e.PlanAdopted: days.plan_adopted,
    e.DayTurned: days.day_turned,
    e.IssuingStarted: days.issuing_started,
    e.IssuingEnded: days.issuing_ended,
    e.SessionStarted: days.session_started,
    e.SessionEnded: days.session_ended,
    e.OvertimeEnded: days.overtime_ended,
    e.TicketTaken: tickets.ticket_taken,
    e.TicketCalled: tickets.ticket_called,
    e.TicketRecalled: tickets.ticket_recalled,
    e.TicketMissed: tickets.ticket_missed,
    e.TicketVoided: tickets.ticket_voided,
    e.ServiceStarted: tickets.service_started,
    e.ItemsSet: tickets.items_set,
    e.TicketSuspended: tickets.ticket_suspended,
    e.TicketReturned: tickets.ticket_returned,
    e.ServiceResumed: tickets.service_resumed,
    e.TicketTransferred: tickets.ticket_transferred,
    e.TicketRejected: tickets.ticket_rejected,
    e.TicketFinished: tickets.ticket_finished,
    e.TicketCancelled: tickets.ticket_cancelled,
    e.TicketPostponed: tickets.ticket_postponed,
    e.TicketRestored: tickets.ticket_restored,
    e.TicketExpired: tickets.ticket_expired,
    e.PriorityConfirmed: tickets.priority_confirmed,
    e.ActionUndone: tickets.action_undone,
    e.StaffSignedIn: windows.staff_signed_in,
    e.StaffSignedOut: windows.staff_signed_out,
    e.WindowOpened: windows.window_opened,
    e.WindowClosed: windows.window_closed,
    e.WindowPaused: windows.window_paused,
    e.WindowResumed: windows.window_resumed,
    e.WindowLinesSet: windows.window_lines_set,
    e.AlertRaised: windows.alert_raised,
    e.AlertEnded: windows.alert_ended,
    e.TideAdvised: windows.tide_advised,
    e.TideForeseen: windows.tide_foreseen,
    e.TideLapsed: windows.tide_lapsed,
    e.TideConfirmed: windows.tide_confirmed,
    e.ReserveSet: windows.reserve_set,
    e.ServiceCounted: windows.service_counted,
    e.NoticePosted: orders.notice_posted,
    e.NoticeEnded: orders.notice_ended,
    e.RunnerMoved: orders.runner_moved,
    **OFFICE_APPLY,
}
