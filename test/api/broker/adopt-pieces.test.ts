import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import { outOfStep } from '../../support/in-step.ts'
import { type Estate, newEstate } from './foreign.ts'

interface Row {
  kind: string
  native_id: string
}
interface Piece {
  adopted: Row[]
  refused: { native_id: string; reason: string }[]
  remaining: string[]
  next: string | null
  complete: boolean
}

const unlimited = async ({ plimsoll }: Estate, limits: Record<string, number> = {}) => {
  for (const resource of ['instances', 'cores', 'ram', 'volumes', 'gigabytes', 'port'])
    await plimsoll.db.run(sql`insert into quotas (project_id, resource, maximum, used)
      values (${plimsoll.projectId('demo')}, ${resource}, ${limits[resource] ?? -1}, 0)`)
}
const adopt = async ({ plimsoll }: Estate, wish: object) =>
  plimsoll.as('admin').post('/broker/v1/adopt', { cloud: 'sandbox', project_id: plimsoll.projectId('demo'), ...wish })

/** Until nothing remains, as a script would. */
const adoptAll = async (estate: Estate): Promise<Piece[]> => {
  const pieces: Piece[] = []
  for (let marker: string | undefined; ; ) {
    const { body, status } = await adopt(estate, { all: true, ...(marker === undefined ? {} : { marker }) })
    expect(status).toBe(200)
    pieces.push(body)
    if (body.next === null) return pieces
    expect(body.next, 'every piece comes further').not.toBe(marker)
    expect(pieces.length).toBeLessThan(100)
    marker = body.next
  }
}
const serversOf = (pieces: Piece[]) =>
  pieces.flatMap(({ adopted }) => adopted.filter(({ kind }) => kind === 'server').map((row) => row.native_id))

it('a large cloud is adopted piece by piece, until nothing remains', async () => {
  const estate = await newEstate({ page_size: 3 })
  await unlimited(estate, { gigabytes: 250 })
  const network = await estate.network()
  const machines: string[] = []
  for (let n = 0; n < 3; n++) machines.push((await estate.server(network, `machine-${n}`)).machine)
  const volume = (sizeGiB: number) =>
    estate.make('volume', { name: `of ${sizeGiB}`, sizeGiB, zone: 'a', type: null, source: null })
  const [huge, small]: string[][] = [[], []]
  for (let n = 0; n < 4; n++) huge!.push(await volume(300))
  for (let n = 0; n < 70; n++) small!.push(await volume(1))
  await estate.strip('volume', ...huge!, ...small!)
  const before = await estate.last()

  const pieces = await adoptAll(estate)
  expect(pieces.length).toBeGreaterThan(1)
  for (const { adopted, complete } of pieces) {
    expect(complete).toBe(true)
    expect(adopted.length, 'some dozen objects, and what came with the last of them').toBeLessThan(100)
  }
  expect(serversOf(pieces).sort()).toEqual([...machines].sort())
  const adopted = pieces.flatMap((piece) => piece.adopted.map(({ native_id }) => native_id))
  for (const id of small!) expect(adopted).toContain(id)
  // Each is refused once: the next piece goes on behind it.
  const refused = pieces.flatMap((piece) => piece.refused)
  expect(refused.map(({ native_id }) => native_id).sort()).toEqual([...huge!].sort())
  expect(new Set(refused.map(({ reason }) => reason))).toEqual(
    new Set(["The project's limit of gigabytes is reached."]),
  )
  expect((await estate.changesSince(before)).every((call) => call.endsWith('.mark'))).toBe(true)
  expect(await outOfStep(estate.plimsoll)).toEqual([])

  // From the start there is nothing left to do, but what was refused is tried again.
  const [again, ...more] = await adoptAll(estate)
  expect([again!.adopted, again!.refused.length, more]).toEqual([[], 4, []])
}, 30_000)

it('a slow cloud gets one object done a call at least, and the same call again does the next', async () => {
  const estate = await newEstate({ latency_ms: 2_000, page_size: 2 })
  await unlimited(estate)
  const network = await estate.network()
  const machines = [
    (await estate.server(network, 'one')).machine,
    (await estate.server(network, 'two')).machine,
    (await estate.server(network, 'three')).machine,
  ]
  let left = machines
  const done: string[] = []
  for (let calls = 0; left.length && calls < 5; calls++) {
    const { body } = await adopt(estate, { native_ids: left })
    expect(body.refused).toEqual([])
    expect(body.remaining.length, 'each call does at least one').toBeLessThan(left.length)
    done.push(...serversOf([body]))
    left = body.remaining
  }
  expect([done, left]).toEqual([machines, []])
  const pieces = await adoptAll(estate)
  expect(pieces.flatMap(({ refused }) => refused)).toEqual([])
  expect(await outOfStep(estate.plimsoll)).toEqual([])
})

it('a piece that began in the middle of a page goes on there, even if the page is another by then', async () => {
  const estate = await newEstate({ latency_ms: 2_500, page_size: 50 })
  await unlimited(estate)
  const network = await estate.network()
  for (let n = 0; n < 4; n++) await estate.server(network, `machine-${n}`)
  const first = (await adopt(estate, { all: true })).body as Piece
  expect(first.next).not.toBeNull()
  const late = (await estate.server(await estate.network('other', '10.8.0.0/24'), 'late')).machine
  const rest: Piece[] = []
  for (let marker = first.next; marker !== null; marker = rest.at(-1)!.next)
    rest.push((await adopt(estate, { all: true, marker })).body)
  const adopted = serversOf([first, ...rest])
  expect(new Set(adopted).size, 'none comes twice').toBe(adopted.length)
  // What is put in front of the place is found by the next round, what is behind it by this one.
  await adoptAll(estate)
  const { body } = await estate.plimsoll.as('admin').get('/broker/v1/adoptable?cloud=sandbox&kind=server')
  expect(body.adoptable).toEqual([])
  expect(await outOfStep(estate.plimsoll)).toEqual([])
  expect((await estate.recall('server', late))!.mark).not.toBeNull()
})

it('a marker that no piece gave is none', async () => {
  const estate = await newEstate()
  for (const marker of ['x', 'e30', Buffer.from('{"kind":"spaceship"}').toString('base64url')])
    expect((await adopt(estate, { all: true, marker })).status, marker).toBe(400)
  expect((await adopt(estate, { native_ids: ['x'], marker: 'x' })).status).toBe(400)
})
