"""One run in a process of its own: wall clock, peak memory, and an end when it takes too long."""
import os
import select
import signal
import subprocess
import time
from dataclasses import dataclass


@dataclass
class Outcome:
    status: str  # "done", "cap" or "failed"
    whole: float  # seconds from the start of the process to its end
    peak: float  # MB of the largest process of the run
    output: str


def run(command, cap, log, env=None):
    with open(log, "wb") as stdout:
        begin = time.perf_counter()
        child = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                                 stdout=stdout, stderr=subprocess.STDOUT, start_new_session=True,
                                 env={**os.environ, **(env or {})})
        capped = not ended(child.pid, cap)
        if capped:
            end(child.pid)
        # wait4 tells the peak of this child, and of the ranks that an mpirun has waited for, alone.
        _, status, usage = os.wait4(child.pid, 0)
        whole = time.perf_counter() - begin
    child.returncode = os.waitstatus_to_exitcode(status)
    with open(log, errors="replace") as file:
        output = file.read()
    word = "cap" if capped else "done" if child.returncode == 0 else "failed"
    return Outcome(word, whole, usage.ru_maxrss * 1024 / 1e6, output)


def ended(pid, seconds):
    """Whether the child has ended within that time; sleeps meanwhile, so as not to take a core."""
    descriptor = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(seconds * 1000))
    finally:
        os.close(descriptor)


def end(pid):
    """mpirun ends its ranks when it is asked to; what does not listen is killed."""
    os.kill(pid, signal.SIGTERM)
    if not ended(pid, 10):
        os.killpg(pid, signal.SIGKILL)
