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

/** What is known of a request: all but itself is filled in on the way, and is there when it is answered. */
export interface Arrival {
  request: Request
  /** Where it was routed: the prefix of the service, the operation by its name, and its route. Absent: to no operation. */
  to?: { service: string; operation: string; route: string }
  /** `req-<uuid>`; absent: it never came to an operation. */
  requestId?: string
  /** What the client calls the whole operation, if it does. */
  globalRequestId?: string | null
  /** Who asks, once he was let in. */
  caller?: { userId: string; projectId: string } | null
}

/** All that is told, by what it is; absent: of that nothing is. */
export interface Instruments {
  call?: Around<CloudCall>
  step?: Around<ConvergeStep>
  /** A turn of a loop, by its name. */
  loop?: Around<string>
  /** From when it arrives until its answer begins: a body that streams goes on behind it. */
  request?(arrival: Arrival, answer: () => Promise<Response>): Promise<Response>
}
