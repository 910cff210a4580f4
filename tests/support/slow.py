"""Cases that `make test` leaves to `make test-large`."""

from collections.abc import Iterable

import pytest


def some(cases: Iterable, *quick) -> list:
    """Returns the cases of a parametrisation, all but those in `quick` marked as large."""
    return [case if case in quick else pytest.param(case, marks=pytest.mark.large) for case in cases]
