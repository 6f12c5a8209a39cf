import type { Cloud, Mark, Realm, Seen } from '../../../adapters/contract.ts'
import { asCloudError, CloudError } from '../../../adapters/errors.ts'
import { type Binding, fenceGuard, releaseBinding, setBinding } from '../../../db/queries/line/bindings.ts'
import type { Context } from '../../context.ts'
import { recordSuccess } from '../clouds/clouds.ts'
import { kinds } from '../kinds/index.ts'
import { backoff, CALL, LEASE } from '../line/clockwork.ts'
import { drive, refusalOf, traced, type Write } from '../line/commit.ts'
import { Refused } from '../line/refused.ts'
import type { Steps } from '../line/steps.ts'

/** After one step: go on at once, come back at a time, or nothing is left to do. */
export type Next = 'again' | 'settled' | { at: number }

/** One claimed binding while a worker holds it. */
export class Work {
  readonly context: Context
  readonly steps: Steps
  binding: Binding
  /** What the database says of the resource; null: gone above the line. */
  row: unknown = null
  cloud!: Cloud
  realm!: Realm<unknown>
  /** This run froze the request and has not sent it: nobody else can have made the call. */
  unsent = false
  /** Set while a creation speaks: nothing else was made, an earlier call may have been heard, or a task is asked. */
  answer: 'sure' | 'repeated' | 'polled' | null = null
  /** The intent with which the step under way began, and whose it was. */
  began: Pick<Binding, 'revision' | 'ownership'>
  /** This run asked for a change of the object. */
  changed = false
  /** A change went unanswered, and may have its effect until then. */
  openUntil = 0

  constructor(context: Context, binding: Binding) {
    this.context = context
    this.binding = binding
    this.began = binding
    this.steps = kinds[binding.kind]
  }

  now(): number {
    return this.context.now()
  }

  get mark(): Mark {
    const { projectId, kind, resourceId, token, epoch } = this.binding
    const user = this.row ? this.steps.owner?.(this.row) : undefined
    return {
      deployment: this.context.deployment.id,
      project: projectId,
      ...(user === undefined ? {} : { user }),
      kind,
      resource: resourceId,
      token,
      epoch,
    }
  }

  /** Another intent came while the step was under way, or it is another's now: nothing is settled by it. */
  get moved(): boolean {
    const { revision, ownership } = this.binding
    return revision !== this.began.revision || ownership !== this.began.ownership
  }

  /** It is there only for what waits for it. */
  get kept(): boolean {
    return this.row !== null && this.binding.want === 'present' && (this.steps.kept?.(this.row) ?? false)
  }

  async load(): Promise<void> {
    this.row = await this.steps.load(this.context, this.binding)
  }

  /** A frozen spec, as the cloud is told it. */
  told(frozen: unknown): unknown {
    return frozen === null ? null : (this.steps.reveal?.(this.context, this.binding, frozen) ?? frozen)
  }

  /** Statements that bring the resource's row in line with what was seen. */
  observed(seen: Seen): Write[] {
    return this.row ? (this.steps.observe?.(this.context, this.row, this.binding, seen) ?? []) : []
  }

  /** Statements that tell the resource's row what went wrong. */
  blamed(error: CloudError): Write[] {
    return this.row ? (this.steps.failed?.(this.context, this.row, this.binding, error) ?? []) : []
  }

  /**
   * Records a step under our fence and reads the intent again, which may have changed. What `more` makes due elsewhere is
   * attended to. Throws `Refused` if the fence is lost.
   */
  async write(set: Partial<Binding>, more: Write[] = [], next: Next = 'again'): Promise<Next> {
    const { db } = this.context
    let stale = false
    try {
      const [, [row]] = await db.batch([
        fenceGuard(this.binding),
        setBinding(db, this.binding, { ...set, updatedAt: this.now(), leaseUntil: this.now() + LEASE }),
        ...more,
        ...traced(this.context, more),
      ] as unknown as [ReturnType<typeof db.run>, ReturnType<typeof setBinding>])
      // The row is read again with a new intent: to hold the one to be the other's would forget what was asked.
      stale = row!.revision !== this.binding.revision
      this.binding = row!
      if (set.ownership) this.began = { ...this.began, ownership: set.ownership }
    } catch (error) {
      throw refusalOf(error, more) ?? error
    }
    drive(this.context, more)
    if (more.length || stale) await this.load()
    return next
  }

  /**
   * A call to the cloud: every failure comes out as a `CloudError`. A worker that was held up so long that the call might end
   * after its lease makes none, so that no effect comes when another already works on it.
   */
  async ask<T>(call: () => Promise<T>): Promise<T> {
    if (this.now() + CALL > this.binding.leaseUntil) throw new Refused({ kind: 'guard', what: 'fence' })
    try {
      const answer = await call()
      if (!this.realm?.recorded) await recordSuccess(this.context, this.binding.cloudId)
      return answer
    } catch (error) {
      throw asCloudError(error)
    }
  }

  /**
   * A call that changes what is there. Where nobody answers, the claim runs on until the change can have no effect any
   * more: what is asked of the object next must not be overtaken by it.
   */
  async change<T>(call: () => Promise<T>): Promise<T> {
    const until = this.now() + CALL
    this.changed = true
    try {
      return await this.ask(call)
    } catch (error) {
      if (error instanceof CloudError && error.code === 'ambiguous') this.openUntil = until
      throw error
    }
  }

  /** The cloud as actions get it: every call to its servers and volumes is a change. */
  get acting(): Cloud {
    const get = <R extends object>(realm: R, name: string | symbol) => {
      const member = Reflect.get(realm, name, realm)
      return typeof member === 'function'
        ? (...args: unknown[]) => this.change(() => member.apply(realm, args))
        : member
    }
    const { server, volume } = this.cloud
    return Object.create(this.cloud, {
      server: { value: new Proxy(server, { get }) },
      volume: { value: volume && new Proxy(volume, { get }) },
    })
  }

  /** Counts the attempt and gives the time of the next, in doubling steps. */
  async later(base: number, most: number): Promise<Next> {
    const { attempts } = this.binding
    return this.write({ attempts: attempts + 1 }, [], { at: this.now() + backoff(attempts, base, most) })
  }

  async unclaim(next: Next): Promise<void> {
    const at = typeof next === 'object' ? next.at : next === 'settled' && !this.moved ? null : this.now()
    const dueAt = at === null ? null : Math.max(at, this.openUntil)
    await releaseBinding(this.context.db, this.binding, dueAt, this.now(), this.openUntil)
  }
}
