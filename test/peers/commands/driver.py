"""Runs commands of the old clients in one process: a JSON line {"cli", "argv", "env"} in, {"rc", "stdout", "stderr", "ms"} out.

Each goes through its client's own shell, from its arguments to its exit code; only the start of an interpreter is saved.
"""

import contextlib
import getpass
import io
import json
import logging
import os
import sys
import time
import warnings


def nova(argv):
    from novaclient import shell

    return shell.OpenStackComputeShell().main(argv)


def cinder(argv):
    from cinderclient import shell

    return shell.OpenStackCinderShell().main(argv)


def glance(argv):
    from glanceclient import shell

    sys.argv = ["glance", *argv]
    return shell.OpenStackImagesShell().main(argv)


def neutron(argv):
    from neutronclient import shell
    from neutronclient.common import clientmanager

    # It keeps its client for the process, whoever speaks.
    for cache in vars(clientmanager.ClientManager).values():
        if isinstance(cache, clientmanager.ClientCache):
            cache._handle = None
    return shell.NeutronShell("2.0").run(argv)


SHELLS = {"nova": nova, "cinder": cinder, "glance": glance, "neutron": neutron}


def run(cli, argv):
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            rc = SHELLS[cli](argv)
        except SystemExit as leave:
            rc = leave.code if isinstance(leave.code, int) else 1
        except Exception as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            rc = 1
    for name in ["", *logging.root.manager.loggerDict]:
        logger = logging.getLogger(name)
        for handler in list(logger.handlers):
            logger.removeHandler(handler)
    out.flush()
    said = out.buffer.getvalue().decode("utf-8", "replace")
    return (rc if isinstance(rc, int) else 0), said, err.getvalue()


# What is typed where a password is asked for on a terminal.
getpass.getpass = lambda prompt="Password: ", stream=None: "peers-new-password"


class Terminal(io.StringIO):
    """Nobody sends anything: `glance` takes whatever is no terminal for data of an image."""

    def isatty(self):
        return True


def main():
    warnings.simplefilter("ignore")
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    lines = os.fdopen(os.dup(0), "r")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    sys.stdin = Terminal()
    for line in lines:
        asked = json.loads(line)
        os.environ.update(asked["env"])
        started = time.monotonic()
        rc, out, err = run(asked["cli"], asked["argv"])
        ms = round((time.monotonic() - started) * 1000)
        answers.write(json.dumps({"rc": rc, "stdout": out, "stderr": err, "ms": ms}) + "\n")


main()
