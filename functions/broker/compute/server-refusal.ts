import { Refusing } from '../line/refused.ts'

/** Why a server will not do as asked. The service words it for its users and gives it a status. */
export type ServerRefusal =
  /** Something named does not exist, or is not the caller's to see. */
  | {
      kind: 'unknown'
      what:
        | 'flavor'
        | 'image'
        | 'network'
        | 'port'
        | 'keypair'
        | 'security-group'
        | 'server-group'
        | 'zone'
        | 'volume'
        | 'server'
      id: string
    }
  | { kind: 'image-status'; id: string; status: string }
  | { kind: 'too-small'; what: 'memory' | 'image' | 'min-disk'; has: number; needs: number }
  | { kind: 'port-in-use'; id: string; serverId: string }
  /** A port or a network has no address to give. */
  | { kind: 'no-subnet'; networkId: string }
  | { kind: 'port-without-address'; id: string }
  | { kind: 'external-network'; id: string }
  /** None was named and there are several. */
  | { kind: 'many-networks' }
  | { kind: 'no-network'; projectId: string }
  | { kind: 'many-groups'; name: string }
  | { kind: 'volume-status'; id: string; status: string }
  /** A disk that is a volume cannot be had: what it names is not there, or one cannot boot from it. */
  | { kind: 'disk'; why: 'volume' | 'snapshot' | 'image' | 'type' | 'not-bootable'; id: string }
  /** Nobody said how large a disk is that has no size of its own. */
  | { kind: 'disk'; why: 'image-size' | 'blank-size' }
  /** In GiB. */
  | { kind: 'disk'; why: 'small'; of: 'image' | 'snapshot'; has: number; needs: number }
  /** More of them than a server is made with. */
  | { kind: 'disks'; asked: number; maximum: number }
  /** Wanted of several servers at once, which only one can have. */
  | { kind: 'only-one'; what: 'port' | 'fixed-ip' | 'hostname' | 'volume'; id?: string }
  /** It boots from a volume that is of another image, and that is not written anew. */
  | { kind: 'volume-backed'; imageId: string }
  /** A fork cannot differ from its parent in that; `reason` is a sentence for people. */
  | { kind: 'unlike-parent'; reason: string }
  /** It cannot go before its forks, of which some are named. */
  | { kind: 'forked'; id: string; forks: string[] }
  | { kind: 'same-flavor' }
  | { kind: 'no-place'; reason: string }
  /** The cloud cannot; `reason` is a sentence for people. */
  | { kind: 'incapable'; reason: string }
  | { kind: 'locked'; id: string }
  /** What the project has is not known again yet, and it has a limit of money; `reason` is sentences for people. */
  | { kind: 'unlisted'; reason: string }
  /** It would cost more than may be spent; `reason` is a sentence for people. */
  | { kind: 'cost'; reason: string }
  /** The project's hints of ours are not taken; `hint` is one that was sent. */
  | { kind: 'hint'; hint: string }
  /** It is elsewhere than at home, and would have to be there; `reason` is a sentence for people. */
  | { kind: 'spilled'; id: string; reason: string }
  /** It was bought as spot, which is on or taken back: it cannot do what makes it stop. */
  | { kind: 'spot'; id: string; action: string }
  /** `at`: as users write times. */
  | { kind: 'lease-ended'; id: string; at: string }
  /** Not in the state from which that can be done; `state` null with `launched_at`: it never ran. */
  | {
      kind: 'state'
      id: string
      action: string
      attribute: 'vm_state' | 'task_state' | 'launched_at'
      state: string | null
    }
  | { kind: 'not-resized' }
  /** Nobody can run it from another image; `reason` is words of Nova's, without an end. */
  | { kind: 'not-rescuable'; id: string; reason: string }
  | { kind: 'rescue-image'; id: string }
  | { kind: 'no-host'; host: string }
  | { kind: 'no-console'; id: string }
  /** The cloud could keep what this server writes, and does not; `reason` is a sentence for people. */
  | { kind: 'no-output'; reason: string }
  /** `invalid`: there is no such type in that protocol; `unavailable`: the cloud of the server has none. */
  | { kind: 'console-type'; type: string; why: 'invalid' | 'unavailable' }
  | { kind: 'no-interface'; id: string; portId: string }
  | { kind: 'group-not-held'; id: string; name: string }
  | { kind: 'no-group'; projectId: string; name: string }
  | { kind: 'no-port-security' }
  /** A public address that the project has not, or that leads somewhere, or not here; and what it should lead to. */
  | { kind: 'no-floating-ip'; address: string }
  | { kind: 'leads-elsewhere'; address: string; id: string }
  | { kind: 'no-fixed-ip'; id: string }
  | { kind: 'not-its-address'; address: string }
  | { kind: 'not-on-network'; id: string }
  /** Too many files for its guest to write, or one with too long a path or contents. */
  | {
      kind: 'files'
      resource: 'injected_files' | 'injected_file_path_bytes' | 'injected_file_content_bytes'
      maximum: number
    }
  | { kind: 'quota'; resource: string; requested: number; used: number; maximum: number }

/** What Nova says of a counter that would pass its limit. */
export const quotaWords = ({ resource, requested, used, maximum }: ServerRefusal & { kind: 'quota' }): string =>
  COUNTED.has(resource)
    ? `Quota exceeded for ${resource}: Requested ${requested}, but already used ${used} of ${maximum} ${resource}`
    : 'Maximum number of ports exceeded'
const COUNTED = new Set(['instances', 'cores', 'ram', 'volumes', 'gigabytes'])

export class ServerRefused extends Refusing<ServerRefusal> {
  constructor(refusal: ServerRefusal) {
    super(refusal, `server refused: ${JSON.stringify(refusal)}`)
  }
}

/** Throws a refusal as an expression, where a value is missing. */
export const refuse = (refusal: ServerRefusal): never => {
  throw new ServerRefused(refusal)
}
