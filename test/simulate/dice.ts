/** Chance that can be repeated: the same seed throws the same numbers, on every runtime. */
export class Dice {
  #a: number
  #b: number
  #c: number
  #d = 1

  constructor(seed: number) {
    this.#a = seed >>> 0
    this.#b = Math.imul(seed, 0x9e3779b9) >>> 0
    this.#c = 0x2545f491
    for (let i = 0; i < 12; i++) this.#next()
  }

  /** 32 bits (sfc32, by Chris Doty-Humphrey). */
  #next(): number {
    const t = (((this.#a + this.#b) >>> 0) + this.#d) >>> 0
    this.#d = (this.#d + 1) >>> 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) >>> 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) >>> 0
    this.#c = (this.#c + t) >>> 0
    return t
  }

  /** A whole number from 0 to below `n`. */
  below(n: number): number {
    return Math.floor((this.#next() / 2 ** 32) * n)
  }

  between(least: number, most: number): number {
    return least + this.below(most - least + 1)
  }

  chance(p: number): boolean {
    return this.#next() / 2 ** 32 < p
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T
  }

  uuid(): string {
    const hex = this.#hex() + this.#hex() + this.#hex() + this.#hex()
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
  }

  /** Eight digits; the bit on top keeps those that begin with zeroes. */
  #hex(): string {
    return (2 ** 32 + this.#next()).toString(16).slice(1)
  }
}
