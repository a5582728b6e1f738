"""Objects are merged key by key."""

from hypothesis import given
from hypothesis import strategies as st

from abathur_tui.domain.data import JsonObject
from abathur_tui.engine.joins.structured import Merging, identity, leaves

SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3)
OBJECTS = st.dictionaries(
    st.text(max_size=3), st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3))
)


def merged(*objects: JsonObject) -> JsonObject:
    merging = Merging(objects)
    return merging.settled([difference.values[0] for difference in merging.differences])


def test_keys_of_all_stand_in_the_result_at_any_depth() -> None:
    assert merged({"a": 1, "b": {"c": 2}}, {"b": {"d": 3}, "e": None}) == {"a": 1, "b": {"c": 2, "d": 3}, "e": None}


def test_lists_are_united_and_nothing_stands_in_them_twice() -> None:
    assert merged({"tags": ["a", {"x": 1}]}, {"tags": [{"x": 1.0}, "b", True, 1]}) == {"tags": ["a", {"x": 1}, "b", True, 1]}


def test_different_values_for_one_key_are_a_difference() -> None:
    merging = Merging([{"server": {"port": 80}}, {"server": {"port": 8080}}, {"server": {"port": 80.0}}])

    (difference,) = merging.differences
    assert (difference.where, difference.values, difference.members) == ("server.port", (80, 8080), ((0, 2), (1,)))
    assert merging.settled([8080]) == {"server": {"port": 8080}}


def test_an_object_and_a_number_for_one_key_are_a_difference_too() -> None:
    merging = Merging([{"a": {"b": 1}}, {"a": 1}, {"a": [1]}])

    assert merging.differences[0].values == ({"b": 1}, 1, [1])


def test_a_key_that_is_no_word_is_shown_in_quotes() -> None:
    assert Merging([{"a": {"b.c": 1}}, {"a": {"b.c": 2}}]).differences[0].where == 'a."b.c"'


def test_true_is_not_one() -> None:
    assert identity(True) != identity(1)
    assert identity({"a": 1, "b": 2.0}) == identity({"b": 2, "a": 1.0})


def test_values_are_counted() -> None:
    assert leaves({"a": 1, "b": {"c": [1, 2], "d": {}}}) == 2


@given(OBJECTS)
def test_an_object_merged_with_itself_is_itself(one: JsonObject) -> None:
    merging = Merging([one, one])

    assert merging.differences == []
    assert set(merging.settled([])) == set(one)


@given(st.lists(OBJECTS, min_size=1, max_size=4))
def test_every_key_of_every_object_stands_in_the_result(objects: list[JsonObject]) -> None:
    result = merged(*objects)

    assert set(result) == {key for one in objects for key in one}
