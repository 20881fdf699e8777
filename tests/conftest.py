"""How every test begins, wherever it is started."""

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job: Ctrl-C would reach no child of ours
    signal.signal(signal.SIGINT, signal.default_int_handler)
