"""Prints every panel that Horizon has registered, one JSON line each, whoever may see it."""

import json

import django

django.setup()

import horizon  # noqa: E402
from django.urls import get_resolver  # noqa: E402
from horizon.base import Horizon  # noqa: E402

# Reading the routes is what has Horizon find its dashboards.
get_resolver().url_patterns
for dashboard in Horizon.get_dashboards():
    for panel in dashboard.get_panels():
        needs = [*getattr(dashboard, "permissions", ()), *getattr(panel, "permissions", ())]
        flat = [each if isinstance(each, str) else " or ".join(map(str, each)) for each in needs]
        print(
            json.dumps(
                {
                    "dashboard": str(dashboard.name),
                    "name": str(panel.name),
                    "path": panel.get_absolute_url(),
                    "needs": flat,
                }
            )
        )
