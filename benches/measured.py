"""Seconds and peak megabytes of a command.

Linux counts into a process's peak memory what its parent held when it was forked, so the command is started by a
small process of its own.
"""

import json
import subprocess
import sys

STARTER = """
import json, os, resource, subprocess, sys, time
start = time.perf_counter()
status = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
seconds = time.perf_counter() - start
print(json.dumps([status, seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024]))
"""


def measured(command):
    """Seconds and megabytes of a command that must succeed."""
    command = [str(argument) for argument in command]
    done = subprocess.run([sys.executable, "-c", STARTER, *command], stdout=subprocess.PIPE, check=True)
    status, seconds, megabytes = json.loads(done.stdout)
    if status:
        sys.exit(f"failed: {command}")
    return seconds, megabytes
