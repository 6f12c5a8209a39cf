import type {
  Cloud,
  FloatingIpSeen,
  Json,
  Kind,
  Mark,
  NativeId,
  PortSpec,
  Reading,
  Realm,
  SecurityGroupSpec,
  Seen,
  SubnetSpec,
} from '../../../adapters/contract.ts'
import type { CloudRow } from '../../../db/queries/clouds/clouds.ts'
import { attachmentBetween, boundTo, insertBound, rowOf, setOwnership } from '../../../db/queries/line/adopt.ts'
import { type Binding, type Ref, refOf } from '../../../db/queries/line/bindings.ts'
import type { Filters, Ownership } from '../../../db/schema/index.ts'
import type { Context } from '../../context.ts'
import { filteringAt } from '../clouds/filters.ts'
import { entryId } from '../clouds/image-names.ts'
import { isReadOnly } from '../clouds/read-only.ts'
import { charge, commit, type Write } from '../line/commit.ts'
import { digest } from '../line/digest.ts'
import { epochOf } from '../line/epoch.ts'
import { uuid5 } from '../line/uuid.ts'

/** Why an object cannot be adopted, for the operator. */
export class NotAdoptable extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'NotAdoptable'
  }
}

/** What stands for an object above the line: the same in every adoption, however often. */
export const adoptedId = (cloudId: string, kind: Kind, nativeId: NativeId): string =>
  kind === 'image' ? entryId(cloudId, nativeId) : uuid5(`adopted/${cloudId}/${kind}/${nativeId}`)

/** An object that is being adopted, and what it becomes. */
export interface Item extends Ref {
  nativeId: NativeId
  projectId: string
  zone: string | null
  ownership: Ownership
  remarks: string[]
  /** This plan binds it; otherwise it was bound before. */
  fresh: boolean
}
/** What is known of an object before it is read. */
export interface Identity {
  resourceId: string
  bound: Binding | null
  seen: Seen | null
  mark: Mark | null
}

/** How objects of a kind become rows: everything else is the plan's. */
export type Adopter = (plan: Plan, item: Item, seen: Seen, read: Reading<unknown>) => Promise<void>

export interface PlanOptions {
  projectId: string
  /** Whether our mark is put on what has none. */
  tag: boolean
  /** Public addresses of the cloud by the port that they lead to; absent: they do not come with their servers. */
  addresses?: () => Promise<Map<NativeId, FloatingIpSeen[]>>
  /** Only what carries our mark: rows that this database lost, whose ids the marks know. */
  byMark?: boolean
}

/** Everything that one object needs to be there above the line, found out first and written in one batch. */
export class Plan {
  readonly context: Context
  readonly row: CloudRow
  readonly cloud: Cloud
  readonly options: PlanOptions
  readonly items: Item[] = []
  readonly #adopters: Partial<Record<Kind, Adopter>>
  readonly #writes: Write[] = []
  readonly #charges = new Map<string, number>()
  readonly #identities = new Map<string, Promise<Identity>>()
  readonly #taken = new Map<string, Promise<Item>>()
  readonly #also: (() => Promise<unknown>)[] = []
  #tag: boolean
  hidesImages = false

  constructor(context: Context, row: CloudRow, cloud: Cloud, adopters: Plan['adopters'], options: PlanOptions) {
    this.context = context
    this.row = row
    this.cloud = cloud
    this.#adopters = adopters
    this.options = options
    this.#tag = options.tag
  }

  get adopters(): Partial<Record<Kind, Adopter>> {
    return this.#adopters
  }

  realm<S extends Seen = Seen>(kind: Kind): Realm<unknown, S> {
    const realm = this.cloud[kind] as Realm<unknown, S> | undefined
    if (!realm?.read) throw new NotAdoptable(`A ${words(kind)} of this cloud cannot be adopted.`)
    return realm
  }

  /** Whether the object is part of this plan already, taken or about to be. */
  takes(kind: Kind, nativeId: NativeId): boolean {
    return this.#taken.has(`${kind}/${nativeId}`)
  }

  identify(kind: Kind, nativeId: NativeId): Promise<Identity> {
    return once(this.#identities, `${kind}/${nativeId}`, async () => {
      const found = (await boundTo(this.context.db, this.row.id, [nativeId])).filter((each) => each.kind === kind)
      // A lent network stands for several resources: the project's own is meant. So does an image that is a copy of others.
      const own = adoptedId(this.row.id, kind, nativeId)
      const bound =
        found.find(({ projectId }) => projectId === this.options.projectId) ??
        found.find(({ resourceId }) => resourceId === own) ??
        found[0] ??
        null
      if (bound) return { resourceId: bound.resourceId, bound, seen: null, mark: null }
      const seen = await this.realm(kind).get(nativeId)
      const mark = seen?.mark?.kind === kind ? seen.mark : null
      return { resourceId: mark?.resource ?? adoptedId(this.row.id, kind, nativeId), bound: null, seen, mark }
    })
  }

  /** Makes the object part of the plan, with everything that it stands on. */
  take(kind: Kind, nativeId: NativeId, explicit = true): Promise<Item> {
    return once(this.#taken, `${kind}/${nativeId}`, async () => {
      const { bound, seen, mark, resourceId } = await this.identify(kind, nativeId)
      const item = bound ? await this.#known(bound, explicit) : this.#fresh(kind, nativeId, resourceId, seen, mark)
      this.items.push(item)
      if (item.fresh) await this.#fill(item, seen!, mark)
      return item
    })
  }

  /** For what a server was made of: it may be anybody's, so no mark is put on it. */
  async takeUnmarked(kind: Kind, nativeId: NativeId): Promise<Item> {
    const tag = this.#tag
    this.#tag = false
    this.hidesImages = true
    try {
      return await this.take(kind, nativeId, false)
    } finally {
      this.#tag = tag
      this.hidesImages = false
    }
  }

  /** What the cloud does with security groups of the project that adopts. */
  async filters(): Promise<Filters> {
    const { context, row, options } = this
    return (await filteringAt(context, row.id, options.projectId))?.filters ?? 'none'
  }

  /** The binding of an object that is no part of the plan. */
  async boundObject(kind: Kind, nativeId: NativeId): Promise<Binding | null> {
    const found = await boundTo(this.context.db, this.row.id, [nativeId])
    return found.find((each) => each.kind === kind) ?? null
  }

  /** Whether a binding accounts for a volume's place in a server; it follows them in becoming ours. */
  async attachedBefore(serverId: string, volumeId: string): Promise<boolean> {
    const { db } = this.context
    const bound = await attachmentBetween(db, this.row.id, serverId, volumeId)
    if (!bound?.nativeId) return false
    const markable = this.cloud.attachment?.mark !== undefined
    const upgrade = this.#tag && ['foreign', 'adopting'].includes(bound.ownership)
    const ownership = !upgrade ? bound.ownership : markable ? 'adopting' : 'ours'
    if (upgrade) this.write(setOwnership(db, [bound], ownership, markable ? this.context.now() : null))
    const { projectId, zone, nativeId } = bound
    this.items.push({ ...refOf(bound), nativeId, projectId, zone, ownership, remarks: [], fresh: false })
    return true
  }

  /** Later, when what is under way is planned: for objects that name each other. */
  also(work: () => Promise<unknown>): void {
    this.#also.push(work)
  }

  async #known(bound: Binding, explicit: boolean): Promise<Item> {
    const { kind, nativeId, projectId, phase } = bound
    if (phase === 'deleting') throw new NotAdoptable(`The ${words(kind)} ${nativeId} is being removed.`)
    // An image of the catalogue is nobody's.
    const ownership = projectId === '' ? 'foreign' : bound.ownership
    const item = { ...refOf(bound), nativeId: nativeId!, projectId, zone: bound.zone, ownership }
    const mine = projectId === this.options.projectId
    const upgrade = this.#tag && explicit && mine && ['foreign', 'adopting'].includes(bound.ownership)
    if (!upgrade) return { ...item, remarks: [], fresh: false }
    const read = await this.realm(kind).read!(item.nativeId)
    if (read) for (const [each, id] of groundOf(kind, read.spec)) this.also(() => this.take(each, id))
    const next = read?.lost.length || !this.realm(kind).mark ? item.ownership : 'adopting'
    if (next === 'adopting') this.write(setOwnership(this.context.db, [item], next, this.context.now()))
    return { ...item, ownership: next, remarks: read ? [...read.lost, ...read.left] : [], fresh: false }
  }

  #fresh(kind: Kind, nativeId: NativeId, resourceId: string, seen: Seen | null, mark: Mark | null): Item {
    const what = `${words(kind)} ${nativeId}`
    if (!seen || seen.health === 'gone') throw new NotAdoptable(`The cloud shows no ${what}.`)
    if (seen.health === 'pending') throw new NotAdoptable(`The ${what} is not at rest; ask again later.`)
    if (this.options.byMark && !mark) throw new NotAdoptable(`The ${what} does not carry our mark.`)
    if (mark && mark.project !== this.options.projectId && mark.project !== '')
      throw new NotAdoptable(`The ${what} carries the mark of project ${mark.project}.`)
    const projectId = this.options.projectId
    const ref = { kind, resourceId, cloudId: this.row.id, scope: '' }
    return { ...ref, nativeId, projectId, zone: seen.zone ?? null, ownership: 'foreign', remarks: [], fresh: true }
  }

  async #fill(item: Item, seen: Seen, mark: Mark | null): Promise<void> {
    const { kind, nativeId } = item
    const realm = this.realm(kind)
    const read = await realm.read!(nativeId)
    if (!read) throw new NotAdoptable(`The cloud shows no ${words(kind)} ${nativeId}.`)
    item.remarks = [...read.lost, ...read.left]
    item.ownership = this.ownershipOf(mark !== null, read.lost.length > 0, realm.mark !== undefined)
    await this.#adopters[kind]!(this, item, seen, read)
    this.bind(item, seen, read.spec as Json, mark)
  }

  ownershipOf(marked: boolean, lossy: boolean, markable: boolean): Ownership {
    if (lossy || isReadOnly(this.row) || !(marked || this.#tag)) return 'foreign'
    return marked || !markable ? 'ours' : 'adopting'
  }

  bind(item: Item, seen: Seen, frozen: Json, mark: Mark | null): void {
    const { context } = this
    this.write(
      insertBound(context.db, {
        ...item,
        token: mark?.token ?? context.newId(),
        epoch: mark?.epoch ?? epochOf(context.now()),
        frozen,
        observed: digest(seen),
        due: item.ownership === 'adopting',
        now: context.now(),
      }),
    )
  }

  /** The row of a resource with what it counts for, unless this database still has it. */
  async admit(item: Item, counts: Record<string, number>, writes: () => Write[]): Promise<boolean> {
    const known = await rowOf(this.context.db, item.kind, item.resourceId)
    if (known && !known.deleted) return false
    if (known && this.options.byMark) throw new NotAdoptable(`The ${words(item.kind)} was deleted.`)
    for (const [resource, amount] of Object.entries(counts)) this.count(resource, amount)
    this.write(...writes())
    return true
  }

  count(resource: string, amount: number): void {
    this.#charges.set(resource, (this.#charges.get(resource) ?? 0) + amount)
  }

  write(...writes: Write[]): void {
    this.#writes.push(...writes)
  }

  /** Writes the whole plan, or nothing. Throws `Refused`. */
  async commit(about: Item): Promise<void> {
    for (let work = this.#also.shift(); work; work = this.#also.shift()) await work()
    if (!this.#writes.length) return
    const { context, options } = this
    const charges = [...this.#charges].map(([resource, amount]) => charge(options.projectId, resource, amount))
    const detail = { cloud: this.row.name, native_id: about.nativeId, tag: options.tag }
    const entry = { action: 'adopt', kind: about.kind, resourceId: about.resourceId, detail, handover: true }
    await commit(context, entry, [...charges, ...this.#writes])
  }
}

export const words = (kind: Kind): string => kind.replace('_', ' ')

/** What an object stands on, of what can become ours together with it. */
const groundOf = (kind: Kind, spec: unknown): [Kind, NativeId][] => {
  if (kind === 'port') {
    const { network, addresses, securityGroups } = spec as PortSpec
    return [
      ['network', network],
      ...addresses.map(({ subnet }): [Kind, NativeId] => ['subnet', subnet]),
      ...securityGroups.map((id): [Kind, NativeId] => ['security_group', id]),
    ]
  }
  if (kind === 'subnet') return [['network', (spec as SubnetSpec).network]]
  if (kind !== 'security_group') return []
  const { network, rules } = spec as SecurityGroupSpec
  const named = rules.flatMap(({ group }): [Kind, NativeId][] =>
    group && group !== 'self' ? [['security_group', group]] : [],
  )
  return [['network', network], ...named]
}

const once = <T>(known: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> => {
  const found = known.get(key) ?? make()
  known.set(key, found)
  return found
}
