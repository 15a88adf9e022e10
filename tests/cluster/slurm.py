"""A SLURM on this machine, of one node or a few, from Debian's packages, as an ordinary test fixture.

All that it needs, from the munge key to the logs, lies in one folder, and it listens on free ports
of loopback: it touches no other SLURM, and several of them run side by side. It needs root, since
slurmd starts jobs as the user who submitted them.
"""
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

PROGRAMS = ("munged", "munge", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "squeue")


def what_is_missing():
    """Why no SLURM can be started here, or None."""
    if os.geteuid() != 0:
        return "the SLURM tests need root: slurmd starts jobs under the users' names"
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    missing = [name for name in PROGRAMS if shutil.which(name, path=path) is None]
    if missing:
        return f"the SLURM tests need Debian's slurm-wlm and munge; not found: {', '.join(missing)}"
    return None


def wait_for(condition, seconds, what):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise TimeoutError(f"waited {seconds} s for {what}")


def free_ports(count):
    """Ports of loopback that nobody listened on a moment ago."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


# config_overrides: more CPUs than the machine has. cred_expire: SLURM lets a requeued job wait until
# its old credential has run out, 120 s by default; 5 s is the least that it takes.
# KillOnBadExit: without it the other ranks of a job wait for ever for one that has died.
CONFIG = """\
ClusterName=paralogit
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
MpiDefault=pmix
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerCPU=500
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=1,batch_sched_delay=0
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=5
KillOnBadExit=1
EnforcePartLimits=ALL
JobRequeue=1
SlurmdTimeout=20
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
JobCompType=jobcomp/none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MailProg=/bin/true
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
NODE = ("NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={cpus} "
        "RealMemory={megabytes} State=UNKNOWN")


class Slurm:
    """Started by `with`, stopped at its end; jobs that still run are cancelled."""

    def __init__(self, cpus=4, megabytes=8000, nodes=1):
        self.cpus = cpus
        self.nodes = [f"n{k}" for k in range(1, nodes + 1)]
        self.megabytes = megabytes

    def __enter__(self):
        # munged refuses a socket below a folder that others may write to, unless it is sticky.
        self.folder = Path(tempfile.mkdtemp(prefix="paralogit-slurm-"))
        self.folder.chmod(0o755)
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_):
        self._stop()

    def _start(self):
        (self.folder / "state").mkdir()
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        controller_port, *node_ports = free_ports(1 + len(self.nodes))
        host = socket.gethostname().split(".")[0]
        config = self.folder / "slurm.conf"
        config.write_text(CONFIG.format(
            host=host, folder=self.folder, controller_port=controller_port,
            nodes="\n".join(NODE.format(node=node, host=host, port=port, cpus=self.cpus,
                                        megabytes=self.megabytes)
                            for node, port in zip(self.nodes, node_ports))))
        (self.folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
        path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
        # Nothing of a job that this runs in may reach the jobs of this SLURM.
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(("SLURM", "PMI", "OMPI_COMM", "SBATCH"))}
        self.environment = {**kept, "PATH": path, "SLURM_CONF": str(config)}
        munge = self.folder / "munge.socket"
        self._run("munged", f"--key-file={key}", f"--socket={munge}",
                  f"--pid-file={self.folder}/munged.pid", f"--log-file={self.folder}/munged.log",
                  f"--seed-file={self.folder}/munged.seed")
        wait_for(lambda: self._try("munge", "-S", munge, "-n").returncode == 0, 10, "munged")
        self._run("slurmctld")
        for node in self.nodes:
            self._run("slurmd", "-N", node)
        wait_for(lambda: self._try("sinfo", "-h", "-N", "-o", "%T").stdout.split()
                 == ["idle"] * len(self.nodes), 30, f"idle nodes; see {self.folder}/*.log")

    def _stop(self):
        if hasattr(self, "environment"):
            self._try("scancel", "-f", "-u", "root")
            try:
                wait_for(lambda: not self._try("squeue", "-h").stdout.strip(), 15, "the last jobs")
            except TimeoutError:
                pass
        daemons = [*(f"slurmd.{node}" for node in self.nodes), "slurmctld", "munged"]
        pids = [pid for name in daemons if (pid := self._told(self.folder / f"{name}.pid", signal.SIGTERM))]
        try:
            wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), 15, "daemons")
        except TimeoutError:
            for name in daemons:
                self._told(self.folder / f"{name}.pid", signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def crash(self, node):
        """The node and all that runs on it is gone, and SLURM is told so; by itself it would find
        out after SlurmdTimeout."""
        self._told(self.folder / f"slurmd.{node}.pid", signal.SIGKILL)
        for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
            try:
                environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
                words = Path(f"/proc/{pid}/cmdline").read_bytes()
            except OSError:
                continue
            is_step = words.startswith(b"slurmstepd") or b"/slurmstepd" in words
            is_ours = f"SLURM_CONF={self.folder}/slurm.conf".encode() in environment
            if is_ours and (is_step or f"SLURMD_NODENAME={node}".encode() in environment):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        self._run("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=crash")

    @staticmethod
    def _told(pid_file, number):
        """The daemon that the signal was sent to, or None when there is none."""
        try:
            pid = int(pid_file.read_text())
            os.kill(pid, number)
        except (OSError, ValueError):
            return None
        return pid

    def _try(self, *command):
        return subprocess.run([str(part) for part in command], env=self.environment, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, check=False)

    def _run(self, *command):
        result = self._try(*command)
        if result.returncode != 0:
            raise RuntimeError(f"{command[0]}: {result.stderr or result.stdout}")
        return result.stdout

    def run(self, *command, env=None, cwd=None):
        """What a command prints that knows this SLURM."""
        result = subprocess.run(
            list(map(str, command)), text=True, capture_output=True, cwd=cwd, check=False,
            env={**self.environment, **(env or {})}, stdin=subprocess.DEVNULL)
        if result.returncode != 0:
            raise RuntimeError(f"{command[0]}: {result.stderr}")
        return result.stdout

    def submit(self, *arguments, **settings):
        """sbatch; returns the job's number as text."""
        return self.run("sbatch", "--parsable", *arguments, **settings).strip().split(";")[0]

    def scontrol(self, *arguments):
        return self._run("scontrol", *arguments)

    def scancel(self, *arguments):
        return self._run("scancel", *arguments)

    def fields(self, job):
        """What scontrol says of the job, by name; it forgets a job five minutes after its end."""
        result = self._try("scontrol", "show", "job", job)
        return dict(re.findall(r"(\w+)=(\S*)", result.stdout))

    def jobs(self):
        """The numbers of the jobs that pend or run; the tasks of an array one by one."""
        return self._run("squeue", "-h", "-r", "-o", "%i").split()

    def wait_for_state(self, job, *states, seconds=60):
        """Waits until the job is in one of the states; returns its fields."""
        def fields_then():
            fields = self.fields(job)
            return fields if fields.get("JobState") in states else None
        return wait_for(fields_then, seconds, f"job {job} to be {' or '.join(states)}; it is "
                                              f"{self.fields(job).get('JobState')}")

    def wait_for_end(self, job, seconds=90):
        return self.wait_for_state(job, "COMPLETED", "FAILED", "CANCELLED", "TIMEOUT",
                                   "OUT_OF_MEMORY", "NODE_FAIL", seconds=seconds)
