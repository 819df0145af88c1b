"""`python -m runtime.child PARENT PROGRAM ARG…`: becomes PROGRAM, but ends with process PARENT.

Linux sends the signal named by PR_SET_PDEATHSIG (prctl(2)) when the parent dies, so a supervisor that is killed leaves
nothing behind. The setting survives exec; on other systems the program simply runs. Nor does a program that crashes
leave a core file, in which tokens, keys and bodies would stand: that limit survives exec, too.
"""

import ctypes
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(argv: list[str]) -> None:
    parent = int(argv[0])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before the setting took hold
            sys.exit(1)
    os.execvp(argv[1], argv[1:])  # noqa: S606 - becoming the program is the purpose


if __name__ == "__main__":
    main(sys.argv[1:])
