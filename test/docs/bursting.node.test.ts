import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { drawingOf } from '../bench/month/draw.ts'
import { playMonth } from '../bench/month/play.ts'
import { BETWEEN, PAGE, PICTURE, SEED } from '../bench/month/run.ts'
import { tableOf } from '../bench/month/table.ts'

const read = (path: string): string => readFileSync(path, 'utf8')

test('the month of the page is the one that is played: `npm run bench -- month` prints it', () => {
  const month = playMonth(SEED)
  expect(BETWEEN.exec(read(PAGE))?.[0]).toBe(tableOf(month))
  expect(read(PICTURE)).toBe(drawingOf(month))
})

test.each([1, 2])(
  'in drawn month %i the broker rents less than who rents all, and nobody waits as long as at home',
  (seed) => {
    const [broker, home, rented, turns] = playMonth(seed).outcomes as [Outcome, Outcome, Outcome, Outcome]
    expect(broker.rented + broker.owned).toBeLessThan(Math.min(rented.rented, turns.rented + turns.owned))
    expect(broker.late).toBeLessThan(home.late / 10)
    expect(broker.late).toBeLessThanOrEqual(Math.min(rented.late, turns.late))
  },
)

type Outcome = ReturnType<typeof playMonth>['outcomes'][number]
