"""What a deployment of Horizon writes into its `local_settings.py`; found before the empty one of the package."""

import os

FOLDER = os.environ["HORIZON_FOLDER"]
OPENSTACK_KEYSTONE_URL = os.environ["HORIZON_KEYSTONE"]

DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
SECRET_KEY = "horizon-of-the-peers"
STATIC_ROOT = os.path.join(FOLDER, "static")
COMPRESS_OFFLINE = True

# One process: its own memory holds the sessions.
SESSION_ENGINE = "django.contrib.sessions.backends.cache"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# Whatever Horizon shows only where it is told that there is such a thing.
OPENSTACK_KEYSTONE_MULTIDOMAIN_SUPPORT = True
OPENSTACK_KEYSTONE_FEDERATION_MANAGEMENT = True
OPENSTACK_CINDER_FEATURES = {"enable_backup": True}
OPENSTACK_ENABLE_PASSWORD_RETRIEVE = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        # What it recovers from it tells as news.
        name: {"handlers": ["console"], "level": "INFO", "propagate": False}
        for name in ("horizon", "openstack_dashboard", "openstack_auth", "django.request")
    },
}
