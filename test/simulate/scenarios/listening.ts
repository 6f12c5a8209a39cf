import { spendDue } from '../../../functions/broker/compute/lease/budget-end.ts'
import { deliverDue } from '../../../functions/broker/notices/deliver.ts'
import { Ear } from '../listening/ear.ts'
import type { Stage } from '../stage.ts'
import type { Scenario } from './props.ts'

/** Somebody who is told what servers are, and answers as it is said. */
const listener = async (stage: Stage, answer: (nth: number) => Response) => {
  const ear = new Ear(stage.scheduler.dice)
  ear.calm = true
  let sent = 0
  stage.receive = async (input, init) => {
    const response = answer(++sent)
    if (response.ok) await ear.fetch(input, init)
    return response
  }
  await ear.listen(stage.world)
  return ear
}
const deliver = (stage: Stage, n: 0 | 1) => deliverDue(stage.context(n), 25_000)
const ok = () => new Response(null, { status: 204 })

/** Who is told, and of what. */
export const listening: Record<string, Scenario> = {
  /** One process is held with a refused try in its hand; behind its lease another sends all, in its order. */
  async 'a try that is written down too late'(stage) {
    await stage.open({ profile: 'token' })
    const ear = await listener(stage, (nth) => (nth === 1 ? new Response(null, { status: 500 }) : ok()))
    await stage.newServer()
    await stage.settle()
    const held = stage.hold(0, /update "deliveries" set "status"/)
    const late = deliver(stage, 0)
    await held.reached
    stage.scheduler.pass(61_000)
    await deliver(stage, 1)
    held.release()
    await late
    stage.scheduler.pass(600_000)
    await deliver(stage, 1)
    const heard = ear.heard.map(({ status }) => status).join()
    stage.expect(heard === 'BUILD,ACTIVE', `each is heard once, in its order: ${heard}`)
    const open = await stage.count("select count(*) as n from deliveries where status <> 'delivered'")
    stage.expect(open === 0, `${open} have arrived, and are not known to have`)
    return stage.judge()
  },

  /** Two processes find that a budget is spent: it is told as often as that is written. */
  async 'two find a budget spent'(stage) {
    await stage.open({ profile: 'token' })
    const { d1, projectId } = stage.world
    const policy = { budget: { micros: 1, currency: 'USD', period: 'month', at_100: 'refuse' } }
    const decree = (said: string | null) =>
      d1.prepare('update projects set policy = ? where id = ?').bind(said, projectId).run()
    await stage.newServer()
    await stage.settle()
    await decree(JSON.stringify(policy))
    try {
      await listener(stage, ok)
      await d1.prepare('update meters set hourly = 1000000, reserved = 1000000, due_at = 0').run()
      const held = stage.hold(0, /insert into guards/)
      const first = spendDue(stage.context(0), 25_000)
      await held.reached
      await spendDue(stage.context(1), 25_000)
      held.release()
      await first
      const told = await stage.count("select count(*) as n from notices where type glob 'budget.*'")
      const written = await stage.count("select count(*) as n from journal where action glob 'budget_*'")
      stage.expect(told === written && told > 0, `${told} are told of ${written}`)
      return [...stage.violations]
    } finally {
      await decree(null)
    }
  },
}
