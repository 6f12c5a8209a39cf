import type { Connection, Surroundings } from '../contract.ts'
import type { Mapping, Options } from './options.ts'
import type { Ec2 } from './wire/client.ts'
import type { Ebs } from './wire/ebs.ts'
import type { PriceList } from './wire/price-list.ts'

/** What every realm of one connection shares. */
export interface Context {
  ec2: Ec2
  ebs: Ebs
  /** Null: there is none for this connection. */
  priceList: PriceList | null
  connection: Connection
  options: Options
  mapping: Mapping
  surroundings: Surroundings
}
