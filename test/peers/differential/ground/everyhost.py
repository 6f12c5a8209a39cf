"""What stands in for hosts: ports are bound on every host, and volumes are there as soon as they are asked for."""

from neutron_lib.api.definitions import portbindings
from neutron_lib.plugins.ml2 import api


class Ports(api.MechanismDriver):
    def initialize(self):
        pass

    def bind_port(self, context):
        segment = context.segments_to_bind[0]
        context.set_binding(segment[api.ID], portbindings.VIF_TYPE_OVS, {"port_filter": True}, status="ACTIVE")
