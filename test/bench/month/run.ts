import { readFileSync, writeFileSync } from 'node:fs'
import { drawingOf } from './draw.ts'
import { playMonth } from './play.ts'
import { tableOf } from './table.ts'

/** The month that the page shows. */
export const SEED = 1
export const PAGE = 'docs/bursting.md'
export const PICTURE = 'docs/bursting-month.svg'

/** Where the table is in the page. */
export const BETWEEN = /(?<=<!-- month -->\n).*?(?=\n<!-- \/month -->)/s

/** Plays a drawn month, prints what it cost; the one of the page is written into it, with its picture. */
export const benchMonth = (seed: number): void => {
  const month = playMonth(seed)
  console.log(tableOf(month))
  if (seed !== SEED) return
  writeFileSync(PICTURE, drawingOf(month))
  writeFileSync(
    PAGE,
    readFileSync(PAGE, 'utf8').replace(BETWEEN, () => tableOf(month)),
  )
}
