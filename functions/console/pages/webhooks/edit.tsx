import { useRef, useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { wordsIn } from '../../api/lines.ts'
import { Confirm, Dialog } from '../../parts/dialog.tsx'
import { SelectField, TextField } from '../../parts/form.tsx'
import { notify } from '../../parts/notice.tsx'
import type { WindowProps } from '../../parts/window.tsx'
import type { Webhook } from './shapes.ts'

/** Has events sent to an address, or changes what is sent. A secret that is new is shown once. */
export const Edit = ({ webhook, onClose, onDone }: WindowProps & { webhook?: Webhook }) => {
  const [wish, setWish] = useState({
    name: webhook?.name ?? '',
    url: webhook?.url ?? '',
    types: webhook?.types.join(' ') ?? '',
    enabled: String(webhook?.enabled ?? true),
  })
  const set = (key: keyof typeof wish) => (value: string) => setWish((old) => ({ ...old, [key]: value }))
  const told = useRef<string | null>(null)
  const [secret, setSecret] = useState<string | null>(null)
  const body = {
    webhook: { name: wish.name, url: wish.url, types: wordsIn(wish.types), enabled: wish.enabled === 'true' },
  }
  const [method, path] = webhook ? (['PATCH', `/webhooks/${webhook.id}`] as const) : (['POST', '/webhooks'] as const)
  if (secret !== null)
    return (
      <Dialog title={`The secret of ${wish.name}`}>
        <div class="stack">
          <p>By it the receiver knows that what it gets is from here. It is shown now, and never again.</p>
          <TextField label="Secret" value={secret} readonly />
          <div class="row end">
            <button type="button" class="primary" onClick={onClose}>
              I have it
            </button>
          </div>
        </div>
      </Dialog>
    )
  return (
    <Confirm
      title={webhook ? `Change ${webhook.name}` : 'New webhook'}
      verb={webhook ? 'Change' : 'Make it'}
      command={[`${method} /broker/v1${path}  ${JSON.stringify(body)}`]}
      work={async () => {
        const said = await ask<{ webhook: { secret?: string } }>('broker', path, { method, body })
        told.current = said.webhook.secret ?? null
        notify(`${wish.name} is told of what happens.`)
        onDone()
      }}
      onClose={() => (told.current === null ? onClose() : setSecret(told.current))}
    >
      <TextField label="Name" value={wish.name} onInput={set('name')} required maxLength={255} focus />
      <TextField
        label="Address"
        hint="Where requests go, as https://hooks.example.org/plimsoll. What is in a private network has to be allowed by the operator."
        value={wish.url}
        onInput={set('url')}
        required
        maxLength={2048}
      />
      <TextField
        label="Types"
        hint="Of which events, as server.status server.placed. Empty: of all."
        value={wish.types}
        onInput={set('types')}
      />
      {webhook && (
        <SelectField
          label="Is"
          value={wish.enabled}
          onChange={set('enabled')}
          options={[
            { value: 'true', label: 'on' },
            { value: 'false', label: 'off: what was on its way is not sent any more' },
          ]}
        />
      )}
    </Confirm>
  )
}
