import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { useAnswer, useDoing } from '../../api/use-answer.ts'
import type { PageProps } from '../../page.ts'
import { Command } from '../../parts/command.tsx'
import { Disclosure } from '../../parts/disclosure.tsx'
import { FaultNote } from '../../parts/fault.tsx'
import { CheckList, SelectField, TextField } from '../../parts/form.tsx'
import { Heading } from '../../parts/heading.tsx'
import { notify } from '../../parts/notice.tsx'
import { mibWords, vcpuWords } from '../../parts/words.ts'
import { goTo, linkTo } from '../../router.ts'
import { ForeseenCard } from './foreseen.tsx'
import { createLine, NOTHING, placementBody, serverBody, type Wish } from './wish.ts'

interface Flavor {
  id: string
  name: string
  vcpus: number
  ram: number
  disk: number
}
interface Named {
  id: string
  name: string
}
interface Zones {
  availabilityZoneInfo: { zoneName: string; zoneState: { available: boolean } }[]
}

/** What a form is made of: what there is to choose from. */
const useChoices = () => ({
  flavors: useAnswer<{ flavors: Flavor[] }>('compute', '/flavors/detail?limit=1000'),
  images: useAnswer<{ images: Named[] }>('image', '/images?status=active&sort=name:asc&limit=500'),
  networks: useAnswer<{ networks: Named[] }>('network', '/networks?fields=id&fields=name&sort_key=name&sort_dir=asc'),
  groups: useAnswer<{ security_groups: Named[] }>('network', '/security-groups?fields=id&fields=name'),
  keys: useAnswer<{ keypairs: { keypair: { name: string } }[] }>('compute', '/os-keypairs'),
  zones: useAnswer<Zones>('compute', '/os-availability-zone'),
  rates: useAnswer<{ rates: { currency: string } }>('broker', '/rates'),
})

const flavorWords = ({ name, vcpus, ram, disk }: Flavor): string =>
  `${name} · ${vcpuWords(vcpus)}, ${mibWords(ram)}${disk ? `, ${disk} GiB disk` : ''}`

/** What somebody begins with: the first of what there is one of, and what the address says. */
const Create = ({ query }: PageProps) => {
  const choices = useChoices()
  const [wish, setWish] = useState<Wish>({ ...NOTHING, zone: query.get('zone') ?? '', image: query.get('image') ?? '' })
  const { busy, fault, run } = useDoing()
  const set =
    <K extends keyof Wish>(key: K) =>
    (value: Wish[K]) =>
      setWish((old) => ({ ...old, [key]: value }))
  const flavors = choices.flavors.value?.flavors ?? []
  const images = choices.images.value?.images ?? []
  const networks = choices.networks.value?.networks ?? []
  const groups = choices.groups.value?.security_groups ?? []
  const keys = choices.keys.value?.keypairs.map(({ keypair }) => keypair.name) ?? []
  const zones = choices.zones.value?.availabilityZoneInfo ?? []
  const nameOf = (id: string) => [...flavors, ...images, ...networks].find((each) => each.id === id)?.name ?? id
  const faults = Object.values(choices).flatMap((answer) => (answer.fault ? [answer.fault] : []))
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    await run(async () => {
      const { server } = await ask<{ server: { id: string } }>('compute', '/servers', {
        method: 'POST',
        body: serverBody(wish),
      })
      notify(`${wish.name} is being made.`)
      goTo(Number(wish.count) > 1 ? linkTo('/servers') : linkTo('/servers/:id', { id: server.id }))
    })
  }
  return (
    <>
      <Heading title="New server" />
      <div class="beside">
        <form class="card stack" onSubmit={submit}>
          {faults[0] && <FaultNote fault={faults[0]} />}
          <TextField label="Name" value={wish.name} onInput={set('name')} required maxLength={255} />
          <SelectField
            label="Flavor"
            value={wish.flavor}
            onChange={set('flavor')}
            required
            options={[
              { value: '', label: 'How large…' },
              ...flavors.map((flavor) => ({ value: flavor.id, label: flavorWords(flavor) })),
            ]}
          />
          <SelectField
            label="Image"
            value={wish.image}
            onChange={set('image')}
            required
            options={[
              { value: '', label: 'What it begins with…' },
              ...images.map(({ id, name }) => ({ value: id, label: name || id })),
            ]}
          />
          {networks.length ? (
            <CheckList
              legend="Networks"
              hint="None chosen: the server has no network."
              options={networks.map(({ id, name }) => ({ value: id, label: name || id }))}
              chosen={wish.networks}
              onChange={set('networks')}
            />
          ) : (
            <p class="hint">
              The project has no network yet, so the server would have none: <code>openstack network create net1</code>{' '}
              makes one.
            </p>
          )}
          <SelectField
            label="Key"
            hint={
              keys.length
                ? undefined
                : 'None yet: openstack keypair create makes one, by which you log in to the guest.'
            }
            value={wish.key}
            onChange={set('key')}
            options={[{ value: '', label: 'none' }, ...keys.map((name) => ({ value: name, label: name }))]}
          />
          <SelectField
            label="Zone"
            value={wish.zone}
            onChange={set('zone')}
            options={[
              { value: '', label: 'the broker chooses' },
              ...zones.map(({ zoneName, zoneState }) => ({
                value: zoneName,
                label: zoneState.available ? zoneName : `${zoneName} (closed)`,
              })),
            ]}
          />
          <Disclosure label="More">
            <TextField label="How many" type="number" min="1" max="1000" value={wish.count} onInput={set('count')} />
            {groups.length > 0 && wish.networks.length > 0 && (
              <CheckList
                legend="Security groups"
                hint="None chosen: the default one."
                options={groups.map(({ name }) => ({ value: name, label: name }))}
                chosen={wish.groups}
                onChange={set('groups')}
              />
            )}
            <TextField
              label="Metadata"
              hint="A line each: name=value. plimsoll:never_spill=true keeps it at home."
              rows={3}
              value={wish.metadata}
              onInput={set('metadata')}
            />
            <TextField
              label="User data"
              hint="What the guest runs or reads when it starts first: a script, or cloud-init."
              rows={6}
              value={wish.userData}
              onInput={set('userData')}
            />
          </Disclosure>
          {fault && <FaultNote fault={fault} />}
          <Command line={createLine(wish, nameOf)} />
          <div class="row end">
            <a class="button" href={linkTo('/servers')}>
              Cancel
            </a>
            <button type="submit" class="primary" disabled={busy}>
              {busy ? 'Asking…' : 'Make it'}
            </button>
          </div>
        </form>
        <ForeseenCard body={placementBody(wish)} currency={choices.rates.value?.rates.currency ?? ''} />
      </div>
    </>
  )
}

export default Create
