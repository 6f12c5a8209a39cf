"""A back end that holds no data: volumes are there as soon as they are asked for."""

import os
import tempfile

from cinder.tests import fake_driver

# What every volume is where it is connected.
DEVICE = os.path.join(tempfile.gettempdir(), f"everyvolume-{os.getpid()}")


class Volumes(fake_driver.FakeLoggingVolumeDriver):
    def _update_volume_stats(self):
        super()._update_volume_stats()
        self._stats["pools"][0].update(reserved_percentage=0, consistencygroup_support=True, multiattach=True)
        self._stats["pools"][0]["consistent_group_snapshot_enabled"] = True

    def initialize_connection(self, volume, connector):
        with open(DEVICE, "ab") as device:
            device.truncate(4096)
        return {"driver_volume_type": "local", "data": {"device_path": DEVICE, "access_mode": "rw"}}

    def copy_image_to_volume(self, context, volume, image_service, image_id, disable_sparse=False):
        pass

    def revert_to_snapshot(self, context, volume, snapshot):
        pass
