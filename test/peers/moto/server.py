"""moto's server with the states that EC2 has and moto skips. Protocol is the fault proxy's, states are this file's."""

import base64
import hashlib

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.ebs.models import EBSBackend
from moto.ebs.responses import EBSResponse
from moto.ec2.exceptions import DependencyViolationError, EC2ClientError, VolumeInUseError
from moto.ec2.models import EC2Backend
from moto.ec2.models.amis import Ami
from moto.ec2.models.instances import Instance
from moto.ec2.responses.amis import AmisResponse
from moto.ec2.responses import EC2Response
from moto.ec2.responses.dhcp_options import DHCPOptions
from moto.ec2.utils import random_ami_id
from moto.server import main


def wrap(owner, name):
    """Replaces a method; the replacement gets the original as its first argument."""

    def install(replacement):
        original = getattr(owner, name)
        setattr(owner, name, lambda *args, **kwargs: replacement(original, *args, **kwargs))

    return install


def incorrect_state(instance_id, state):
    message = f"The instance '{instance_id}' is in the state '{state}'"
    return EC2ClientError("IncorrectInstanceState", message)


@wrap(Instance, "terminate")
def terminate(original, self):
    """Interfaces that outlive the instance are free again; a second termination changes nothing."""
    if self._state.name == "terminated":
        return self._state
    result = original(self)
    kept = dict(self.nics)
    for nic in kept.values():
        if not nic.delete_on_termination:
            self.detach_eni(nic)
    # The answer to DescribeInstances is written with the help of the first one.
    self.nics.update(kept)
    return result


@wrap(EC2Backend, "start_instances")
def start_instances(original, self, instance_ids):
    for instance in self.get_multi_instances_by_id(instance_ids):
        if instance._state.name == "terminated":
            raise incorrect_state(instance.id, instance._state.name)
    return original(self, instance_ids)


@wrap(EC2Backend, "modify_instance_attribute")
def modify_instance_attribute(original, self, instance_id, key, value):
    instance = self.get_instance(instance_id)
    if key == "instance_type" and instance._state.name != "stopped":
        raise incorrect_state(instance_id, instance._state.name)
    return original(self, instance_id, key, value)


@wrap(EC2Backend, "attach_volume")
def attach_volume(original, self, volume_id, instance_id, *args, **kwargs):
    attachment = self.get_volume(volume_id).attachment
    if attachment:
        raise VolumeInUseError(volume_id, attachment.instance.id)
    return original(self, volume_id, instance_id, *args, **kwargs)


@wrap(EC2Backend, "delete_subnet")
def delete_subnet(original, self, subnet_id):
    if any(eni.subnet.id == subnet_id for eni in self.enis.values()):
        raise DependencyViolationError(f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")
    return original(self, subnet_id)


@wrap(EC2Backend, "delete_vpc")
def delete_vpc(original, self, vpc_id):
    """Groups and gateways keep a VPC as subnets do; its DHCP options outlive it."""
    groups = [group for group in self.groups.get(vpc_id, {}).values() if group.name != "default"]
    gateways = [gateway for gateway in self.internet_gateways.values() if gateway.vpc and gateway.vpc.id == vpc_id]
    if groups or gateways:
        raise DependencyViolationError(f"The vpc '{vpc_id}' has dependencies and cannot be deleted.")
    vpc = self.vpcs.get(vpc_id)
    options = vpc and vpc.dhcp_options
    if options:
        self.disassociate_dhcp_options(vpc)
    try:
        return original(self, vpc_id)
    except EC2ClientError:
        if options:
            self.associate_dhcp_options(options, vpc)
        raise


@wrap(EC2Backend, "associate_dhcp_options")
def associate_dhcp_options(original, self, dhcp_options, vpc):
    """What was associated before is free."""
    self.disassociate_dhcp_options(vpc)
    return original(self, dhcp_options, vpc)


@wrap(EC2Backend, "_delete_security_group")
def delete_security_group(original, self, vpc_id, group_id):
    if any(group.id == group_id for eni in self.enis.values() for group in eni.group_set):
        raise DependencyViolationError(f"resource {group_id} has a dependent object")
    return original(self, vpc_id, group_id)


@wrap(EC2Backend, "revoke_security_group_egress")
def revoke_security_group_egress(original, self, **asked):
    """IPv6 ranges go too, in a network without IPv6 as in any other."""
    gone = [item["CidrIpv6"] for item in asked["ip_ranges"] if "CidrIpv6" in item]
    original(self, **asked)
    group = self.get_security_group_by_name_or_id(asked["group_name_or_id"], asked.get("vpc_id"))
    kind = (asked["ip_protocol"], str(asked["from_port"]), str(asked["to_port"]))
    group.egress_rules = [
        rule
        for rule in group.egress_rules
        if (rule.ip_protocol, str(rule.from_port), str(rule.to_port)) != kind
        or rule.ip_range.get("CidrIpv6") not in gone
    ]


@wrap(EC2Backend, "create_network_interface")
def create_network_interface(original, self, subnet, private_ip_address, private_ip_addresses=None, *args, **kwargs):
    wanted = {item.get("PrivateIpAddress") for item in private_ip_addresses or []} - {None}
    for eni in self.enis.values():
        taken = {item["PrivateIpAddress"] for item in eni.private_ip_addresses}
        if eni.subnet.id == getattr(subnet, "id", subnet) and wanted & taken:
            raise EC2ClientError("InvalidIPAddress.InUse", "The specified address is already in use.")
    return original(self, subnet, private_ip_address, private_ip_addresses, *args, **kwargs)


@wrap(DHCPOptions, "create_dhcp_options")
def create_dhcp_options(original, self):
    """They can be tagged in the same call."""
    before = set(self.ec2_backend.dhcp_options_sets)
    result = original(self)
    made = set(self.ec2_backend.dhcp_options_sets) - before
    self.ec2_backend.create_tags(list(made), self._parse_tag_specification().get("dhcp-options", {}))
    return result


@wrap(EC2Backend, "create_image")
def create_image(original, self, instance_id, name, description, tag_specifications):
    """Names are unique in an account; the image's snapshot can be tagged in the same call."""
    for image in self.amis.values():
        if image.name == name:
            raise EC2ClientError("InvalidAMIName.Duplicate", f"AMI name {name} is already in use by AMI {image.id}")
    tags = {spec["ResourceType"]: spec["Tags"] for spec in tag_specifications}
    own = [spec for spec in tag_specifications if spec["ResourceType"] != "snapshot"]
    image = original(self, instance_id, name, description, tag_specifications=own)
    for tag in tags.get("snapshot", []):
        image.ebs_snapshot.add_tag(tag["Key"], tag["Value"])
    return image


class Invalid(ServiceException):
    """What EBS says of a call that its rules do not allow."""

    code = "ValidationException"


def pending(backend, snapshot_id):
    snapshot = backend.snapshots.get(snapshot_id)
    if not snapshot or snapshot.status != "pending":
        raise Invalid(f"The snapshot '{snapshot_id}' is not in the 'pending' state.")
    return snapshot


@wrap(EBSBackend, "start_snapshot")
def start_snapshot(original, self, volume_size, tags, description):
    """A snapshot that is being written is not complete, and no volume stands behind it."""
    made = original(self, volume_size=volume_size, tags=tags, description=description)
    snapshot = self.ec2_backend.snapshots[made.snapshot_id]
    snapshot.status = "pending"
    self.ec2_backend.delete_volume(snapshot.volume.id)
    return made


@wrap(EBSBackend, "put_snapshot_block")
def put_snapshot_block(original, self, snapshot_id, block_index, block_data, checksum, checksum_algorithm, data_length):
    pending(self, snapshot_id)
    if len(block_data) != 524288 or int(data_length) != len(block_data):
        raise Invalid(f"A block has 524288 bytes, not {len(block_data)}.")
    if checksum_algorithm != "SHA256" or base64.b64encode(hashlib.sha256(block_data).digest()).decode() != checksum:
        raise Invalid("The checksum is not that of the block.")
    return original(self, snapshot_id, block_index, block_data, checksum, checksum_algorithm, data_length)


@wrap(EBSResponse, "complete_snapshot")
def complete_snapshot(original, self):
    """The number of blocks is how EBS knows that it has all of them."""
    snapshot = pending(self.ebs_backend, self._get_param("SnapshotId"))
    if int(self._get_param("ChangedBlocksCount")) != len(snapshot.blocks):
        raise Invalid(f"{len(snapshot.blocks)} blocks were written.")
    answer = original(self)
    self.ebs_backend.ec2_backend.snapshots[snapshot.snapshot_id].status = "completed"
    return answer


@wrap(AmisResponse, "register_image")
def register_image(original, self):
    """An image of a snapshot: its size, its tags and its name are those that were asked for."""
    backend = self.ec2_backend
    name = self._get_param("Name")
    for image in backend.amis.values():
        if image.name == name:
            raise EC2ClientError("InvalidAMIName.Duplicate", f"AMI name {name} is already in use by AMI {image.id}")
    disk = self._get_param("BlockDeviceMappings", [])[0]
    snapshot = backend.snapshots.get(disk["Ebs"]["SnapshotId"])
    if not snapshot:
        raise EC2ClientError("InvalidSnapshot.NotFound", "The snapshot does not exist.")
    if snapshot.status != "completed":
        raise EC2ClientError("IncorrectState", "The snapshot is not completed.")
    image = Ami(
        backend,
        random_ami_id(),
        name=name,
        description=self._get_param("Description", ""),
        architecture=self._get_param("Architecture"),
        virtualization_type=self._get_param("VirtualizationType"),
        root_device_type="ebs",
        root_device_name=self._get_param("RootDeviceName"),
    )
    del backend.snapshots[image.ebs_snapshot.id]
    image.ebs_snapshot = snapshot
    for spec in self._get_param("TagSpecifications", []):
        for tag in spec["Tags"]:
            image.add_tag(tag["Key"], tag["Value"])
    backend.amis[image.id] = image
    return ActionResult({"ImageId": image.id})


unsized = Ami.block_device_mappings.fget


def block_device_mappings(self):
    """A root disk is as large as its snapshot."""
    mappings = unsized(self)
    mappings[0]["Ebs"]["VolumeSize"] = self.ebs_snapshot.volume_size
    return mappings


Ami.block_device_mappings = property(block_device_mappings)


@wrap(EC2Response, "run_instances")
def run_instances(original, self):
    """Instances know their placement group, which has to be there."""
    name = self._get_param("Placement.GroupName")
    if name and name not in placement_groups(self.ec2_backend):
        raise EC2ClientError("InvalidPlacementGroup.Unknown", f"The Placement Group '{name}' is unknown.")
    before = set(self.ec2_backend.reservations)
    answer = original(self)
    for reservation in set(self.ec2_backend.reservations) - before:
        for instance in self.ec2_backend.reservations[reservation].instances:
            instance.placement_group = name
    return answer


def placement_groups(backend):
    """moto has none: what the API reference says of their names and states stands in for them here."""
    return backend.__dict__.setdefault("placement_groups_by_name", {})


def create_placement_group(self):
    groups = placement_groups(self.ec2_backend)
    name = self._get_param("GroupName")
    if name in groups:
        raise EC2ClientError("InvalidPlacementGroup.Duplicate", f"The Placement Group '{name}' already exists.")
    group_id = f"pg-{hashlib.sha256(name.encode()).hexdigest()[:17]}"
    tags = [tag for spec in self._get_param("TagSpecifications", []) for tag in spec["Tags"]]
    self.ec2_backend.create_tags([group_id], {tag["Key"]: tag["Value"] for tag in tags})
    groups[name] = {"GroupName": name, "GroupId": group_id, "Strategy": self._get_param("Strategy"), "State": "available"}
    return ActionResult({"PlacementGroup": {**groups[name], "Tags": tags}})


def described(backend, group):
    tags = backend.tags[group["GroupId"]]
    return {**group, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def fits(group, name, values):
    if name == "group-name":
        return group["GroupName"] in values
    return any(f"tag:{tag['Key']}" == name and tag["Value"] in values for tag in group["Tags"])


def describe_placement_groups(self):
    backend = self.ec2_backend
    wanted = [(each["Name"], each["Values"]) for each in self._get_param("Filters", [])]
    groups = [described(backend, group) for group in placement_groups(backend).values()]
    kept = [group for group in groups if all(fits(group, name, values) for name, values in wanted)]
    return ActionResult({"PlacementGroups": kept})


def delete_placement_group(self):
    groups = placement_groups(self.ec2_backend)
    name = self._get_param("GroupName")
    if name not in groups:
        raise EC2ClientError("InvalidPlacementGroup.Unknown", f"The Placement Group '{name}' is unknown.")
    running = [one for each in self.ec2_backend.reservations.values() for one in each.instances]
    if any(one._state.name != "terminated" and getattr(one, "placement_group", None) == name for one in running):
        raise EC2ClientError("InvalidPlacementGroup.InUse", f"The placement group '{name}' is in use.")
    del groups[name]
    return ActionResult({})


EC2Response.create_placement_group = create_placement_group
EC2Response.describe_placement_groups = describe_placement_groups
EC2Response.delete_placement_group = delete_placement_group


@wrap(EC2Backend, "delete_snapshot")
def delete_snapshot(original, self, snapshot_id):
    for image in self.amis.values():
        if image.ebs_snapshot.id == snapshot_id:
            raise EC2ClientError("InvalidSnapshot.InUse", f"The snapshot {snapshot_id} is in use by {image.id}")
    return original(self, snapshot_id)


if __name__ == "__main__":
    main()
