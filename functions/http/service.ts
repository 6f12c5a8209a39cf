import type { Dialect } from './dialects.ts'
import type { Fault } from './fault.ts'
import type { Input, Operation } from './operation.ts'

/** The microversions that a service claims, and how clients ask for them. */
export interface Microversions {
  /** Major version, and the first and last minor of it. */
  major: number
  min: number
  max: number
  /** The name in `OpenStack-API-Version: <name> X.Y`. */
  name: string
  /** The older header of the same meaning, e.g. `X-OpenStack-Nova-API-Version`. */
  legacyHeader?: string
}

/** One OpenStack service: a prefix, a dialect, a table of operations, and its lines in the catalogue. */
export interface Service {
  /** Catalogue types that point here, e.g. `block-storage` and `volumev3`. */
  types: string[]
  /** Name in the catalogue, e.g. `nova`. */
  name: string
  prefix: string
  /** What clients append paths to, below the origin; `{project_id}` is filled in from the token. */
  endpoint: string
  dialect: Dialect
  microversions?: Microversions
  operations: Operation[]
  /** On each of its answers. */
  headers?: Record<string, string>
  /** A path may end with a slash more, as where the real service takes it off; absent: such a path is none. */
  takesSlashes?: true
  /** What the broker refused, in this service's words; undefined: it has none, and the error is what it is. */
  refuse?(error: unknown, input: Input, operation: Operation): Promise<Fault | undefined> | Fault | undefined
}
