"""One run in a process of its own: wall clock, peak memory, and an end when it takes too long.

The file is also the program that starts the run: Linux counts the memory of the process that starts
another into the peak of the started one, so that has to be a small one, without the data."""
import json
import os
import select
import signal
import subprocess
import sys
import time


def run(command, cap, log, env=None):
    """Returns status ("done", "cap" or "failed"), whole (seconds from the start of the process to
    its end), peak (MB of its largest process) and output."""
    starter = subprocess.run(
        [sys.executable, "-I", "-S", __file__, str(cap), str(log), *map(str, command)],
        env={**os.environ, **(env or {})}, stdout=subprocess.PIPE, text=True, check=True)
    with open(log, errors="replace", encoding="utf-8") as file:
        return {**json.loads(starter.stdout), "output": file.read()}


def start(cap, log, command):
    with open(log, "wb") as stdout:
        begin = time.perf_counter()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout,
                                 stderr=subprocess.STDOUT, start_new_session=True)
        try:
            capped = not ended(child.pid, cap)
        except BaseException:
            end(child.pid)
            raise
        if capped:
            end(child.pid)
        # wait4 tells the peak of this child, and of the ranks that an mpirun has waited for, alone.
        _, status, usage = os.wait4(child.pid, 0)
        whole = time.perf_counter() - begin
    child.returncode = os.waitstatus_to_exitcode(status)
    return {"status": "cap" if capped else "done" if child.returncode == 0 else "failed",
            "whole": whole, "peak": usage.ru_maxrss * 1024 / 1e6}


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


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # not without ending the child
    print(json.dumps(start(float(sys.argv[1]), sys.argv[2], sys.argv[3:])))
