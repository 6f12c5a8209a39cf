"""What Schemathesis has to know of the image API: its patches are JSON by another name."""

import schemathesis

schemathesis.serializer.alias("application/openstack-images-v2.1-json-patch", "application/json")
