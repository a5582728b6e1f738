"""What all tests need of their surroundings."""

import signal

# A shell starts what runs in its background with interrupts ignored. Whatever the tests start would inherit that, and hear no Ctrl-C.
for _number, _handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGQUIT, signal.SIG_DFL)):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _handler)
