"""Runs openstack commands in one process: a JSON line {"argv": [...]} in, a JSON line {"rc", "stdout", "stderr", "ms"} out.

Each command goes through the client's own shell, from its arguments to its exit code; only the start of a Python
interpreter per command is saved.
"""

import contextlib
import io
import json
import logging
import os
import sys
import time

from openstackclient import shell
from openstackclient.common import clientmanager
from osc_lib.clientmanager import ClientCache


def forget():
    """Clients of services are kept for the process, whatever cloud they were made for."""
    for kind in clientmanager.ClientManager.__mro__:
        for cache in vars(kind).values():
            if isinstance(cache, ClientCache):
                cache._handle = None


def run(argv):
    """One command as a fresh process would run it; whatever it leaves in the logging tree is cleared."""
    forget()
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            rc = shell.OpenStackShell().run(argv)
        except SystemExit as leave:
            rc = leave.code if isinstance(leave.code, int) else 1
    for handler in list(logging.getLogger('').handlers):
        logging.getLogger('').removeHandler(handler)
    return rc or 0, out.getvalue(), err.getvalue()


def main():
    sys.argv = ['openstack']
    answers = os.fdopen(os.dup(1), 'w', buffering=1)
    lines = os.fdopen(os.dup(0), 'r')
    # What a command reads is empty, what it writes past sys.stdout does not disturb the answers.
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    sys.stdin = open(0, closefd=False)
    for line in lines:
        started = time.monotonic()
        rc, out, err = run(json.loads(line)['argv'])
        ms = round((time.monotonic() - started) * 1000)
        answers.write(json.dumps({'rc': rc, 'stdout': out, 'stderr': err, 'ms': ms}) + '\n')


main()
