import type { Connection, Surroundings } from '../contract.ts'
import type { Mapping, Options } from './options.ts'
import type { Ec2 } from './wire/client.ts'
import type { Ebs } from './wire/ebs.ts'

/** What every realm of one connection shares. */
export interface Context {
  ec2: Ec2
  ebs: Ebs
  connection: Connection
  options: Options
  mapping: Mapping
  surroundings: Surroundings
}
