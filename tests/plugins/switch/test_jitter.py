"""The jitter buffer: order, losses, delay that grows and shrinks."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.switch.jitter import CAPACITY, CONCEALED_AT_MOST, WINDOW, JitterBuffer, Kind


def payload(number: int) -> bytes:
    return b"%d" % number


def filled(*numbers: int) -> JitterBuffer:
    buffer = JitterBuffer()
    for number in numbers:
        buffer.add(number & 0xFFFF, payload(number))
    return buffer


def taken(buffer: JitterBuffer, turns: int) -> list[tuple[Kind, bytes]]:
    return [(turn.kind, turn.payload) for turn in (buffer.turn() for _ in range(turns))]


def test_packets_come_out_in_order_whatever_order_they_came_in() -> None:
    assert taken(filled(7, 9, 8, 10), 4) == [(Kind.PACKET, payload(number)) for number in (7, 8, 9, 10)]


def test_nothing_comes_before_the_first_packet() -> None:
    assert JitterBuffer().turn().kind is Kind.NOTHING


def test_numbers_go_round() -> None:
    assert taken(filled(65_534, 65_535, 65_536, 65_537), 4)[2:] == [
        (Kind.PACKET, payload(65_536)),
        (Kind.PACKET, payload(65_537)),
    ]


def test_a_hole_is_a_loss_at_once_and_the_packet_behind_it_helps() -> None:
    buffer = filled(1, 2, 4, 5)
    assert taken(buffer, 5) == [
        (Kind.PACKET, b"1"),
        (Kind.PACKET, b"2"),
        (Kind.LOST, b"4"),
        (Kind.PACKET, b"4"),
        (Kind.PACKET, b"5"),
    ]
    assert buffer.lost == 1


def test_what_comes_late_is_played_later() -> None:
    buffer = filled(1)
    assert [kind for kind, _ in taken(buffer, 3)] == [Kind.PACKET, Kind.LATE, Kind.LATE]
    buffer.add(2, b"2")
    assert taken(buffer, 1) == [(Kind.PACKET, b"2")]
    assert (buffer.lost, buffer.late) == (0, 0)


def test_a_loss_with_nothing_behind_it_is_filled_once() -> None:
    buffer = filled(1)
    assert [kind for kind, _ in taken(buffer, 2)] == [Kind.PACKET, Kind.LATE]
    buffer.add(3, b"3")
    assert taken(buffer, 1) == [(Kind.PACKET, b"3")]
    buffer.add(2, b"2")
    assert (buffer.lost, buffer.late, len(buffer)) == (1, 1, 0)


def test_after_a_tenth_of_a_second_without_packets_it_is_silent_and_begins_anew() -> None:
    buffer = filled(1)
    kinds = [kind for kind, _ in taken(buffer, 3 + CONCEALED_AT_MOST)]
    assert kinds == [Kind.PACKET, *[Kind.LATE] * CONCEALED_AT_MOST, Kind.NOTHING, Kind.NOTHING]
    buffer.add(90, b"90")
    assert taken(buffer, 1) == [(Kind.PACKET, b"90")]


def test_a_jump_of_the_numbers_is_another_stream() -> None:
    buffer = filled(1, 2)
    buffer.add(30_000, b"new")
    assert taken(buffer, 1) == [(Kind.PACKET, b"new")]


def test_a_burst_is_bounded_and_its_delay_goes_away() -> None:
    buffer = filled(*range(40))
    assert len(buffer) == CAPACITY
    number, kinds = 40, []
    for _ in range(WINDOW * CAPACITY):
        kinds.append(buffer.turn().kind)
        buffer.add(number, payload(number))
        number += 1
    assert kinds.count(Kind.TWO) >= CAPACITY - 4
    assert len(buffer) <= 4
    assert set(kinds) == {Kind.PACKET, Kind.TWO}


def test_an_even_stream_is_never_touched() -> None:
    buffer, kinds = filled(0, 1), set()
    for number in range(2, 1000):
        kinds.add(buffer.turn().kind)
        buffer.add(number, payload(number))
    assert kinds == {Kind.PACKET}


@given(st.lists(st.one_of(st.none(), st.integers(0, 60)), max_size=300))
def test_no_packet_is_played_twice_or_out_of_order(events: list[int | None]) -> None:
    """``None`` is a turn, a number a packet."""
    buffer, played = JitterBuffer(), []
    for event in events:
        if event is not None:
            buffer.add(event, payload(event))
            assert len(buffer) <= CAPACITY
            continue
        turn = buffer.turn()
        if turn.kind in (Kind.PACKET, Kind.TWO):
            played += [int(one) for one in (turn.payload, turn.second) if one]
        elif turn.kind is Kind.NOTHING:
            played = []  # it begins anew
    assert played == sorted(set(played))


# --- clocks, circles and repeats -------------------------------------------------------------------------

HOUR = 3600 * 50


@pytest.mark.parametrize("skew", [200e-6, -200e-6])
def test_an_hour_with_a_clock_that_goes_wrong_neither_grows_nor_starves(skew: float) -> None:
    """A sender whose 20 ms are 200 ppm too short sends 36 packets too many in an hour, or as many too few; its numbers go
    round twice."""
    buffer, sent, longest = JitterBuffer(), 0, 0
    kinds: Counter[Kind] = Counter()
    for beat in range(HOUR):
        while sent <= beat * (1 + skew):
            buffer.add((sent + 65_000) & 0xFFFF, b"x")
            sent += 1
        kinds[buffer.turn().kind] += 1
        longest = max(longest, len(buffer))
    assert longest <= 4 and (buffer.lost, buffer.late) == (0, 0)
    mended = kinds[Kind.TWO] + kinds[Kind.LATE] + kinds[Kind.LOST] + kinds[Kind.NOTHING]
    assert mended <= 37 and kinds[Kind.NOTHING] == 0


@given(
    st.integers(0, 0xFFFF),
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 3), st.booleans()), min_size=60, max_size=120),
)
def test_wherever_the_numbers_begin_it_is_the_same_stream(start: int, way: list[tuple[int, int, bool]]) -> None:
    """``way`` of a packet: by how many turns it is late, how often it comes, whether it is lost."""
    arrivals = sorted(
        (number + late, number) for number, (late, times, lost) in enumerate(way) if not lost for _ in range(times)
    )

    def played(first: int) -> list[tuple[Kind, bytes, bytes]]:
        buffer, left, found = JitterBuffer(), list(arrivals), []
        for turn in range(len(way) + 10):
            while left and left[0][0] <= turn:
                number = left.pop(0)[1]
                buffer.add((first + number) & 0xFFFF, payload(number))
            found.append(tuple(buffer.turn()))
        return found

    assert played(start) == played(0)
