import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { commandLine } from '../../api/command.ts'
import { useDoing } from '../../api/use-answer.ts'
import { Card } from '../../parts/card.tsx'
import { Command } from '../../parts/command.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { FaultNote } from '../../parts/fault.tsx'
import { TextField } from '../../parts/form.tsx'
import { notify } from '../../parts/notice.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import type { PartProps } from './shapes.ts'

interface Item {
  name: string
  value: string
}

/** Names and values that are kept with a server; some mean something to the broker. */
export const Metadata = ({ server, again }: PartProps) => {
  const [item, setItem] = useState<Item>({ name: '', value: '' })
  const [removing, setRemoving] = useState<string | null>(null)
  const { busy, fault, run } = useDoing()
  const items = Object.entries(server.metadata).map(([name, value]) => ({ name, value }))
  const columns: Column<Item>[] = [
    { key: 'name', title: 'Name', cell: ({ name }) => <code>{name}</code> },
    { key: 'value', title: 'Value', cell: ({ value }) => value },
    {
      key: 'remove',
      title: 'Remove',
      silent: true,
      cell: ({ name }) => (
        <button type="button" class="plain small" aria-label={`Remove ${name}`} onClick={() => setRemoving(name)}>
          Remove
        </button>
      ),
    },
  ]
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const { name, value } = item
    const set = () =>
      ask('compute', `/servers/${server.id}/metadata`, { method: 'POST', body: { metadata: { [name]: value } } })
    if (!(await run(set))) return
    notify(`${name} is set.`)
    setItem({ name: '', value: '' })
    again()
  }
  return (
    <Card title="Metadata">
      <div class="stack">
        {items.length ? (
          <Table
            caption="Metadata of the server"
            columns={columns}
            rows={items}
            idOf={({ name }) => name}
            nameOf={({ name }) => name}
          />
        ) : (
          <p class="quiet measure">
            Nothing is kept with it. Some names mean something to the broker: <code>plimsoll:never_spill</code> keeps a
            server at home.
          </p>
        )}
        <form class="row items" onSubmit={submit}>
          <TextField
            label="Name"
            value={item.name}
            onInput={(name) => setItem({ ...item, name })}
            required
            maxLength={255}
          />
          <TextField
            label="Value"
            value={item.value}
            onInput={(value) => setItem({ ...item, value })}
            maxLength={255}
          />
          <button type="submit" disabled={busy}>
            Set
          </button>
        </form>
        {fault && <FaultNote fault={fault} />}
        <Command
          line={commandLine(
            'server',
            'set',
            ['--property', `${item.name || 'NAME'}=${item.value || 'VALUE'}`],
            server.id,
          )}
        />
      </div>
      {removing && (
        <Confirm
          title={`Remove ${removing}`}
          verb="Remove"
          danger
          command={[commandLine('server', 'unset', ['--property', removing], server.id)]}
          work={async () => {
            await ask('compute', `/servers/${server.id}/metadata/${encodeURIComponent(removing)}`, { method: 'DELETE' })
            notify(`${removing} is removed.`)
            again()
          }}
          onClose={() => setRemoving(null)}
        />
      )}
    </Card>
  )
}
