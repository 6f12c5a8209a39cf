import { mibWords, vcpuWords } from '../../parts/words.ts'

/** A flavor as Nova shows it in detail. */
export interface Flavor {
  id: string
  name: string
  vcpus: number
  ram: number
  disk: number
}

/** A flavor as it is chosen: `m1.tiny · 1 vCPU, 512 MiB`. */
export const flavorWords = ({ name, vcpus, ram, disk }: Flavor): string =>
  `${name} · ${vcpuWords(vcpus)}, ${mibWords(ram)}${disk ? `, ${disk} GiB disk` : ''}`
