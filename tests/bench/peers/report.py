"""Tables on standard output, and everything in one JSON file."""
import json
import os
import platform
import statistics
import subprocess
import sys
from datetime import datetime, timezone

import numpy as np

HEADER = ("peer", "setting", "above optimum", "fit s", "whole s", "peak MB", "runs",
          "fit: x best", "x 1x1", "whole: x best", "x 1x1")


def machine():
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"cpu": cpu, "cores": len(os.sched_getaffinity(0)), "memory_gb": round(memory / 1e9, 1),
            "system": platform.platform(),
            "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "command": sys.argv, "load_at_start": os.getloadavg()[0],
            "python": platform.python_version(), "numpy": np.__version__}


BLAS = """
import json, numpy, scipy.linalg, numpy.linalg
try:
    import threadpoolctl
    print(json.dumps([f"{i['internal_api']} {i['version']} ({i['num_threads']} threads)"
                      for i in threadpoolctl.threadpool_info() if i["user_api"] == "blas"]))
except ImportError:
    print("null")
"""


def blas(python):
    """What numpy computes with: an empty list is a plain BLAS, which no peer should be held to."""
    result = subprocess.run([python, "-c", BLAS], capture_output=True, text=True, check=False)
    return json.loads(result.stdout) if result.returncode == 0 else None


def spread(values):
    """median [min, max], or '-' where there is no clock."""
    if not values:
        return "-"
    median = statistics.median(values)
    digits = 3 if median < 10 else 1
    if len(values) == 1:
        return f"{median:.{digits}f}"
    return f"{median:.{digits}f} [{min(values):.{digits}f}, {max(values):.{digits}f}]"


def seconds(entry, key):
    return [run[key] for run in entry["timed"] if run[key] is not None]


def median(entry, key):
    values = seconds(entry, key)
    return statistics.median(values) if values else None


def factor(value, base):
    if value is None or base is None:
        return "-"
    return f"{value / base:.1f}" if base > 0 else "-"


def marked(entry):
    """The name of a peer, with a mark when it solves another problem."""
    return entry["peer"] + ("" if entry["problem"] == "same" else f" *{entry['problem']}")


def table(target, entries):
    """`entries`: for each peer the setting it is shown at, or why there is none."""
    own = [entry for entry in entries if entry["peer"].startswith("paralogit") and entry["reached"]]
    best = {key: min((median(entry, key) for entry in own), default=None)
            for key in ("fit", "whole")}
    one = next((entry for entry in own if entry["peer"].endswith(" 1x1")), None)
    rows = [HEADER]
    for entry in entries:
        # Factors are ratios of medians within this run, and of validated results alone.
        factors = []
        for key in ("fit", "whole"):
            value = median(entry, key) if entry["reached"] else None
            entry[f"{key}_median"] = value
            factors += [factor(value, best[key]),
                        factor(value, one and median(one, key))]
        above = entry["excess"]
        mark = "" if entry["reached"] else f" ({entry['why']})"
        rows.append((marked(entry), entry["setting"],
                     ("-" if above is None else f"{above:.1e}") + mark,
                     spread(seconds(entry, "fit")), spread(seconds(entry, "whole")),
                     f"{max(run['peak'] for run in entry['timed']):.0f}" if entry["timed"] else "-",
                     str(len(entry["timed"])), *factors))
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    lines = [f"to {target:.0e} above the optimum, relative:"]
    for row in rows:
        left = "  ".join(cell.ljust(width) for cell, width in zip(row[:3], widths))
        right = "  ".join(cell.rjust(width) for cell, width in zip(row[3:], widths[3:]))
        lines.append(f"  {left}  {right}".rstrip())
    for key, words in (("fit", "fit alone"), ("whole", "whole process")):
        fastest = min((entry for entry in entries if entry["reached"] and entry not in own
                       and entry[f"{key}_median"] is not None),
                      key=lambda entry: entry[f"{key}_median"], default=None)
        if fastest and best[key]:
            lines.append(f"  fastest peer, {words}: {marked(fastest)}, "
                         f"{factor(fastest[f'{key}_median'], best[key])} times paralogit's best")
    return "\n".join(lines)
