"""Nodes of Nodepool, one unless more are told: its configuration file, its OpenStack driver, and the two state machines that its launcher drives."""

import logging
import os
import random
import tempfile
import time

import yaml

from told import settings, up

told = settings()
count = told.get('count', 1)
folder = tempfile.mkdtemp(dir=told['folder'])

clouds = os.path.join(folder, 'clouds.yaml')
with open(clouds, 'w') as file:
    yaml.safe_dump({'clouds': {'plimsoll': {
        'auth_type': 'v3applicationcredential',
        'auth': {
            'auth_url': told['auth_url'],
            'application_credential_id': told['credential']['id'],
            'application_credential_secret': told['credential']['secret'],
        },
            'region_name': told['region'],
        # The launcher is within the network, as its nodes are.
        'private': True,
    }}}, file)
os.environ['OS_CLIENT_CONFIG_FILE'] = clouds

label = {
    'name': 'small',
    'cloud-image': told['image'],
    'flavor-name': told['flavor'],
    'key-name': told['key'],
    'instance-properties': {'purpose': 'ci'},
}
if told.get('boot_from_volume'):
    label.update({'boot-from-volume': True, 'volume-size': told['boot_from_volume']})
configuration = os.path.join(folder, 'nodepool.yaml')
with open(configuration, 'w') as file:
    yaml.safe_dump({
        'zookeeper-servers': [{'host': 'localhost'}],
        'zookeeper-tls': {'cert': '/dev/null', 'key': '/dev/null', 'ca': '/dev/null'},
        'labels': [{'name': 'small'}],
        'providers': [{
            'name': 'plimsoll',
            'driver': 'openstack',
            'cloud': 'plimsoll',
            'rate': 0.001,
            'cloud-images': [{'name': told['image'], 'config-drive': told.get('config_drive', False)}],
            'pools': [{
                'name': 'main',
                'max-servers': count + 1,
                'networks': [told['network']],
                'security-groups': [told['group']],
                'auto-floating-ip': False,
                'labels': [label],
            }],
        }],
    }, file)

from nodepool.config import loadConfig  # noqa: E402  it reads the environment when it is imported
from nodepool.driver.openstack.adapter import OpenStackAdapter  # noqa: E402

provider = loadConfig(configuration).providers['plimsoll']
adapter = OpenStackAdapter(provider)
log = logging.getLogger('nodepool')


def finish(machine):
    """As the launcher does it: advanced until it says that it is complete."""
    while True:
        result = machine.advance()
        if machine.complete:
            return result
        time.sleep(0.3)


wanted = provider.pools['main'].labels['small']
assert adapter.labelReady(wanted), 'the image is not there'
assert adapter.getQuotaLimits().quota['compute']['instances'] > 0
zone = random.choice(adapter.getAZs())
names = [f'{n:010}' for n in range(1, count + 1)]
nodes = []
for name in names:
    metadata = {'nodepool_node_id': name, 'nodepool_pool_name': 'main', 'nodepool_provider_name': 'plimsoll'}
    nodes.append(finish(adapter.getCreateStateMachine(f'np{name}', wanted, None, metadata, None, zone, log)))
assert all(node.interface_ip for node in nodes), 'a node has no address'
ids = sorted(node.external_id for node in nodes)
assert sorted(one.external_id for one in adapter.listInstances()) == ids
assert sorted(one.metadata['nodepool_node_id'] for one in adapter.listResources()) == names

up(*ids)

for external_id in ids:
    finish(adapter.getDeleteStateMachine(external_id, log))
adapter.stop()
