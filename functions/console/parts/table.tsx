import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'

export interface Column<Row> {
  key: string
  title: string
  cell: (row: Row) => ComponentChildren
  /** By what the service sorts by this column; absent: it does not. */
  sort?: string
  /** Numbers stand to the right. */
  number?: boolean
  /** For eyes nothing stands above it. */
  silent?: boolean
}

export interface Order {
  key: string
  down: boolean
}

interface Selection {
  chosen: ReadonlySet<string>
  onChange: (chosen: Set<string>) => void
}

interface TableProps<Row> {
  /** What the table shows, for those who do not see it. */
  caption: string
  columns: Column<Row>[]
  rows: Row[]
  idOf: (row: Row) => string
  /** What a row is called by. */
  nameOf: (row: Row) => string
  order?: Order
  onOrder?: (order: Order) => void
  selection?: Selection
  /** Called when the last rows come into sight, where there are more. */
  onEnd?: (() => void) | undefined
  /** How many there are, if that is known; else as many as are there. */
  total?: number
  foot?: ComponentChildren
}

/** Height of a row in pixels, as `tables.css` has it: where a row stands follows from its number. */
const ROW = 41
/** So many rows are drawn above and below what is in sight. */
const AROUND = 12
/** Tables below that are drawn whole. */
const SMALL = 60

/**
 * A table whose rows have one height, of which those in sight are drawn: ten thousand scroll as ten do. Heads that sort are
 * buttons, and say which way.
 */
export const Table = <Row,>({
  caption,
  columns,
  rows,
  idOf,
  nameOf,
  order,
  onOrder,
  selection,
  onEnd,
  total,
  foot,
}: TableProps<Row>) => {
  const box = useRef<HTMLElement>(null)
  const [sight, setSight] = useState({ from: 0, to: SMALL })
  const look = () => {
    const { scrollTop, clientHeight } = box.current!
    const from = Math.max(0, Math.floor(scrollTop / ROW) - AROUND)
    const to = Math.ceil((scrollTop + clientHeight) / ROW) + AROUND
    setSight((old) => (old.from === from && old.to === to ? old : { from, to }))
    if (to >= rows.length) onEnd?.()
  }
  useLayoutEffect(look, [rows.length])
  const whole = rows.length <= SMALL
  const [from, to] = whole ? [0, rows.length] : [Math.min(sight.from, rows.length), Math.min(sight.to, rows.length)]
  const width = columns.length + (selection ? 1 : 0)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard
    <section class="table" ref={box} onScroll={look} aria-label={caption} tabIndex={0}>
      <table aria-rowcount={total === undefined ? rows.length + 1 : total < 0 ? -1 : total + 1}>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr aria-rowindex={1}>
            {selection && (
              <th scope="col" class="tick">
                <ChooseAll rows={rows} idOf={idOf} selection={selection} />
              </th>
            )}
            {columns.map((column) => (
              <Head key={column.key} column={column} order={order} onOrder={onOrder} />
            ))}
          </tr>
        </thead>
        <tbody>
          <Gap rows={from} width={width} />
          {rows.slice(from, to).map((row, i) => {
            const id = idOf(row)
            return (
              <tr key={id} aria-rowindex={from + i + 2} class={selection?.chosen.has(id) ? 'chosen' : undefined}>
                {selection && (
                  <td class="tick">
                    <input
                      type="checkbox"
                      aria-label={`Choose ${nameOf(row)}`}
                      checked={selection.chosen.has(id)}
                      onChange={(event) =>
                        selection.onChange(changed(selection.chosen, id, event.currentTarget.checked))
                      }
                    />
                  </td>
                )}
                {columns.map(({ key, cell, number }) => (
                  <td key={key} class={number ? 'number' : undefined}>
                    {cell(row)}
                  </td>
                ))}
              </tr>
            )
          })}
          <Gap rows={rows.length - to} width={width} />
        </tbody>
      </table>
      {foot}
    </section>
  )
}

const changed = (chosen: ReadonlySet<string>, id: string, isIn: boolean): Set<string> => {
  const next = new Set(chosen)
  if (isIn) next.add(id)
  else next.delete(id)
  return next
}

/** Rows that are not drawn, as the room that they take. */
const Gap = ({ rows, width }: { rows: number; width: number }) =>
  rows > 0 ? (
    <tr class="gap">
      <td colSpan={width} style={{ height: `${rows * ROW}px` }} />
    </tr>
  ) : null

const Head = <Row,>({
  column: { title, sort, number, silent },
  order,
  onOrder,
}: {
  column: Column<Row>
  order: Order | undefined
  onOrder: ((order: Order) => void) | undefined
}) => {
  const isOrder = sort !== undefined && order?.key === sort
  const label = silent ? <span class="unseen">{title}</span> : title
  return (
    <th
      scope="col"
      class={number ? 'number' : undefined}
      aria-sort={isOrder ? (order.down ? 'descending' : 'ascending') : undefined}
    >
      {sort && onOrder ? (
        <button type="button" class="head" onClick={() => onOrder({ key: sort, down: isOrder ? !order.down : false })}>
          {label}
          <span aria-hidden="true">{isOrder ? (order.down ? ' ↓' : ' ↑') : ''}</span>
        </button>
      ) : (
        label
      )}
    </th>
  )
}

const ChooseAll = <Row,>({
  rows,
  idOf,
  selection: { chosen, onChange },
}: {
  rows: Row[]
  idOf: (row: Row) => string
  selection: Selection
}) => {
  const box = useRef<HTMLInputElement>(null)
  const all = rows.length > 0 && rows.every((row) => chosen.has(idOf(row)))
  const some = !all && chosen.size > 0
  useLayoutEffect(() => {
    if (box.current) box.current.indeterminate = some
  }, [some])
  return (
    <input
      ref={box}
      type="checkbox"
      aria-label="Choose all that are loaded"
      checked={all}
      onChange={() => onChange(all ? new Set() : new Set(rows.map(idOf)))}
    />
  )
}
