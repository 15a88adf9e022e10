"""Several hosts on this machine, for mpirun: each is a set of namespaces (network, host name, mounts,
processes, shared memory) on a bridge of its own. The network of the machine is not touched. Root
only.
"""
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from pathlib import Path

PROGRAMS = ("unshare", "nsenter", "ip", "tc", "mount")
NETWORK = "10.77.0"


def what_is_missing():
    """Why no hosts can be made here, or None."""
    if os.geteuid() != 0:
        return "the tests of several hosts need root, to make namespaces"
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"the tests of several hosts need iproute2 and util-linux; not found: {missing}"
    probe = subprocess.run(["unshare", "--net", "--uts", "--mount", "--ipc", "--pid", "--fork",
                            "true"], capture_output=True, check=False)
    return None if probe.returncode == 0 else "this machine lets nobody make namespaces"


class Host:
    """A process that holds the namespaces; its end is the crash of the host."""

    def __init__(self, name, has_own_processes):
        # A host that starts processes on the others has to see theirs.
        own = ["--pid", "--mount-proc", "--kill-child=KILL"] if has_own_processes else []
        setup = (f"hostname {name}; mount -t tmpfs tmpfs /dev/shm; "
                 "ip link set lo up; echo ready; exec sleep infinity")
        self.name = name
        self.process = subprocess.Popen(
            ["unshare", "--net", "--uts", "--mount", "--ipc", "--fork", *own,
             "--propagation", "private", "sh", "-c", setup],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            start_new_session=True)
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError(f"host {name} did not start")
        self.pid = int(Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
                       .read_text().split()[0])
        kinds = "-n -u -m -i -r -w" + (" -p" if has_own_processes else "")
        self.enter = ["nsenter", "-t", str(self.pid), *kinds.split()]

    def run(self, *command):
        subprocess.run([*self.enter, *map(str, command)], check=True, capture_output=True)

    def end(self):
        for pid in (self.pid, self.process.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        self.process.stdout.close()


class Hosts:
    """Started by `with`: h0, where mpirun runs, and h1, h2, ... for ranks."""

    def __init__(self, count):
        self.count = count

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="paralogit-hosts-"))
        self.hosts = []
        try:
            self.switch = Host("switch", False)
            self.hosts.append(self.switch)
            self.switch.run("ip", "link", "add", "br0", "type", "bridge")
            self.switch.run("ip", "link", "set", "br0", "up")
            names = self.folder / "hosts"
            names.write_text("127.0.0.1 localhost\n" + "".join(
                f"{NETWORK}.{10 + k} h{k}\n" for k in range(self.count + 1)))
            for k in range(self.count + 1):
                host = Host(f"h{k}", k > 0)
                self.hosts.append(host)
                self.switch.run("ip", "link", "add", f"v{k}", "type", "veth", "peer", "name",
                                "eth0", "netns", str(host.pid))
                self.switch.run("ip", "link", "set", f"v{k}", "master", "br0", "up")
                host.run("ip", "addr", "add", f"{NETWORK}.{10 + k}/24", "dev", "eth0")
                host.run("ip", "link", "set", "eth0", "up")
                host.run("mount", "--bind", names, "/etc/hosts")
            # What mpirun calls instead of ssh.
            self.agent = self.folder / "agent.sh"
            cases = "".join(f"{host.name}) pid={host.pid};; " for host in self.hosts[2:])
            self.agent.write_text(
                f"#!/bin/sh\nhost=$1; shift\ncase $host in {cases}*) exit 1;; esac\n"
                'exec nsenter -t $pid -n -u -m -i -p -r -w -- /bin/sh -c "$*"\n')
            self.agent.chmod(self.agent.stat().st_mode | stat.S_IXUSR)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for host in reversed(self.hosts):
            host.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def limit_rate(self, rate):
        """Both ways of every host, as tc writes it: 1gbit."""
        for host in self.hosts[2:]:
            host.run("tc", "qdisc", "add", "dev", "eth0", "root", "tbf", "rate", rate, "burst",
                     "64kb", "latency", "50ms")

    def cut(self, k):
        """Takes the cable of a host out."""
        self.switch.run("ip", "link", "set", f"v{k}", "down")

    def mpirun(self, ranks_per_host, *command, mca=None):
        """The command line that starts the ranks on h1, h2, ...: to be run anywhere."""
        hosts = ",".join(f"h{k}:{ranks_per_host}" for k in range(1, self.count + 1))
        options = {"plm_rsh_agent": self.agent, "btl": "tcp,vader,self",
                   "btl_tcp_if_include": "eth0", "oob_tcp_if_include": "eth0",
                   "mpi_yield_when_idle": 1, **(mca or {})}
        flags = [text for name, value in options.items() for text in ("--mca", name, str(value))]
        return [*self.hosts[1].enter, "mpirun", "--allow-run-as-root", "--bind-to", "none",
                "--host", hosts, *flags, *map(str, command)]

    def pids_of(self, k, program):
        """The processes of that name on a host, as this machine numbers them."""
        namespace = os.readlink(f"/proc/{self.hosts[k + 1].pid}/ns/pid")
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    if (os.readlink(entry / "ns" / "pid") == namespace
                            and Path(os.readlink(entry / "exe")).name == program):
                        found.append(int(entry.name))
                except OSError:
                    continue
        return sorted(found)


def wait_until_gone(process, seconds):
    """The seconds that it took to end, or None."""
    begin = time.monotonic()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
    return time.monotonic() - begin
