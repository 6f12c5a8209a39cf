import type { Cloud, Kind, NativeId, Realm, Seen } from '../../../adapters/contract.ts'
import type { CloudError } from '../../../adapters/errors.ts'
import type { Binding } from '../../../db/queries/line/bindings.ts'
import type { Context } from '../../context.ts'
import type { Write } from './commit.ts'

/** Another resource that must be bound on the same cloud first. */
export interface Need {
  kind: Kind
  resourceId: string
  /** For kinds realised once per network. */
  scope?: string
  zone?: string | null
  projectId: string
  /** It is of no use before its cloud has finished making it. */
  atRest?: boolean
  /** A cloud that has no such kind does without. */
  ifOffered?: boolean
}

type Named = Pick<Need, 'kind' | 'resourceId' | 'scope'>

/** Looks up the native id of a need that is bound; `orNull` of one that the cloud may do without. */
export interface Natives {
  (need: Named): NativeId
  orNull(need: Named): NativeId | null
}

/** `create`: before the object exists. `apply`: before a change of it; may need more (a group that a rule names). */
export type Stage = 'create' | 'apply'

/**
 * What is particular to one kind; everything else is `converge`. `Row` is what the database says of the resource,
 * `Spec` what the cloud is asked for, `S` what the cloud shows.
 */
export interface Steps<Row = unknown, Spec = unknown, S extends Seen = Seen> {
  kind: Kind
  realm(cloud: Cloud): Realm<Spec, S> | undefined
  /** Null: the resource is gone above the line, only the cloud still has it. */
  load(context: Context, binding: Binding): Promise<Row | null>
  /** Nobody can name it any more, and it is there only for what was admitted with it: to be looked at until that is made. */
  kept?(row: Row): boolean
  /** Its cloud may be asked for it again while it still lets go of it. */
  returns?: true
  /** The user whose it is, where it is not its project's alone. */
  owner?(row: Row): string
  /** Something has to be made here, by no cloud, before the request for it can be worded: the time to come back; null: it is made. */
  awaits?(context: Context, row: Row, binding: Binding): Promise<number | null>
  /** What its cloud said a moment ago to somebody who asked for the same: it is not asked again; null: nothing. */
  refused?(context: Context, row: Row, binding: Binding): Promise<CloudError | null>
  needs(context: Context, row: Row, binding: Binding, stage: Stage): Promise<Need[]> | Need[]
  spec(context: Context, row: Row, binding: Binding, native: Natives, stage: Stage): Promise<Spec> | Spec
  /** The spec as the cloud is told it, where secrets in it are sealed for as long as they lie in rows. */
  reveal?(context: Context, binding: Binding, spec: Spec): Spec
  /** Statements that bring the row in line with what was seen; none if it already is. */
  observe?(context: Context, row: Row, binding: Binding, seen: S): Write[]
  /** Statements for a resource that will never exist on this cloud. */
  failed?(context: Context, row: Row, binding: Binding, error: CloudError): Write[]
  /** What the object is brought down to before it is removed, so that objects which name each other can go. */
  stripped?(binding: Binding): Spec | null
  /**
   * What else stands for it on its cloud goes before it does. Statements for when that has been asked for; null: it may yet
   * appear.
   */
  clears?(context: Context, row: Row, binding: Binding, cloud: Cloud): Promise<Write[] | null>
  /** What of its cloud cannot go before it has. */
  keeps?(spec: Spec): { kind: Kind; nativeId: NativeId }[]
  /** Statements for when the cloud has let go of it: tombstone, quota. */
  gone?(context: Context, row: Row | null, binding: Binding): Promise<Write[]> | Write[]
  /** The cloud has no room, in its words: what becomes of this binding, and statements that move the wish. Null: nowhere is left. */
  elsewhere?(
    context: Context,
    row: Row,
    binding: Binding,
    error: CloudError,
  ): Promise<{ here: Partial<Binding>; writes: Write[] } | null>
  /**
   * Its cloud took it back, and it is gone for good: what becomes of this binding, and statements for the row. Null: it did not,
   * as far as was seen. `stuck`: why it cannot be made elsewhere, where that was tried.
   */
  reclaimed?(
    context: Context,
    row: Row,
    binding: Binding,
    seen: S,
    stuck: string | null,
  ): Promise<{ here: Partial<Binding>; writes: Write[] } | null>
  /** What users asked for beyond existence; `settled` when there is nothing more to do, `at`: when to go on. */
  act?(
    context: Context,
    row: Row,
    binding: Binding,
    cloud: Cloud,
    seen: S,
  ): Promise<{ settled: boolean; writes: Write[]; at?: number }>
}

/** Keeps the three types together; gives the steps as they are. */
export const steps = <Row, Spec, S extends Seen = Seen>(definition: Steps<Row, Spec, S>): Steps =>
  definition as unknown as Steps
