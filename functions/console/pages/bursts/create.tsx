import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { type Named, useChoices } from '../../api/use-choices.ts'
import { ChoiceField, ChoiceList } from '../../parts/choice.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { Disclosure } from '../../parts/disclosure.tsx'
import { SelectField, TextField } from '../../parts/form.tsx'
import { notify } from '../../parts/notice.tsx'
import { goTo, linkTo } from '../../router.ts'
import { useNetworks } from '../networks/use-networks.ts'
import { base64 } from '../servers/wish.ts'
import { momentIn } from './moment.ts'
import type { Burst } from './shapes.ts'

const NOTHING = {
  name: '',
  min: '2',
  max: '10',
  flavor: '',
  image: '',
  budget: '',
  hourly: '',
  done: 'delete',
  deadline: '',
  lease: '',
  spread: 'soft-anti-affinity',
  spot: '',
  key: '',
  data: '',
}

/** Asks for many servers of one wish: how many, of what, for how much, and until when. */
export const Create = ({ onClose }: { onClose: () => void }) => {
  const [wish, setWish] = useState(NOTHING)
  const [networks, setNetworks] = useState<string[]>([])
  const flavors = useChoices<Named>('compute', '/flavors', 'flavors')
  const images = useChoices<Named>('image', '/images?status=active&sort=name:asc', 'images')
  const nets = useNetworks(true)
  const keys = useChoices<{ keypair: { name: string } }>('compute', '/os-keypairs', 'keypairs')
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
    ...(wish.hourly ? { max_hourly_cost: { amount: wish.hourly, currency } } : {}),
    ...(wish.deadline ? { deadline: momentIn(wish.deadline) } : {}),
    ...(wish.lease ? { lease: wish.lease } : {}),
    ...(wish.spot ? { spot: wish.spot } : {}),
    ...(wish.key ? { key_name: wish.key } : {}),
    ...(wish.data ? { user_data: base64(wish.data) } : {}),
    spread: wish.spread,
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
      <Disclosure label="More">
        <div class="pair">
          <TextField
            label={`One an hour at most${currency && `, ${currency}`}`}
            hint="Places that are dearer are left out."
            disabled={!currency}
            value={wish.hourly}
            onInput={set('hourly')}
          />
          <TextField
            label="To be done by"
            hint="Empty: whenever."
            type="datetime-local"
            value={wish.deadline}
            onInput={set('deadline')}
          />
        </div>
        <div class="pair">
          <TextField
            label="Lease"
            hint="How long each runs: 2h, 1d12h. Empty: as the policy says."
            value={wish.lease}
            onInput={set('lease')}
            maxLength={32}
          />
          <SelectField
            label="Spot"
            value={wish.spot}
            onChange={set('spot')}
            options={[
              { value: '', label: 'as the policy says' },
              ...['never', 'allowed', 'preferred'].map((value) => ({ value, label: value })),
            ]}
          />
        </div>
        <div class="pair">
          <SelectField
            label="Spread over hosts"
            value={wish.spread}
            onChange={set('spread')}
            options={['soft-anti-affinity', 'anti-affinity', 'soft-affinity', 'affinity', 'none'].map((value) => ({
              value,
              label: value,
            }))}
          />
          <ChoiceField
            label="Key"
            choices={keys}
            first="none"
            value={wish.key}
            onChange={set('key')}
            keyOf={({ keypair }) => keypair.name}
            wordsOf={({ keypair }) => keypair.name}
          />
        </div>
        <TextField
          label="User data"
          hint="What each runs or reads when it starts first. Its report is told by the URL that it finds there."
          rows={5}
          value={wish.data}
          onInput={set('data')}
        />
      </Disclosure>
    </Confirm>
  )
}
