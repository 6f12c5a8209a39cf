"""Serves one WSGI application of OpenStack: serve.py MODULE:NAME PORT [arguments of the service]."""

import importlib
import sys

from gunicorn.app.base import BaseApplication

place, port, *arguments = sys.argv[1:]
module, name = place.split(":")


class Server(BaseApplication):
    def load_config(self):
        self.cfg.set("bind", f"127.0.0.1:{port}")
        self.cfg.set("worker_class", "gthread")
        self.cfg.set("threads", 6)
        self.cfg.set("timeout", 300)
        self.cfg.set("graceful_timeout", 2)
        self.cfg.set("keepalive", 30)

    def load(self):
        # Services read the arguments of the program as theirs.
        sys.argv = [module.split(".")[0], *arguments]
        return getattr(importlib.import_module(module), name)


Server().run()
