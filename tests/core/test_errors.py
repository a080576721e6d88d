import pickle

import pytest

from leadline.core import InputError, LeadlineError, errors

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, LeadlineError)]


@pytest.mark.parametrize("kind", KINDS)
def test_says_four_things_and_survives_pickling(kind):
    error = kind("measure", expected="a depth > 0", got="-3", remedy="pass a positive depth")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == "measure: expected a depth > 0, got -3; pass a positive depth."
    assert (again.operation, again.remedy) == ("measure", "pass a positive depth")


def test_all_kinds_are_caught_at_the_root():
    with pytest.raises(LeadlineError, match="expected"):
        raise InputError("x", expected="a", got="b", remedy="c")
