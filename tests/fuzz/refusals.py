"""How a parser may refuse: with an error of this library's own families, which says something."""

from counterfoil.errors import CounterfoilError, UnavailableError


def refused(read):
    """Whether what is read is refused; any other exception, and an error without words, is a finding."""
    try:
        read()
    except UnavailableError:
        raise AssertionError("bytes are never a reason to try again") from None
    except CounterfoilError as error:
        assert str(error)
        return True
    return False


def each_of(*reads):
    """Every one is tried; bytes that none of them takes are refused as the first one refuses them."""
    outcomes = [_outcome(read) for read in reads]
    if None not in outcomes:
        raise outcomes[0]


def _outcome(read):
    try:
        read()
    except CounterfoilError as error:
        assert str(error)
        return error
    return None
