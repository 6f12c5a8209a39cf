"""Drones of COBalD/TARDIS, one unless more are told: its site adapter, from deployment to termination."""

import asyncio
import os
import tempfile

import yaml

from told import settings, up

told = settings()
path = os.path.join(tempfile.mkdtemp(dir=told['folder']), 'tardis.yml')
with open(path, 'w') as file:
    yaml.safe_dump({
        'Sites': [{'name': 'Plimsoll', 'adapter': 'OpenStack', 'quota': 10}],
        'Plimsoll': {
            'auth_url': told['auth_url'],
            'application_credential_id': told['credential']['id'],
            'application_credential_secret': told['credential']['secret'],
            'MachineTypes': ['small'],
            'MachineTypeConfiguration': {'small': {
                'imageRef': told['image_id'],
                'flavorRef': told['flavor_id'],
                'networks': [{'uuid': told['network_id']}],
                'key_name': told['key'],
                'security_groups': [{'name': told['group']}],
            }},
            'MachineMetaData': {'small': {'Cores': 1, 'Memory': 2, 'Disk': 20}},
        },
    }, file)

from tardis.adapters.sites.openstack import OpenStackAdapter  # noqa: E402
from tardis.configuration.configuration import Configuration  # noqa: E402
from tardis.exceptions.tardisexceptions import TardisDroneCrashed  # noqa: E402
from tardis.interfaces.siteadapter import ResourceStatus  # noqa: E402
from tardis.utilities.attributedict import AttributeDict  # noqa: E402


async def drone():
    adapter = OpenStackAdapter(machine_type='small', site_name='Plimsoll')

    async def until(wanted, resource):
        for _ in range(200):
            status = (await adapter.resource_status(resource)).resource_status
            if status == wanted:
                return
            assert status != ResourceStatus.Error, 'the drone is in error'
            await asyncio.sleep(0.3)
        raise AssertionError(f'the drone is never {wanted}')

    async def gone(resource):
        await adapter.stop_resource(resource)
        await until(ResourceStatus.Stopped, resource)
        await adapter.terminate_resource(resource)
        try:
            with adapter.handle_exceptions():
                for _ in range(200):
                    await adapter.resource_status(resource)
                    await asyncio.sleep(0.3)
        except TardisDroneCrashed:
            return
        raise AssertionError('the drone never goes')

    resources = [AttributeDict(drone_uuid=f'plimsoll-{n:010}') for n in range(told.get('count', 1))]
    for resource in resources:
        resource.update(await adapter.deploy_resource(resource))
        await until(ResourceStatus.Running, resource)
    await asyncio.to_thread(up, *(resource.remote_resource_uuid for resource in resources))
    for resource in resources:
        await gone(resource)


Configuration(path)
asyncio.run(drone())
