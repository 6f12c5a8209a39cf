import type { ComponentChildren } from 'preact'
import type { Pages } from '../api/use-pages.ts'
import { Command } from './command.tsx'
import { FaultNote } from './fault.tsx'
import { type Column, Table } from './table.tsx'

/**
 * A list as far as it was asked for, with what stands in its place where nothing is, and the command that says the same.
 * What lies behind is asked for when somebody scrolls there.
 */
export const Listing = <Row extends { id: string }>({
  pages,
  caption,
  columns,
  nameOf,
  empty,
  command,
  bar,
}: {
  pages: Pages<Row>
  caption: string
  columns: Column<Row>[]
  nameOf: (row: Row) => string
  /** Drawn where the list is empty. */
  empty: ComponentChildren
  command: string | string[]
  /** Above the table: filters, what can be done. */
  bar?: ComponentChildren
}) => {
  const { rows, fault, asking, whole, more, again } = pages
  const lines = Array.isArray(command) ? command : [command]
  return (
    <>
      {bar}
      {fault && <FaultNote fault={fault} again={again} />}
      {rows.length > 0 ? (
        <>
          <Table
            caption={caption}
            columns={columns}
            rows={rows}
            idOf={({ id }) => id}
            nameOf={nameOf}
            onEnd={more}
            {...(whole ? {} : { total: -1 })}
          />
          <p class="quiet small counted">
            {rows.length}
            {whole ? '' : '+'} {rows.length === 1 ? 'row' : 'rows'}
          </p>
          <Command lines={lines} />
        </>
      ) : (
        !fault && (asking ? <p class="quiet waiting">Asking…</p> : empty)
      )}
    </>
  )
}
