import type { Adapter, Cloud, ServerSeen } from '../../adapters/contract.ts'

const PAGE = 1_000

/** Stands for the account that a cloud of the bench shows, and for the time that showing it takes. */
export class Estate {
  /** Servers of each cloud. */
  readonly each: number
  /** Raised by `change`: every hundredth server looks different then. */
  generation = 0
  /** Time of the processor that went into making listings up, in microseconds. */
  spent = 0

  constructor(each: number) {
    this.each = each
  }

  /** A sighting is made up when it is asked for and kept by nobody here. */
  sight(cloud: string, n: number): ServerSeen {
    const changed = this.generation > 0 && n % 100 === 0
    return {
      id: `i-${cloud}-${n.toString(16).padStart(12, '0')}`,
      name: `server-${n}`,
      health: 'ready',
      zone: 'a',
      power: changed ? 'stopped' : 'running',
      size: 'quick',
      volumes: [{ id: `vol-${n}`, device: '/dev/xvda', root: true }],
      ports: [{ id: `eni-${n}`, mac: '02:00:00:00:00:01', addresses: ['10.0.0.1'] }],
    }
  }

  /** A cloud that has servers and nothing else. */
  cloud(name: string): Cloud {
    const list = async (cursor = '0') => {
      const before = process.cpuUsage()
      const from = Number(cursor)
      const to = Math.min(this.each, from + PAGE)
      const items = Array.from({ length: to - from }, (_, n) => this.sight(name, from + n))
      const { user, system } = process.cpuUsage(before)
      this.spent += user + system
      return { items, complete: true, ...(to < this.each ? { next: String(to) } : {}) }
    }
    return { server: { once: 'token', settleMs: 0, list } } as unknown as Cloud
  }

  adapter(): Adapter {
    const made: Pick<Adapter, 'type' | 'runtimes' | 'account' | 'connect'> = {
      type: 'still',
      runtimes: ['node', 'workers'],
      account: ({ name }) => name,
      connect: ({ name }) => this.cloud(name),
    }
    return made as Adapter
  }
}
