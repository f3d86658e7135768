"""What every test shares: how hard Hypothesis tries.

`HYPOTHESIS_PROFILE` names the profile: `dev` (the default) answers quickly, `ci` looks further.
"""

import os

from hypothesis import HealthCheck, settings

# Hypothesis picks a profile of its own when it sees `CI` in the environment, one that always tries
# the same examples. These start from its plain default instead, on every machine alike.
_plain = settings.get_profile("default")

# A machine under load must not fail a property for being slow: neither deadline nor `too_slow`.
settings.register_profile(
    "dev",
    parent=_plain,
    max_examples=50,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("ci", parent=settings.get_profile("dev"), max_examples=100)

settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))
