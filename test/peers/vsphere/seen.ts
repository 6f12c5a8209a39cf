import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { look, type Step, type World } from '../openstackclient/story.ts'
import { patiently } from '../support/patiently.ts'
import type { Inventory, Vcsim } from './launch.ts'

const PATIENCE_MS = 20_000

/** Our mark as the simulator holds it: `plimsoll <deployment> <project> <kind> <resource> <token> <epoch>`. */
const resourceIn = (mark: string | undefined): string | undefined => mark?.split(' ')[4]
const named = (resource: string | undefined): string => {
  assert.ok(resource, 'the story never got so far')
  return resource
}
const one = <T>(found: T[], what: string): T => {
  assert.equal(found.length, 1, `${found.length} ${what}s carry our mark, not one`)
  return found[0]!
}
/** The one machine that stands for a resource; throws if there is another, or none. */
export const machineOf = ({ machines }: Inventory, resource: string | undefined) =>
  one(
    machines.filter(({ settings }) => resourceIn(settings['plimsoll.mark']) === named(resource)),
    'machine',
  )

/** The URL by which a machine that arrives says that it is ready, as its guest finds it in its user data; else undefined. */
export const readyUrlOf = ({ settings }: Inventory['machines'][number]): string | undefined => {
  const parts = Buffer.from(settings['guestinfo.userdata'] ?? '', 'base64').toString('latin1')
  const script = parts.split(/\r\n--/).find((part) => part.includes('zz-plimsoll-ready'))
  const plain = Buffer.from(script?.split('\r\n\r\n')[1] ?? '', 'base64').toString()
  return /^url='(.+)'$/m.exec(plain)?.[1]
}

/** Everything in the simulator that carries a mark of ours. */
export const marked = ({ machines, networks, disks }: Inventory): string[] => [
  ...machines.filter(({ settings }) => settings['plimsoll.mark']).map(({ id, name }) => `${id} ${name}`),
  ...networks.filter(({ description }) => /^plimsoll /m.test(description)).map(({ id, name }) => `${id} ${name}`),
  ...disks.filter(({ metadata }) => metadata['plimsoll.mark']).map(({ id, name }) => `disk ${id} ${name}`),
]

/** What vcsim itself must hold at each moment of the story. */
export const seenOnVcsim = (vcsim: Vcsim): ((moment: string) => Step[]) => {
  const at = (title: string, run: (held: Inventory, vars: World['vars']) => void) => [
    look(
      `vcsim: ${title}`,
      // A client's command has been answered before the cloud was called: what is to be seen may take a while.
      ({ vars }) => patiently(async () => run(await vcsim.inventory(), vars), PATIENCE_MS),
    ),
  ]
  const power = (wanted: string) =>
    at(`the machine is ${wanted}`, (held, { vm1 }) => assert.equal(machineOf(held, vm1).power, wanted))
  const volumeOf = ({ disks }: Inventory, { v1 }: World['vars']) =>
    one(
      disks.filter(({ metadata }) => resourceIn(metadata['plimsoll.mark']) === named(v1)),
      'disk',
    )
  const moments: Record<string, Step[]> = {
    'server built': at(
      'a machine as asked for, with our mark, one card on our port group, and its cloud-init',
      (held, vars) => {
        const machine = machineOf(held, vars.vm1)
        assert.equal(machine.power, 'poweredOn')
        assert.deepEqual([machine.cpus, machine.memory_mib], [1, 2048])
        const group = one(
          held.networks.filter(({ description }) => resourceIn(/^plimsoll .*$/m.exec(description)?.[0]) === vars.n1),
          'port group',
        )
        assert.deepEqual(
          machine.cards.map(({ network }) => network),
          [group.id],
        )
        const metadata = Buffer.from(machine.settings['guestinfo.metadata'] ?? '', 'base64').toString()
        assert.match(metadata, /ssh-ed25519/)
        assert.match(metadata, /10\.5\.0\./)
      },
    ),
    'server stopped': power('poweredOff'),
    'server started': power('poweredOn'),
    'server suspended': power('suspended'),
    'port added': at('a second card', (held, { vm1 }) => assert.equal(machineOf(held, vm1).cards.length, 2)),
    'server resized': at('as large as the new flavor', (held, { vm1 }) => {
      const { cpus, memory_mib: memory, disks } = machineOf(held, vm1)
      assert.deepEqual([cpus, memory, disks[0]?.size_mib], [2, 4096, 40 * 1024])
    }),
    'image made': at('a template', (held, { snap1 }) => assert.equal(machineOf(held, snap1).template, true)),
    'volume made': at('a disk of 1 GiB', (held, vars) => assert.equal(volumeOf(held, vars).size_mib, 1024)),
    'volume grown': at('a disk of 2 GiB', (held, vars) => assert.equal(volumeOf(held, vars).size_mib, 2048)),
    'volume attached': at('the disk in the machine', (held, vars) => {
      const { id } = volumeOf(held, vars)
      assert.ok(machineOf(held, vars.vm1).disks.some((each) => each.id === id))
    }),
    'volume detached': at('the disk by itself again', (held, vars) => {
      const { id } = volumeOf(held, vars)
      assert.ok(!machineOf(held, vars.vm1).disks.some((each) => each.id === id))
    }),
    'server deleted': at('no machine of it', (held, { vm1 }) => {
      assert.ok(!held.machines.some(({ settings }) => resourceIn(settings['plimsoll.mark']) === vm1))
    }),
  }
  return (moment) => moments[moment] ?? []
}
