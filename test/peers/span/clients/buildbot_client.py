"""A build of Buildbot on a latent worker: a master of its own, whose worker is started when its server is there."""

import os
import subprocess
import sys
import tempfile
import time

import openstack

from told import settings, up

told = settings()
folder = tempfile.mkdtemp(dir=told['folder'])
bin = os.path.dirname(sys.executable)
PASSWORD = 'of-the-worker'
disk = {
    'uuid': told['image_id'],
    'source_type': 'image',
    'destination_type': 'volume',
    'volume_size': told.get('boot_from_volume'),
    'delete_on_termination': True,
    'boot_index': 0,
}
what = {'block_devices': [disk]} if told.get('boot_from_volume') else {'image': told['image']}
login = {
    'auth_type': 'v3applicationcredential',
    'auth_url': told['auth_url'],
    'application_credential_id': told['credential']['id'],
    'application_credential_secret': told['credential']['secret'],
}
hints = {'scheduler_hints': {'group': told['server_group']}} if told.get('server_group') else {}
built = os.path.join(folder, 'built')
MASTER = f'''
from buildbot.plugins import schedulers, steps, util, worker
worker.OpenStackLatentWorker._poll_resolution = 1
factory = util.BuildFactory([steps.ShellCommand(command=['touch', {built!r}])])
BuildmasterConfig = {{
    'protocols': {{'pb': {{'port': 'tcp:{told["port"]}:interface=127.0.0.1'}}}},
    'workers': [worker.OpenStackLatentWorker(
        'latent', {PASSWORD!r}, flavor={told['flavor']!r}, os_auth_args={login!r}, region={told['region']!r},
        nova_args={{
            'nics': [{{'net-id': {told['network_id']!r}}}],
            'key_name': {told['key']!r},
            'security_groups': [{told['group']!r}],
            **{hints!r},
        }},
        build_wait_timeout=0, **{what!r})],
    'builders': [util.BuilderConfig(name='once', workernames=['latent'], factory=factory)],
    'schedulers': [schedulers.Periodic(name='now', builderNames=['once'], periodicBuildTimer=86400)],
    'db': {{'db_url': 'sqlite:///state.sqlite'}},
    'buildbotNetUsageData': None,
}}
'''


def run(*argv):
    return subprocess.run(argv, cwd=folder, check=True, stdout=sys.stderr)


def log():
    path = os.path.join(folder, 'master', 'twistd.log')
    return open(path).read() if os.path.exists(path) else ''


def until(what, holds, seconds=90):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        seen = holds()
        if seen:
            return seen
        time.sleep(0.3)
    raise AssertionError(f'after {seconds} s: {what}\n{log()[-4500:]}')


cloud = openstack.connect(**{
    'auth_type': login['auth_type'],
    'auth': {key: value for key, value in login.items() if key != 'auth_type'},
    'region_name': told['region'],
})
found = {}


def active():
    for server in cloud.compute.servers(name='^latent$'):
        found['id'] = server.id
        assert server.status != 'ERROR', server.fault
        return server.status == 'ACTIVE'


run(f'{bin}/buildbot', 'create-master', '-q', 'master')
with open(os.path.join(folder, 'master', 'master.cfg'), 'w') as file:
    file.write(MASTER)
run(f'{bin}/buildbot', 'upgrade-master', '-q', 'master')
master = subprocess.Popen([f'{bin}/buildbot', 'start', '--nodaemon', 'master'], cwd=folder, stdout=sys.stderr)
machine = None
try:
    until('the server is not there', active)
    up(found['id'])
    run(f'{bin}/buildbot-worker', 'create-worker', '-q', 'worker', f'127.0.0.1:{told["port"]}', 'latent', PASSWORD)
    machine = subprocess.Popen([f'{bin}/buildbot-worker', 'start', '--nodaemon', 'worker'], cwd=folder, stdout=sys.stderr)
    until('the build is not done', lambda: os.path.exists(built))
    until('the server is not gone', lambda: not list(cloud.compute.servers(name='^latent$')))
finally:
    for process in (machine, master):
        if process:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
