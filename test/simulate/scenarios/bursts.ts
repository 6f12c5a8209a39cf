import { driveBursts } from '../../../functions/broker/burst/turn.ts'
import type { Stage } from '../stage.ts'
import type { Scenario } from './props.ts'

const BURSTS = '/broker/v1/bursts'

const ask = async (stage: Stage, max: number): Promise<string> => {
  const wish = { name: 'farm', flavor: '1', image: stage.world.image, networks: 'none', count: { min: 1, max } }
  return (await stage.send(0, 'POST', BURSTS, wish)).burst.id
}
const made = (stage: Stage) => stage.count('select count(*) as n from burst_members')

/** One process is about to admit four members; `meanwhile` another changes what is wished. How many were admitted then. */
const overtaken = async (stage: Stage, meanwhile: (id: string) => Promise<unknown>): Promise<number> => {
  await stage.open({ profile: 'token' })
  const id = await ask(stage, 4)
  const { reached, release } = stage.hold(0, /insert into burst_members/)
  const filling = driveBursts(stage.context(0), 25_000)
  await reached
  await meanwhile(id)
  release()
  await filling
  return made(stage)
}

/** Many servers of one wish, and two processes. */
export const bursts: Record<string, Scenario> = {
  'a burst that becomes smaller while it is filled': async (stage) => {
    const admitted = await overtaken(stage, (id) =>
      stage.send(1, 'PATCH', `${BURSTS}/${id}`, { count: { min: 1, max: 2 } }),
    )
    stage.expect(admitted <= 2, `${admitted} members were made of two`)
    stage.scheduler.pass(60_000)
    await driveBursts(stage.context(1), 25_000)
    await stage.settle()
    stage.expect((await made(stage)) === 2, `there are ${await made(stage)} members of two`)
    return stage.judge()
  },

  /** A process that is about to end a burst is held up until another has ended it. */
  'a burst that two end': async (stage) => {
    await stage.open({ profile: 'token' })
    const id = await ask(stage, 1)
    await stage.send(0, 'DELETE', `${BURSTS}/${id}`)
    const said: string[] = []
    const context = {
      ...stage.context(0),
      log: (level: string, message: string) => void said.push(`${level}: ${message}`),
    }
    const held = stage.hold(0, /delete from "server_groups"/)
    stage.scheduler.pass(60_000)
    const ending = driveBursts(context, 25_000)
    await held.reached
    stage.scheduler.pass(61_000)
    await driveBursts(stage.context(1), 25_000)
    held.release()
    await ending
    stage.expect(!said.some((what) => what.startsWith('error')), said.join())
    const over = await stage.count('select count(*) as n from bursts where ended_at is not null')
    stage.expect(over === 1, 'the burst is not over')
    return stage.judge()
  },

  'a burst that is drained while it is filled': async (stage) => {
    const admitted = await overtaken(stage, (id) => stage.send(1, 'DELETE', `${BURSTS}/${id}`))
    stage.expect(admitted === 0, `${admitted} members were made of a burst that was drained`)
    stage.scheduler.pass(60_000)
    await driveBursts(stage.context(1), 25_000)
    return stage.judge()
  },
}
