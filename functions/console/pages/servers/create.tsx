import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { ofProject } from '../../api/of-project.ts'
import { useAnswer, useDoing } from '../../api/use-answer.ts'
import { type Named, useChoices } from '../../api/use-choices.ts'
import type { PageProps } from '../../page.ts'
import { ChoiceField, ChoiceList } from '../../parts/choice.tsx'
import { Command } from '../../parts/command.tsx'
import { Disclosure } from '../../parts/disclosure.tsx'
import { FaultNote } from '../../parts/fault.tsx'
import { TextField } from '../../parts/form.tsx'
import { Heading } from '../../parts/heading.tsx'
import { notify } from '../../parts/notice.tsx'
import { goTo, linkTo } from '../../router.ts'
import { useNetworks } from '../networks/use-networks.ts'
import { type Flavor, flavorWords } from './flavor.ts'
import { ForeseenCard } from './foreseen.tsx'
import { createLine, NOTHING, placementBody, serverBody, type Wish } from './wish.ts'

interface Zone {
  zoneName: string
  zoneState: { available: boolean }
}

/** What a form is made of: what there is to choose from. */
const useParts = () => ({
  flavors: useChoices<Flavor>('compute', '/flavors/detail', 'flavors'),
  images: useChoices<Named>('image', '/images?status=active&sort=name:asc', 'images'),
  networks: useNetworks(),
  groups: useChoices<Named>('network', ofProject('/security-groups?fields=id&fields=name'), 'security_groups'),
  keys: useChoices<{ keypair: { name: string } }>('compute', '/os-keypairs', 'keypairs'),
  zones: useChoices<Zone>('compute', '/os-availability-zone', 'availabilityZoneInfo', true),
})

/** What somebody begins with: the first of what there is one of, and what the address says. */
const Create = ({ query }: PageProps) => {
  const choices = useParts()
  const rates = useAnswer<{ rates: { currency: string } }>('broker', '/rates')
  const [wish, setWish] = useState<Wish>({ ...NOTHING, zone: query.get('zone') ?? '', image: query.get('image') ?? '' })
  const { busy, fault, run } = useDoing()
  const set =
    <K extends keyof Wish>(key: K) =>
    (value: Wish[K]) =>
      setWish((old) => ({ ...old, [key]: value }))
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
          <TextField label="Name" value={wish.name} onInput={set('name')} required maxLength={255} />
          <ChoiceField
            label="Flavor"
            choices={choices.flavors}
            none="There is no flavor: an administrator makes one."
            first="How large…"
            value={wish.flavor}
            onChange={set('flavor')}
            required
            wordsOf={flavorWords}
          />
          <ChoiceField
            label="Image"
            choices={choices.images}
            none="There is no image yet: upload one first."
            first="What it begins with…"
            value={wish.image}
            onChange={set('image')}
            required
          />
          <ChoiceList
            label="Networks"
            hint="None chosen: the server has no network."
            choices={choices.networks}
            none="The project has no network yet, so the server would have none: the page of networks makes one."
            chosen={wish.networks}
            onChange={set('networks')}
          />
          <ChoiceField
            label="Key"
            choices={choices.keys}
            none="None yet: the page of access makes one, by which you log in to the guest."
            first="none"
            value={wish.key}
            onChange={set('key')}
            keyOf={({ keypair }) => keypair.name}
            wordsOf={({ keypair }) => keypair.name}
          />
          <ChoiceField
            label="Zone"
            choices={choices.zones}
            first="the broker chooses"
            value={wish.zone}
            onChange={set('zone')}
            keyOf={({ zoneName }) => zoneName}
            wordsOf={({ zoneName, zoneState }) => (zoneState.available ? zoneName : `${zoneName} (closed)`)}
          />
          <Disclosure label="More">
            <TextField label="How many" type="number" min="1" max="1000" value={wish.count} onInput={set('count')} />
            {wish.networks.length > 0 && (
              <ChoiceList
                label="Security groups"
                hint="None chosen: the default one."
                choices={choices.groups}
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
          <Command line={createLine(wish)} />
          <div class="row end">
            <a class="button" href={linkTo('/servers')}>
              Cancel
            </a>
            <button type="submit" class="primary" disabled={busy}>
              {busy ? 'Asking…' : 'Make it'}
            </button>
          </div>
        </form>
        <ForeseenCard body={placementBody(wish)} currency={rates.value?.rates.currency ?? ''} />
      </div>
    </>
  )
}

export default Create
