"""Two machines of dask-cloudprovider, which knows no other login than an application credential."""

import asyncio

import dask
from dask_cloudprovider.openstack.instances import OpenStackCluster, OpenStackScheduler, OpenStackWorker

from told import settings, up

told = settings()


dask.config.set({'cloudprovider.openstack': {
    'region': told['region'],
    'size': told['flavor'],
    'auth_url': told['auth_url'],
    'application_credential_id': told['credential']['id'],
    'application_credential_secret': told['credential']['secret'],
    'auth_type': 'v3applicationcredential',
    'network_id': told['network_id'],
    'image': told['image'],
    'keypair_name': told['key'],
    'security_group': told['group'],
    'create_floating_ip': False,
    'external_network_id': None,
    'docker_image': 'daskdev/dask:latest',
}})


async def cluster():
    made = OpenStackCluster(asynchronous=True, security=False)
    made.uuid = told['name']
    scheduler = OpenStackScheduler(**made.scheduler_options)
    inside, _ = await scheduler.create_vm()
    assert inside, 'the scheduler has no address'
    made.scheduler_internal_ip, made.scheduler_port = inside, 8786
    worker = OpenStackWorker(f'tcp://{inside}:8786', **made.worker_options)
    beside, _ = await worker.create_vm()
    assert beside and beside != inside, 'the worker has no address of its own'
    await asyncio.to_thread(up, scheduler.instance.id, worker.instance.id)
    await worker.destroy_vm()
    await scheduler.destroy_vm()


asyncio.run(cluster())
