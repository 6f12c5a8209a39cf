import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { Confirm } from '../../parts/dialog.tsx'
import { TextField } from '../../parts/form.tsx'
import { notify } from '../../parts/notice.tsx'
import type { WindowProps } from '../../parts/window.tsx'
import { momentIn, momentOf } from './moment.ts'
import type { Burst } from './shapes.ts'

/** How many members a burst is to have, what it may cost, and until when it is to be done. */
export const Change = ({ burst, path, onClose, onDone }: WindowProps & { burst: Burst; path: string }) => {
  const rates = useAnswer<{ rates: { currency: string | null } }>('broker', burst.budget ? null : '/rates')
  const [first] = useState({
    min: String(burst.count.min),
    max: String(burst.count.max),
    budget: burst.budget?.amount ?? '',
    deadline: momentOf(burst.deadline),
  })
  const [wish, setWish] = useState(first)
  const set = (key: keyof typeof wish) => (value: string) => setWish((old) => ({ ...old, [key]: value }))
  const currency = burst.budget?.currency ?? rates.value?.rates.currency ?? ''
  const isOther = (...keys: (keyof typeof wish)[]) => keys.some((key) => wish[key] !== first[key])
  // What was changed, alone.
  const body = {
    ...(isOther('min', 'max') ? { count: { min: Number(wish.min), max: Number(wish.max) } } : {}),
    ...(isOther('budget') ? { budget: wish.budget ? { amount: wish.budget, currency } : null } : {}),
    ...(isOther('deadline') ? { deadline: momentIn(wish.deadline) } : {}),
  }
  return (
    <Confirm
      title={`Change ${burst.name}`}
      verb="Change"
      command={[`PATCH /broker/v1${path}  ${JSON.stringify(body)}`]}
      work={async () => {
        await ask('broker', path, { method: 'PATCH', body })
        notify(`${burst.name} is changed.`)
        onDone()
      }}
      onClose={onClose}
    >
      <div class="pair">
        <TextField
          label="At least"
          type="number"
          min="1"
          max="1000"
          value={wish.min}
          onInput={set('min')}
          required
          focus
        />
        <TextField label="At most" type="number" min="1" max="1000" value={wish.max} onInput={set('max')} required />
      </div>
      <p class="hint">Members that are too many go: first those that are done, then those elsewhere than at home.</p>
      <div class="pair">
        <TextField
          label={`Budget${currency && `, ${currency}`}`}
          hint="Empty: none."
          value={wish.budget}
          onInput={set('budget')}
          disabled={!currency}
        />
        <TextField
          label="To be done by"
          hint="Empty: whenever."
          type="datetime-local"
          value={wish.deadline}
          onInput={set('deadline')}
        />
      </div>
    </Confirm>
  )
}
