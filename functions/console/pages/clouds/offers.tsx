import { useState } from 'preact/hooks'
import { usePages } from '../../api/use-pages.ts'
import { Command } from '../../parts/command.tsx'
import { FaultNote } from '../../parts/fault.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { mibWords } from '../../parts/words.ts'

interface Offer {
  /** The page's own: offers have none. */
  id: string
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
  offers: Omit<Offer, 'id'>[]
  next: string | null
}
const offersIn = (body: unknown): Offer[] =>
  (body as Said).offers.map((each) => ({ ...each, id: `${each.cloud} ${each.zone} ${each.name} ${each.option}` }))
const nextOf = (body: unknown): string | null => {
  const { next } = body as Said
  return next && `marker=${encodeURIComponent(next)}`
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
  const path = `/offers${cloud && `?cloud=${encodeURIComponent(cloud)}`}`
  const { rows, whole, asking, fault, more, again } = usePages<Offer>({
    service: 'broker',
    path,
    rowsIn: offersIn,
    nextIn: nextOf,
    limit: LIMIT,
  })
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
      {fault && <FaultNote fault={fault} again={again} />}
      {rows.length ? (
        <Table
          caption="What can be bought"
          columns={COLUMNS}
          rows={rows}
          idOf={({ id }) => id}
          nameOf={({ name }) => name}
          onEnd={more}
          {...(whole ? {} : { total: -1 })}
        />
      ) : (
        !fault && <p class="quiet">{asking ? 'Asking…' : 'Nothing is to be had there.'}</p>
      )}
      <Command line={`GET /broker/v1${path}`} />
    </div>
  )
}
