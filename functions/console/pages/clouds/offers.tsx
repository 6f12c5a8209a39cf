import { useCallback, useEffect, useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { asFault, type Fault } from '../../api/fault.ts'
import { Command } from '../../parts/command.tsx'
import { FaultNote } from '../../parts/fault.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { mibWords } from '../../parts/words.ts'

interface Offer {
  cloud: string
  zone: string
  name: string
  option: string
  vcpus: number
  ram_mib: number
  disk_gib: number
  arch: string
  gpus: number
  available: boolean
  price: { amount: string | null; currency: string; source: string } | null
}
interface Said {
  offers: Offer[]
  next: string | null
}

const COLUMNS: Column<Offer>[] = [
  { key: 'name', title: 'Size', cell: ({ name }) => name },
  { key: 'zone', title: 'Zone', cell: ({ zone }) => zone },
  { key: 'option', title: 'Bought', cell: ({ option }) => option },
  { key: 'vcpus', title: 'vCPUs', number: true, cell: ({ vcpus }) => vcpus },
  { key: 'ram', title: 'Memory', number: true, cell: ({ ram_mib: ram }) => mibWords(ram) },
  { key: 'disk', title: 'Disk', number: true, cell: ({ disk_gib: disk }) => (disk ? `${disk} GiB` : '–') },
  { key: 'gpus', title: 'GPUs', number: true, cell: ({ gpus }) => gpus || '–' },
  { key: 'arch', title: 'For', cell: ({ arch }) => arch },
  {
    key: 'price',
    title: 'Per hour',
    number: true,
    cell: ({ price }) => (price?.amount ? `${price.amount} ${price.currency}` : <span class="quiet">unpriced</span>),
  },
  { key: 'source', title: 'Says', cell: ({ price }) => price?.source ?? '' },
  { key: 'available', title: 'To be had', cell: ({ available }) => (available ? 'yes' : 'not now') },
]
const LIMIT = 200

/** What can be bought on the clouds, page by page. */
export const Offers = () => {
  const [cloud, setCloud] = useState('')
  const [state, setState] = useState<{ rows: Offer[]; next: string | null; asking: boolean; fault: Fault | null }>({
    rows: [],
    next: null,
    asking: true,
    fault: null,
  })
  const path = `/offers?limit=${LIMIT}${cloud ? `&cloud=${encodeURIComponent(cloud)}` : ''}`
  const read = useCallback(
    (marker: string | null) => {
      setState((old) => ({ ...old, asking: true, fault: null }))
      ask<Said>('broker', path + (marker ? `&marker=${encodeURIComponent(marker)}` : '')).then(
        ({ offers, next }) =>
          setState((old) => ({ rows: marker ? [...old.rows, ...offers] : offers, next, asking: false, fault: null })),
        (error) => setState((old) => ({ ...old, asking: false, fault: asFault(error) })),
      )
    },
    [path],
  )
  useEffect(() => read(null), [read])
  const { rows, next, asking, fault } = state
  return (
    <div class="stack">
      <search class="filter">
        <input
          type="search"
          aria-label="Cloud"
          placeholder="Cloud…"
          value={cloud}
          onChange={(event) => setCloud(event.currentTarget.value.trim())}
        />
      </search>
      {fault && <FaultNote fault={fault} again={() => read(rows.length ? next : null)} />}
      {rows.length ? (
        <Table
          caption="What can be bought"
          columns={COLUMNS}
          rows={rows}
          idOf={({ cloud: of, zone, name, option }) => `${of} ${zone} ${name} ${option}`}
          nameOf={({ name }) => name}
          onEnd={() => next && !asking && !fault && read(next)}
          {...(next ? { total: -1 } : {})}
        />
      ) : (
        !fault && <p class="quiet">{asking ? 'Asking…' : 'Nothing is to be had there.'}</p>
      )}
      <Command line={`GET /broker/v1${path}`} />
    </div>
  )
}
