/**
 * Something that the broker will not do, as data: `refusal` says what and why. Nothing of it was done. The service that
 * was asked words it for its users and gives it a status (`Service.refuse`).
 */
export abstract class Refusing<Refusal> extends Error {
  readonly refusal: Refusal
  constructor(refusal: Refusal, message: string, traced = false) {
    const { stackTraceLimit } = Error
    // As for a `Fault`: it becomes an answer, and nobody looks where it was thrown.
    if (!traced) Error.stackTraceLimit = 0
    super(message)
    Error.stackTraceLimit = stackTraceLimit
    this.name = new.target.name
    this.refusal = refusal
  }
}

/** What a batch was refused for. */
export type Refusal =
  /** A counter would pass its limit: `resource` and `projectId` say which, `asked` by how much the batch would move it. */
  | { kind: 'quota'; resource: string; projectId: string; asked: number }
  /** The token was revoked since it was verified. */
  | { kind: 'token' }
  /** A guard of the caller did not hold: `what` is the name it gave. */
  | { kind: 'guard'; what: string }
  /** A unique index: `columns` as `table.column`. */
  | { kind: 'taken'; columns: string[] }

/** The whole batch is undone. */
export class Refused extends Refusing<Refusal> {
  constructor(refusal: Refusal) {
    super(refusal, `refused: ${JSON.stringify(refusal)}`, true)
  }
}

/** Whether a batch was refused because something of the same name is there. */
export const isTaken = (error: unknown): boolean => error instanceof Refused && error.refusal.kind === 'taken'
