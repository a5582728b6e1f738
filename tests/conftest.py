"""What all tests need of their surroundings."""

import signal

from hypothesis import HealthCheck, settings

# The same examples in every run, however long each takes on a busy machine: who wants others runs `pytest --hypothesis-profile=default`.
settings.register_profile("steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

# A shell starts what runs in its background with interrupts ignored. Whatever the tests start would inherit that, and hear no Ctrl-C.
for _number, _handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGQUIT, signal.SIG_DFL)):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _handler)
