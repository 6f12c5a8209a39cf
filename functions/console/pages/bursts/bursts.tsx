import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { useChanges } from '../../api/events.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { type Named, useChoices } from '../../api/use-choices.ts'
import { usePages } from '../../api/use-pages.ts'
import type { PageProps } from '../../page.ts'
import { ChoiceField, ChoiceList } from '../../parts/choice.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { Empty } from '../../parts/empty.tsx'
import { SelectField, TextField } from '../../parts/form.tsx'
import { Heading } from '../../parts/heading.tsx'
import { Listing } from '../../parts/listing.tsx'
import { notify } from '../../parts/notice.tsx'
import { Status } from '../../parts/status.tsx'
import type { Column } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { ForMembers, useWindow } from '../../parts/window.tsx'
import { moneyWords } from '../../parts/words.ts'
import { goTo, linkTo } from '../../router.ts'
import { useNetworks } from '../networks/use-networks.ts'
import { type Burst, burstsIn, countsWords } from './shapes.ts'

const COLUMNS: Column<Burst>[] = [
  { key: 'name', title: 'Name', cell: ({ id, name }) => <a href={linkTo('/bursts/:id', { id })}>{name}</a> },
  { key: 'state', title: 'State', cell: ({ state }) => <Status status={state} /> },
  {
    key: 'members',
    title: 'Members',
    number: true,
    cell: ({ members, count }) => `${members.total} of ${count.min}–${count.max}`,
  },
  { key: 'clouds', title: 'On', cell: ({ members }) => countsWords(members.clouds) },
  { key: 'hourly', title: 'Per hour', number: true, cell: ({ cost }) => moneyWords(cost.hourly) },
  { key: 'so-far', title: 'So far', number: true, cell: ({ cost }) => moneyWords(cost.so_far) },
  { key: 'made', title: 'Asked for', cell: ({ created_at: at }) => <Time at={at} /> },
]

/** Many servers of one wish. */
const Bursts = (_: PageProps) => {
  const pages = usePages<Burst>({ service: 'broker', path: '/bursts', rowsIn: burstsIn })
  useChanges(['burst', 'server'], pages.again, 1_000)
  const { shown, open } = useWindow()
  return (
    <>
      <Heading title="Bursts">
        <ForMembers>
          <button type="button" class="primary" onClick={() => open((close) => <Create onClose={close} />)}>
            New burst
          </button>
        </ForMembers>
      </Heading>
      <Listing
        pages={pages}
        caption="Bursts of the project"
        columns={COLUMNS}
        nameOf={({ name }) => name}
        command="GET /broker/v1/bursts"
        empty={
          <Empty
            title="No burst yet"
            command={[
              'POST /broker/v1/bursts  {"name": "render", "count": {"min": 4, "max": 40}, "flavor": "m1.small", "image": "IMAGE", "networks": "none"}',
            ]}
          >
            <p>
              A burst is between so many and so many servers of one wish: home first, then elsewhere as the policy says,
              all of the least or none, and more as there is room and money. It ends when its members have said that
              they are done.
            </p>
          </Empty>
        }
      />
      {shown}
    </>
  )
}

export default Bursts

const Create = ({ onClose }: { onClose: () => void }) => {
  const [wish, setWish] = useState({ name: '', min: '2', max: '10', flavor: '', image: '', budget: '', done: 'delete' })
  const [networks, setNetworks] = useState<string[]>([])
  const flavors = useChoices<Named>('compute', '/flavors', 'flavors')
  const images = useChoices<Named>('image', '/images?status=active&sort=name:asc', 'images')
  const nets = useNetworks(true)
  const rates = useAnswer<{ rates: { currency: string } }>('broker', '/rates')
  const set = (key: keyof typeof wish) => (value: string) => setWish((old) => ({ ...old, [key]: value }))
  const currency = rates.value?.rates.currency ?? ''
  const body = {
    name: wish.name,
    count: { min: Number(wish.min), max: Number(wish.max) },
    flavor: wish.flavor,
    image: wish.image,
    networks: networks.length ? networks : 'none',
    ...(wish.budget ? { budget: { amount: wish.budget, currency } } : {}),
    on_done: wish.done,
  }
  return (
    <Confirm
      title="New burst"
      verb="Ask for it"
      command={[`POST /broker/v1/bursts  ${JSON.stringify(body)}`]}
      work={async () => {
        const { burst } = await ask<{ burst: Burst }>('broker', '/bursts', { method: 'POST', body })
        notify(`${wish.name} is on its way.`)
        goTo(linkTo('/bursts/:id', { id: burst.id }))
      }}
      onClose={onClose}
    >
      <TextField label="Name" value={wish.name} onInput={set('name')} required maxLength={200} focus />
      <div class="pair">
        <TextField label="At least" type="number" min="1" max="1000" value={wish.min} onInput={set('min')} required />
        <TextField label="At most" type="number" min="1" max="1000" value={wish.max} onInput={set('max')} required />
      </div>
      <ChoiceField
        label="Flavor"
        choices={flavors}
        none="There is no flavor."
        first="How large…"
        value={wish.flavor}
        onChange={set('flavor')}
        required
      />
      <ChoiceField
        label="Image"
        choices={images}
        none="There is no image."
        first="What they begin with…"
        value={wish.image}
        onChange={set('image')}
        required
      />
      <ChoiceList
        label="Networks"
        hint="None chosen: they have no network."
        choices={nets}
        none="The project has no network yet, so they would have none."
        chosen={networks}
        onChange={setNetworks}
      />
      <div class="pair">
        <TextField
          label={`Budget${currency && `, ${currency}`}`}
          hint="Empty: none."
          fault={rates.fault?.message}
          disabled={!currency}
          value={wish.budget}
          onInput={set('budget')}
        />
        <SelectField
          label="When they are done"
          value={wish.done}
          onChange={set('done')}
          options={['delete', 'stop', 'keep'].map((value) => ({ value, label: value }))}
        />
      </div>
    </Confirm>
  )
}
