import type { Kind } from '../../adapters/contract.ts'

/*
 * What a process tells of what it does, as it does it, to whoever measures or traces. A host has no instruments unless an
 * operator asks for them, and then nothing is wrapped and nothing is timed. Each is told what begins and handed the work,
 * which it runs once, within whatever it keeps for the time of it, and whose answer or error it gives on as it is.
 */

/** Runs a piece of work that is told of. */
type Around<What> = <T>(what: What, work: () => Promise<T>) => Promise<T>

/** A call by the contract of clouds: as many requests to the cloud as its adapter makes of it. */
export interface CloudCall {
  cloud: { id: string; name: string; type: string }
  /** As the contract names it: `zones`, `server.create`, `server.remoteConsole.open`. */
  method: string
}

/** One step of the engine towards what one binding is to be. */
interface ConvergeStep {
  kind: Kind
  resourceId: string
  cloudId: string
  projectId: string
  /** As it was before the step: what is wanted, and how far it is. */
  want: string
  phase: string
}

/** One binding while the engine holds it. */
interface Held {
  kind: Kind
  resourceId: string
  cloudId: string
  projectId: string
  /** The trace of what made it due, as its row has it; null: that belonged to none. */
  trace: string | null
}

/** What is known of a request: all but itself is filled in on the way, and is there when it is answered. */
export interface Arrival {
  request: Request
  /** Where it was routed: the prefix of the service, the operation by its name, and its route. Absent: to no operation. */
  to?: { service: string; operation: string; route: string }
  /** `req-<uuid>`; absent: it never came to an operation. */
  requestId?: string
  /** What the client calls the whole operation, if it does. */
  globalRequestId?: string | null
  /** Who asks, by a token that stands, let in or not. */
  caller?: { userId: string; projectId: string } | null
}

/** All that is told, by what it is; absent: of that nothing is. */
export interface Instruments {
  call?: Around<CloudCall>
  converge?: Around<Held>
  step?: Around<ConvergeStep>
  /** One try to tell a webhook of a notice, and the trace of what that tells of, as its row has it. */
  notice?: Around<{ type: string; trace: string | null }>
  /** A turn of a loop, by its name. */
  loop?: Around<string>
  /** From when it arrives until its answer begins: a body that streams goes on behind it. */
  request?(arrival: Arrival, answer: () => Promise<Response>): Promise<Response>
  /** Where what is under way is in a trace that is recorded, as a `traceparent` has it; null: in none. Kept with what it leaves to be done. */
  trace?(): string | null
  /** The work as it is to be done later, within whatever is kept for the time of this. */
  carry?<T>(work: () => T): () => T
}
