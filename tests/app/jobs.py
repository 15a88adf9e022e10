"""Jobs that tests interfere with while they run: their processes, and what they have printed."""
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

import support


def wait_for(condition, seconds=60):
    """The first true value of the condition, or None when there is none in that time."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value or None
        time.sleep(0.002)


class Job:
    """A run under mpirun, in the background. Its processes carry a token in their environment, so
    none but its own are ever signalled; what Open MPI leaves behind when it is killed lies in a
    scratch folder, so nothing but its own is ever removed."""

    def __init__(self, *arguments, ranks, wrapper=(), mca=None):
        memory = Path("/dev/shm")
        self.scratch = Path(tempfile.mkdtemp(
            prefix="paralogit-job-", dir=memory if os.access(memory, os.W_OK) else None))
        options = {"orte_tmpdir_base": self.scratch, "btl_vader_backing_directory": self.scratch,
                   support.KILL_WAIT: 0, **(mca or {})}
        flags = [text for name, value in options.items() for text in ("--mca", name, str(value))]
        self._token = f"PARALOGIT_TEST_JOB={uuid.uuid4().hex}"
        name, value = self._token.split("=")
        self._printed = [self.scratch / "stdout", self.scratch / "stderr"]
        with open(self._printed[0], "wb") as stdout, open(self._printed[1], "wb") as stderr:
            self.begin = time.monotonic()
            self.mpirun = subprocess.Popen(
                [*support.LAUNCHER, *flags, "-n", str(ranks), *wrapper, support.BINARY,
                 *map(str, arguments)],
                stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
                env={**os.environ, name: value, "TMPDIR": str(self.scratch)})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill_rest()
        self.mpirun.wait()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def stderr(self):
        return self._printed[1].read_text(errors="replace")

    def whole_lines(self):
        """The lines of stderr; one that is still being written does not count."""
        return self.stderr().split("\n")[:-1]

    def processes(self):
        """What lives of the job: the environment of each process by its pid."""
        found = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    texts = (entry / "environ").read_bytes().decode(errors="replace").split("\0")
                except OSError:
                    continue  # it has just ended, or is another user's
                if self._token in texts:
                    found[int(entry.name)] = dict(t.split("=", 1) for t in texts if "=" in t)
        return found

    def rank_process(self, rank):
        """The pid of a rank that lives, or None."""
        for pid, environment in self.processes().items():
            if environment.get("OMPI_COMM_WORLD_RANK") == str(rank):
                try:
                    program = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]
                except OSError:
                    continue
                if program == os.fsencode(support.BINARY):
                    return pid
        return None

    def has_ended(self):
        return self.mpirun.poll() is not None and not self.processes()

    def wait_until_gone(self, seconds=60):
        """Ranks outlive a killed mpirun by a second or two. Returns whether all are gone."""
        return wait_for(self.has_ended, seconds) is not None

    def kill_rest(self):
        if self.mpirun.poll() is None:
            self.mpirun.kill()
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        wait_for(lambda: not self.processes(), 10)
