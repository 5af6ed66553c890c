"""For pytest: that a property fails is all that is asked of a mutant, so no example is made smaller."""

from hypothesis import Phase, settings


def pytest_configure():
    settings.register_profile("unshrunk", settings.get_profile("quick"), phases=(Phase.explicit, Phase.generate))
    settings.load_profile("unshrunk")
