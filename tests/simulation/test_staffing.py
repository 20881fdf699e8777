"""Formulas of queues against the exact values of the literature and against each other."""

from __future__ import annotations

from math import exp, factorial

import pytest

from tidehall.simulation.staffing import (
    erlang_a,
    erlang_b,
    erlang_c,
    offered_load,
    share_within,
    waiting,
    windows_needed,
)


def test_erlang_b_is_its_own_sum() -> None:
    """The recursion equals the textbook's quotient of sums; without windows everybody is turned away."""
    for load in (0.3, 2.0, 7.5):
        for windows in (0, 1, 4, 12):
            terms = [load**k / factorial(k) for k in range(windows + 1)]
            assert erlang_b(load, windows) == pytest.approx(terms[-1] / sum(terms), rel=1e-12)


def test_erlang_c_has_the_known_values() -> None:
    """M/M/24 at 90 % and M/M/12 at 70 % (facts.md 5): who waits, how long, and who is called in time."""
    many = waiting(21.6, 24, 10.0)
    assert many.share == pytest.approx(0.515921, abs=5e-7)
    assert many.mean == pytest.approx(2.149669, abs=5e-7)
    assert share_within(21.6, 24, 10.0, 15.0) == pytest.approx(0.985903, abs=5e-7)
    few = waiting(8.4, 12, 2.0)
    assert few.share == pytest.approx(0.183889, abs=5e-7)
    assert few.mean == pytest.approx(0.102160, abs=5e-7)
    assert share_within(8.4, 12, 2.0, 20 / 60) == pytest.approx(0.899080, abs=5e-7)


def test_stevensons_table() -> None:
    """Operations Management, table 18.4: λ/μ 2.0 with 3 and 4 windows has .889 and .174 people waiting."""
    for windows, length in ((3, 0.889), (4, 0.174)):
        assert waiting(2.0, windows, 1.0).mean * 2.0 == pytest.approx(length, abs=5e-4)


def test_one_window_is_pollaczek_khinchine() -> None:
    """M/D/1 at 90 % waits 4.5 services; M/G/1 with cv 0.8 waits ρ ÷ (1 − ρ) × (1 + cv²) ÷ 2."""
    assert waiting(0.9, 1, 1.0, cv=0.0).mean == pytest.approx(4.5)
    assert waiting(0.8, 1, 3.0, cv=0.8).mean == pytest.approx(3.0 * 4 * (1 + 0.64) / 2)


def test_erlang_a_has_the_known_values() -> None:
    """Palm's queue with impatient people, small and large (facts.md 5)."""
    one = erlang_a(8.4, 12, 2.0, 1.0)
    assert one.share == pytest.approx(0.127372, abs=5e-7)
    assert one.abandon == pytest.approx(0.029679, abs=5e-7)
    for windows, gives_up in ((22, 0.05474), (24, 0.02632), (26, 0.01168)):
        assert erlang_a(21.6, windows, 10.0, 30.0).abandon == pytest.approx(gives_up, abs=5e-6)


def test_erlang_a_between_its_limits() -> None:
    """With endless patience it is Erlang C, with none Erlang B; big halls don't overflow."""
    assert erlang_a(8.4, 12, 2.0, 1e9).share == pytest.approx(erlang_c(8.4, 12), rel=1e-6)
    assert erlang_a(8.4, 12, 2.0, 1e-9).abandon == pytest.approx(erlang_b(8.4, 12), rel=1e-6)
    assert 0 < erlang_a(990.0, 1000, 10.0, 30.0).share < 1


def test_a_hall_that_cannot_keep_up_is_said_so() -> None:
    """As many windows as load, or fewer: everybody waits, for ever."""
    assert erlang_c(4.0, 4) == 1.0
    assert waiting(4.0, 4, 1.0).mean == float("inf")
    assert share_within(4.0, 4, 1.0, 100.0) == 0.0


def test_offered_load_lags_behind_the_arrivals() -> None:
    """A step of the rate is followed as 1 − e^(−t/mean), forgotten as e^(−t/mean); a steady one becomes λ × mean."""
    profile = [(10.0, 6.0), (20.0, 0.0)]
    before, early, late, after = offered_load(profile, 2.0, [9.0, 11.0, 20.0, 23.0])
    assert before == 0.0
    assert early == pytest.approx(12 * (1 - exp(-0.5)))
    assert late == pytest.approx(12 * (1 - exp(-5)))
    assert after == pytest.approx(late * exp(-1.5))
    assert offered_load([(0.0, 6.0)], 2.0, [100.0]) == [pytest.approx(12.0)]
    peak = max(offered_load([(0.0, 2.0), (4.0, 8.0), (6.0, 2.0)], 3.0, [t / 10 for t in range(120)]))
    assert 6.0 < peak < 24.0, "a short rush never fills the hall as a lasting one would"


def test_windows_needed_is_the_fewest() -> None:
    """One window less misses the share, nobody needs none, and steadier services need no more."""
    for load in (0.4, 3.0, 11.5, 21.6):
        c = windows_needed(load, 0.95, 15.0, 10.0)
        assert share_within(load, c, 10.0, 15.0) >= 0.95
        assert c - 1 <= load or share_within(load, c - 1, 10.0, 15.0) < 0.95
        assert windows_needed(load, 0.95, 15.0, 10.0, cv=0.5) <= c
    assert windows_needed(0.0, 0.95, 15.0, 10.0) == 0
