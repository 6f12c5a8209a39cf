import { writeFileSync } from 'node:fs'
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

/** What has to be reached. `half`: whether it comes to half of it, where missing it by less is named and no more. */
export interface Target {
  what: string
  met: boolean
  half?: boolean
  value: string
}

/** What was measured, and which target is met. */
export class Table {
  readonly #rows: Row[] = []
  readonly #targets: Target[] = []

  row(what: string, value: string, ratio: string, trips?: Trips): void {
    const shape = trips ? `${trips.database}${trips.batches ? ` (${trips.batches} batched)` : ''}` : ''
    this.#rows.push({ what, value, ratio, database: shape, cloud: trips ? String(trips.cloud) : '' })
  }

  target(what: string, met: boolean, value: string): void {
    this.#targets.push({ what, met, value })
  }

  targets(targets: Target[]): void {
    this.#targets.push(...targets)
  }

  /** The median of the ratios round by round: what disturbs a round disturbs both of its halves. */
  ratios(values: number[], bare: number[]): number {
    return median(values.map((value, i) => value / bare[i]!))
  }

  /** How many were missed by so much that it is a failure. */
  failed(): number {
    return this.#targets.filter(({ met, half = met }) => !half).length
  }

  print(): void {
    const heads: Row = { what: 'what', value: 'median', ratio: 'ratio', database: 'db trips', cloud: 'cloud calls' }
    const keys = Object.keys(heads) as (keyof Row)[]
    if (this.#rows.length) printColumns([heads, ...this.#rows].map((row) => keys.map((key) => row[key])))
    console.log()
    printTargets(this.#targets)
    const { BENCH_JSON: file } = process.env
    if (file) writeFileSync(file, `${JSON.stringify({ rows: this.#rows, targets: this.#targets })}\n`)
  }
}

/** Every target that was missed; those that were met by their number, when they are many. */
export const printTargets = (targets: Target[]): void => {
  const word = ({ met, half = met }: Target) => (met ? 'met   ' : half ? 'missed' : 'FAILED')
  const met = targets.filter((target) => target.met)
  const named = met.length > 40 ? targets.filter((target) => !target.met) : targets
  for (const target of named) console.log(`${word(target)}  ${target.what}: ${target.value}`)
  console.log(`${met.length} of ${targets.length} targets met`)
}
