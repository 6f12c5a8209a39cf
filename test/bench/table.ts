import type { Trips } from './counting.ts'
import { median } from './load.ts'

interface Row {
  what: string
  value: string
  ratio: string
  database: string
  cloud: string
}

/** Rows under their heads: the first column to the left, the others to the right. */
export const printColumns = (rows: string[][]): void => {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)))
  for (const row of rows)
    console.log(row.map((cell, i) => (i ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join('  '))
}

/** What was measured, and which target is met. */
export class Table {
  readonly #rows: Row[] = []
  readonly #targets: { what: string; met: boolean; value: string }[] = []

  row(what: string, value: string, ratio: string, trips?: Trips): void {
    const shape = trips ? `${trips.database}${trips.batches ? ` (${trips.batches} batched)` : ''}` : ''
    this.#rows.push({ what, value, ratio, database: shape, cloud: trips ? String(trips.cloud) : '' })
  }

  target(what: string, met: boolean, value: string): void {
    this.#targets.push({ what, met, value })
  }

  /** The median of the ratios round by round: what disturbs a round disturbs both of its halves. */
  ratios(values: number[], bare: number[]): number {
    return median(values.map((value, i) => value / bare[i]!))
  }

  missed(): number {
    return this.#targets.filter(({ met }) => !met).length
  }

  print(): void {
    const heads: Row = { what: 'what', value: 'median', ratio: 'ratio', database: 'db trips', cloud: 'cloud calls' }
    const keys = Object.keys(heads) as (keyof Row)[]
    printColumns([heads, ...this.#rows].map((row) => keys.map((key) => row[key])))
    console.log()
    for (const { what, met, value } of this.#targets) console.log(`${met ? 'met   ' : 'MISSED'}  ${what}: ${value}`)
    console.log(JSON.stringify({ rows: this.#rows, targets: this.#targets }))
  }
}
