import type { Json } from '../../../adapters/contract.ts'
import { table } from '../../../adapters/table.ts'
import { insertNotice } from '../../../db/queries/line/notices.ts'
import type { Context } from '../../context.ts'
import type { Write } from './commit.ts'

interface Type {
  /** When it is told, for people. */
  when: string
  /** What its `data` has, and what that is. */
  data: Record<string, string>
}

const NAME = 'of the server'
/** Of what is a line in the history of a server, that is what triggers tell. */
const event = (when: string): Type => ({
  when,
  data: { message: 'what is to be said of it, or null', request_id: 'as in `openstack server event list`' },
})
const differing = {
  what: '`power`, `size`, `missing`, `segmentation`',
  cloud: 'its name',
  intent: 'what was asked for',
  observed: 'what is there, or was last',
}
const counted = { name: 'of the burst', min: 'so many members at least', max: 'so many at most' }
const ended = { name: 'of the burst', reason: 'why, or null', failed: 'whether it came to nothing' }
const amounts = {
  spent: 'what is spent this month, or kept for what runs, in the currency of the deployment',
  budget: 'what may be',
}

/**
 * Every type of notice. Those of servers and of differences are written by triggers (`db/migrations`), an entry in the history of a
 * server that says what happened as `server.<action>`; all others by `tell`, in the batch of what they tell.
 */
export const NOTICES: Record<string, Type> = table<Type>({
  'server.status': {
    when: 'A server has another status, its first and `DELETED` among them.',
    data: {
      name: NAME,
      status: 'as Nova shows it',
      before: 'the one before; null for the first',
      task: '`OS-EXT-STS:task_state`',
      fault: 'what is wrong with it, or null',
    },
  },
  'server.placed': {
    when: 'A server has a place, or another one.',
    data: {
      name: NAME,
      cloud: 'its name',
      zone: '`<cloud>.<zone>`',
      size: 'what the cloud calls it',
      option: '`on-demand` or `spot`',
      before: 'the zone before; null for the first',
    },
  },
  'server.place_refused': event('A cloud would not have a server, which goes on to the next place.'),
  'server.reclaim_announced': event(
    'A cloud says that it is going to take a server back that was bought as spot, on EC2 within two minutes. The server runs until then.',
  ),
  'server.reclaimed': event(
    'A cloud took a server back that was bought as spot; the message says why it stays so, if it does.',
  ),
  'server.replaced': event('A server that was taken back begins again from its image, in another place.'),
  'server.homecoming': event('A server came home: another machine, from its image, has its id.'),
  'server.homecoming_failed': event('A machine at home came to nothing; the server is where it was.'),
  'server.lease_end': event('The lease of a server is over, and it is stopped.'),
  'server.budget_end': event('The budget is spent, and a server is stopped that is marked for it.'),
  'server.burst_done': event('All members of a burst have said their last, and it is stopped with them.'),
  'server.evacuate': event('The cloud started a server again on another host.'),
  'server.start': event('A server was started, and nobody asked for it here.'),
  'server.stop': event('A server went off, and nobody asked for it here.'),
  'server.pause': event('A server was paused, and nobody asked for it here.'),
  'server.suspend': event('A server was suspended, and nobody asked for it here.'),
  'server.reboot': event('A server was started anew, and nobody asked for it here.'),
  'server.adopt': event('A server that was on a cloud is managed from now on.'),
  'server.lock': event('A server was locked.'),
  'server.unlock': event('A server was unlocked.'),
  'server.confirmResize': event('A resize was confirmed.'),
  'server.createImage': event('An image of the volumes of a server was asked for.'),
  'server.addSecurityGroup': event('A server has another security group.'),
  'server.removeSecurityGroup': event('A server has a security group less.'),
  'server.changePassword': event('The password of the administrator in a guest was set.'),
  'server.os-resetState': event('An administrator said what state a server is in.'),
  'drift.found': {
    when: 'A cloud is not as it was asked to be, and nobody here made it so.',
    data: differing,
  },
  'drift.settled': {
    when: 'Such a difference is over: it is as it was asked for, something else was asked for, or the resource is gone.',
    data: { ...differing, since: 'when it was found' },
  },
  'webhook.test': {
    when: 'Somebody asked for it, to see whether a webhook arrives. It goes to that one alone.',
    data: { name: 'of the webhook' },
  },
  'webhook.disabled': {
    when: 'A webhook was switched off, because nothing arrived for a day or its receiver wants nothing.',
    data: { name: 'of the webhook', reason: 'a sentence' },
  },
  'burst.created': { when: 'A burst was asked for.', data: counted },
  'burst.changed': { when: 'Of a burst the count, the budget or the deadline is another.', data: counted },
  'burst.draining': { when: 'A burst is on its way out: its members go.', data: ended },
  'burst.finished': { when: 'All members of a burst have said their last.', data: ended },
  'burst.over': { when: 'A burst is over, and nothing of it is left but what it cost.', data: ended },
  'budget.warned': { when: 'Most of the budget of the month (80 %) is spent or kept for what runs.', data: amounts },
  'budget.exhausted': { when: 'All of the budget of the month is.', data: amounts },
})

export interface Telling {
  /** One of `NOTICES`. */
  type: string
  projectId: string
  kind: string
  resourceId: string
  data: Record<string, Json>
}

/** Statement: tells whoever listens to the project. It belongs into the batch of what it tells, and writes nothing where nobody listens. */
export const tell = (context: Pick<Context, 'now'>, telling: Telling): Write => {
  if (!Object.hasOwn(NOTICES, telling.type))
    throw new Error(`${telling.type} is no type of a notice: give it a line in NOTICES`)
  return insertNotice({ ...telling, at: context.now() })
}
